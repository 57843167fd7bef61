-- Statements of the files kept row by row: jobseekers of the communes of the region (Dares). The rows « Total
-- » and the arrondissements, that repeat their commune, are left out; a breakdown is read where the commune
-- holds a QPV.
with lignes as (
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        code_commune,
        substr(millesime, 1, 4) || '-' || substr(millesime, 5, 2) as trimestre,
        'TOTAL' as cle_ventilation,
        valeur_texte,
        nb_demandeurs_emploi
    from {{ ref('stg_dares__defm_communales') }}
    where not est_total and not est_arrondissement
    union all
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        code_commune,
        trimestre,
        case
            when sexe = 'Total' and tranche_age = 'Total' then 'TOTAL'
            when tranche_age = 'Total' then ''
            when tranche_age = 'Moins de 25 ans' then 'AGE=M25'
            when tranche_age = 'De 25 à 49 ans' then 'AGE=25_49'
            when tranche_age = '50 ans et plus' then 'AGE=50_PLUS'
        end
        || case when sexe <> 'Total' and tranche_age <> 'Total' then '|' else '' end
        || case sexe
            when 'Total' then ''
            when 'Femmes' then 'SEXE=F'
            when 'Hommes' then 'SEXE=H'
        end as cle_ventilation,
        valeur_texte,
        nb_demandeurs_emploi
    from {{ ref('stg_dares__defm_communales_export') }}
    where
        not est_total
        and not est_arrondissement
        and coalesce(categorie, 'ABC') = 'ABC'
        and lower(coalesce(type_donnees, 'brutes')) like 'brut%'
),

communes_de_qpv as (
    select distinct code_commune
    from {{ ref('int_qpv_commune') }}
    where code_commune is not null
)

select
    lignes.producteur,
    lignes.jeu,
    lignes.millesime,
    lignes.fichier,
    lignes.empreinte_sha256,
    lignes.empreinte_sha256 || '|' || cast(jeu_source.recupere_le as varchar) as cle_version,
    lignes.ligne_source,
    'commune' as type_territoire,
    lignes.code_commune as code_zone,
    territoire.cle_territoire,
    'nombre_de_demandeurs_d_emploi' as code_variable,
    cast(null as integer) as colonne_numero,
    lignes.valeur_texte,
    lignes.nb_demandeurs_emploi as valeur,
    lignes.trimestre,
    jeu_source.recupere_le as connu_du,
    cast(null as date) as connu_au,
    true as est_premiere_version,
    serie.code_indicateur,
    lignes.cle_ventilation,
    serie.bloc,
    serie.nature
from lignes
inner join {{ ref('serie_source') }} as serie
    on lignes.producteur = serie.producteur and lignes.jeu = serie.jeu
inner join {{ ref('stg_entrepot__jeu_source') }} as jeu_source
    on
        lignes.producteur = jeu_source.producteur
        and lignes.jeu = jeu_source.jeu
        and lignes.millesime = jeu_source.millesime
inner join {{ ref('int_territoire_code') }} as territoire
    on territoire.type_territoire = 'commune' and lignes.code_commune = territoire.code_territoire
left join communes_de_qpv on lignes.code_commune = communes_de_qpv.code_commune
where lignes.cle_ventilation = 'TOTAL' or communes_de_qpv.code_commune is not null
