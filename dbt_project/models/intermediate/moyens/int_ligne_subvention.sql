-- Subsidy lines of posts, exact repetitions folded into one with their count. A line is not a post.
with lignes as (
    select
        'ADULTES_RELAIS' as code_dispositif,
        'adulte_relais' as type_moyen,
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        id_poste,
        siret,
        raison_sociale,
        annee,
        montant_euros,
        code_contrat_source,
        code_departement,
        code_region
    from {{ ref('stg_sig_ville__adultes_relais') }}
    union all
    select
        'FONJEP' as code_dispositif,
        'poste_fonjep' as type_moyen,
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        id_poste,
        cast(null as varchar) as siret,
        raison_sociale,
        annee,
        montant_euros,
        code_contrat_source,
        code_departement,
        code_region
    from {{ ref('stg_sig_ville__postes_fonjep') }}
),

distinctes as (
    select
        code_dispositif,
        type_moyen,
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        min(ligne_source) as ligne_source,
        id_poste,
        siret,
        raison_sociale,
        annee,
        montant_euros,
        code_contrat_source,
        code_departement,
        code_region,
        count(*) as nb_lignes_identiques
    from lignes
    where {{ dans_la_region('code_region') }}
    group by
        code_dispositif, type_moyen, producteur, jeu, millesime, fichier, empreinte_sha256, id_poste, siret,
        raison_sociale, annee, montant_euros, code_contrat_source, code_departement, code_region
),

contrats as (
    select
        code_dispositif,
        type_moyen,
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        id_poste,
        siret,
        raison_sociale,
        annee,
        montant_euros,
        code_contrat_source,
        code_departement,
        code_region,
        nb_lignes_identiques,
        -- `CV380CV384`: two codes stuck together
        (
            length(code_contrat_source)
            - length(replace(replace(code_contrat_source, 'CV', ''), 'CN', ''))
        ) / 2 as nb_codes_contrat
    from distinctes
)

select
    contrats.code_dispositif,
    contrats.type_moyen,
    contrats.producteur,
    contrats.jeu,
    contrats.millesime,
    contrats.fichier,
    contrats.empreinte_sha256,
    contrats.ligne_source,
    contrats.id_poste,
    contrats.siret,
    contrats.raison_sociale,
    contrats.annee,
    contrats.montant_euros,
    contrats.code_contrat_source,
    case when contrats.nb_codes_contrat = 1 then contrats.code_contrat_source end as code_contrat,
    case
        when contrats.nb_codes_contrat > 1
            then substr(replace(replace(contrats.code_contrat_source, 'CV', '|CV'), 'CN', '|CN'), 2)
        else contrats.code_contrat_source
    end as codes_contrat,
    generation.generation,
    contrats.code_departement,
    contrats.code_region,
    contrats.nb_lignes_identiques,
    -- a post shared by two contracts is written twice with its whole amount
    contrats.id_poste is not null
    and row_number() over (
        partition by
            contrats.code_dispositif, contrats.annee, contrats.id_poste, contrats.montant_euros
        order by contrats.code_contrat_source, contrats.ligne_source
    ) > 1 as est_montant_repete
from contrats
left join {{ ref('generation_contrat') }} as generation
    on
        contrats.annee >= extract(year from generation.t0)
        and contrats.annee <= extract(year from coalesce(generation.fin_prolongee, generation.fin_initiale))
