-- Targets, one row per text and wording. A row without size or deadline stays, and yields no rate.
select
    cible.code as code_cible,
    cible.dispositif as code_dispositif,
    cible.indicateur as code_indicateur,
    cible.type_cible,
    cible.valeur as valeur_cible,
    cible.unite,
    cible.baseline as valeur_base,
    cible.date_baseline as annee_base,
    cible.echeance,
    cible.valide_du as en_vigueur_du,
    coalesce(cible.valide_au, {{ date_de('cible.echeance', 12, 31) }}) as en_vigueur_au,
    cible.valeur is not null and cible.echeance is not null as est_complete,
    case
        when cible.valeur is null and cible.echeance is null then 'le texte ne fixe ni ampleur ni échéance'
        when cible.valeur is null then 'le texte ne fixe pas l''ampleur'
        when cible.echeance is null then 'le texte ne fixe pas l''échéance'
    end as motif_incomplete,
    cible.population_de_reference,
    cible.code_base_parite,
    cible.base_parite as libelle_base_parite,
    cible.texte_fixant,
    cible.generation_contrat as generation,
    cible.document,
    cible.section,
    cible.territoire as territoire_cite,
    cite.population as population_territoire,
    cite.type_territoire,
    cite.code_territoire,
    territoire.cle_territoire,
    cible.comparateur as code_comparateur,
    cible.cible_liee as code_cible_liee,
    cible.groupe_contradiction,
    cible.remarque
from {{ ref('cible') }} as cible
left join {{ ref('territoire_cite') }} as cite on cible.territoire = cite.territoire_cite
left join {{ ref('int_territoire_code') }} as territoire
    on cite.type_territoire = territoire.type_territoire and cite.code_territoire = territoire.code_territoire
order by cible.code
