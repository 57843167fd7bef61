-- Subsidy lines of the specific means. The files give a contract, never a neighbourhood.
select
    ligne.code_dispositif || ':' || cast(ligne.annee as varchar) || ':' || ligne.millesime || ':'
    || cast(ligne.ligne_source as varchar) as cle_moyen,
    ligne.code_dispositif,
    ligne.type_moyen,
    cast(ligne.annee as integer) as annee,
    ligne.id_poste,
    ligne.siret,
    ligne.raison_sociale,
    ligne.codes_contrat,
    ligne.code_contrat,
    contrat.cle_territoire as cle_territoire_contrat,
    ligne.generation,
    case
        when ligne.code_contrat_source is null then 'le producteur n''a pas écrit de contrat de ville'
        when ligne.code_contrat is null
            then 'plusieurs contrats de ville sont écrits : la ligne n''est pas répartie'
        when contrat.cle_territoire is null then 'contrat de ville inconnu de cette version'
    end as motif_contrat,
    cast(null as varchar) as code_qpv,
    ligne.code_departement,
    ligne.code_region,
    cast(ligne.montant_euros as double precision) as montant,
    'euros' as unite,
    cast(null as integer) as nb_postes,
    cast(ligne.nb_lignes_identiques as integer) as nb_lignes_identiques,
    ligne.est_montant_repete,
    case when ligne.montant_euros is null then 'ND' else 'OK' end as code_statut,
    case when ligne.montant_euros is null then 'montant absent du fichier' end as motif,
    jeu_source.cle_jeu_source,
    ligne.fichier,
    ligne.empreinte_sha256,
    cast(ligne.ligne_source as integer) as ligne_source,
    jeu_source.publie_le,
    jeu_source.recupere_le as connu_du,
    cast(null as date) as connu_au
from {{ ref('int_ligne_subvention') }} as ligne
inner join {{ ref('dim_jeu_source') }} as jeu_source
    on ligne.producteur || ':' || ligne.jeu || ':' || ligne.millesime = jeu_source.cle_jeu_source
left join {{ ref('dim_contrat_ville') }} as contrat
    on ligne.code_contrat = contrat.code_contrat and ligne.generation = contrat.generation
order by cle_moyen
