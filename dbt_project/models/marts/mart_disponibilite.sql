-- What is known and what is not, per contract, département and region. A QPV shared by two contracts counts
-- in both; the département and the region count each QPV once.
with appartenances as (
    select
        cle_territoire_contrat as cle_territoire,
        cle_territoire_qpv
    from {{ ref('pont_qpv_contrat') }}
    union all
    select
        departement.cle_territoire,
        qpv.cle_territoire as cle_territoire_qpv
    from {{ ref('dim_qpv') }} as qpv
    inner join {{ ref('dim_territoire') }} as departement
        on
            departement.type_territoire = 'departement'
            and qpv.code_departement = departement.code_territoire
    union all
    select
        region.cle_territoire,
        qpv.cle_territoire as cle_territoire_qpv
    from {{ ref('dim_qpv') }} as qpv
    inner join {{ ref('dim_territoire') }} as region
        on region.type_territoire = 'region' and qpv.code_region = region.code_territoire
),

comptes as (
    select
        appartenances.cle_territoire,
        observation.code_indicateur,
        observation.cle_jeu_source,
        count(distinct observation.cle_territoire) as nb_qpv,
        count(case when observation.code_statut <> 'NA' then 1 end) as cellules_attendues,
        count(case when statut.compte_comme_manquant = 'non' and observation.code_statut <> 'NA' then 1 end)
            as cellules_connues,
        count(case when observation.code_statut = 'SECRET' then 1 end) as cellules_secret,
        count(case when observation.code_statut in ('ND', 'NS') then 1 end) as cellules_non_diffusees,
        count(case when observation.code_statut = 'NC' then 1 end) as cellules_non_collectees,
        count(case when observation.code_statut = 'NA' then 1 end) as cellules_sans_objet
    from appartenances
    inner join {{ ref('fct_observation') }} as observation
        on appartenances.cle_territoire_qpv = observation.cle_territoire
    inner join {{ ref('dim_statut') }} as statut on observation.code_statut = statut.code_statut
    group by appartenances.cle_territoire, observation.code_indicateur, observation.cle_jeu_source
),

motifs as (
    select
        appartenances.cle_territoire,
        observation.code_indicateur,
        observation.cle_jeu_source,
        observation.motif,
        row_number() over (
            partition by appartenances.cle_territoire, observation.code_indicateur, observation.cle_jeu_source
            order by count(*) desc, observation.motif asc
        ) as rang
    from appartenances
    inner join {{ ref('fct_observation') }} as observation
        on appartenances.cle_territoire_qpv = observation.cle_territoire
    where observation.motif is not null and observation.code_statut <> 'NA'
    group by
        appartenances.cle_territoire,
        observation.code_indicateur,
        observation.cle_jeu_source,
        observation.motif
)

select
    comptes.cle_territoire,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    territoire.generation,
    comptes.code_indicateur,
    indicateur.libelle_indicateur,
    indicateur.famille,
    comptes.cle_jeu_source,
    jeu_source.producteur,
    jeu_source.jeu,
    jeu_source.millesime,
    cast(comptes.nb_qpv as integer) as nb_qpv,
    cast(comptes.cellules_attendues as integer) as cellules_attendues,
    cast(comptes.cellules_connues as integer) as cellules_connues,
    cast(comptes.cellules_secret as integer) as cellules_secret,
    cast(comptes.cellules_non_diffusees as integer) as cellules_non_diffusees,
    cast(comptes.cellules_non_collectees as integer) as cellules_non_collectees,
    cast(comptes.cellules_sans_objet as integer) as cellules_sans_objet,
    case
        when comptes.cellules_attendues > 0
            then 100.0 * comptes.cellules_connues / comptes.cellules_attendues
    end as taux_renseignement,
    motifs.motif as motif_principal,
    territoire.est_fictif
from comptes
inner join {{ ref('dim_territoire') }} as territoire on comptes.cle_territoire = territoire.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur on comptes.code_indicateur = indicateur.code_indicateur
inner join {{ ref('dim_jeu_source') }} as jeu_source on comptes.cle_jeu_source = jeu_source.cle_jeu_source
left join motifs
    on
        comptes.cle_territoire = motifs.cle_territoire
        and comptes.code_indicateur = motifs.code_indicateur
        and comptes.cle_jeu_source = motifs.cle_jeu_source
        and motifs.rang = 1
order by comptes.cle_territoire, comptes.code_indicateur, comptes.cle_jeu_source
