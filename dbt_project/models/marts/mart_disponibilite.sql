-- What is known and what is not, per contract, département and region: each family and indicator, with the
-- share of the expected cells that are known. A QPV shared by two contracts counts in both; the
-- département and the region count each QPV once. A contract counts in the département and the region of
-- its holder.
with membres as (
    select
        cle_territoire,
        generation,
        cle_territoire_qpv
    from {{ ref('int_agregat_membre') }}
),

effectifs as (
    select
        cle_territoire,
        generation,
        count(*) as nb_qpv
    from membres
    group by cle_territoire, generation
),

appartenances as (
    select
        cle_territoire,
        generation,
        cle_territoire_qpv as cle_territoire_cellule
    from membres
    union all
    select
        cle_territoire,
        generation,
        cle_territoire as cle_territoire_cellule
    from {{ ref('dim_contrat_ville') }}
    {% for niveau in ['departement', 'region'] %}
    union all
    select
        territoire.cle_territoire,
        contrat.generation,
        contrat.cle_territoire as cle_territoire_cellule
    from {{ ref('dim_contrat_ville') }} as contrat
    inner join {{ ref('dim_territoire') }} as territoire
        on
            territoire.type_territoire = '{{ niveau }}'
            and contrat.code_{{ niveau }} = territoire.code_territoire
    {% endfor %}
),

cellules as (
    select
        appartenances.cle_territoire,
        appartenances.generation,
        disponibilite.code_indicateur,
        disponibilite.attendu,
        disponibilite.charge,
        disponibilite.code_statut,
        disponibilite.motif,
        disponibilite.prochaine_date,
        disponibilite.motif_prochaine_date
    from appartenances
    inner join {{ ref('fct_disponibilite') }} as disponibilite
        on
            appartenances.cle_territoire_cellule = disponibilite.cle_territoire
            and appartenances.generation = disponibilite.generation
),

comptes as (
    select
        cle_territoire,
        generation,
        code_indicateur,
        sum(case when attendu then 1 else 0 end) as cellules_attendues,
        sum(case when charge then 1 else 0 end) as cellules_connues,
        sum(case when code_statut = 'SECRET' then 1 else 0 end) as cellules_secret,
        sum(case when code_statut in ('ND', 'NS') then 1 else 0 end) as cellules_non_diffusees,
        sum(case when code_statut = 'NC' then 1 else 0 end) as cellules_non_collectees,
        sum(case when code_statut = 'NA' then 1 else 0 end) as cellules_sans_objet,
        min(prochaine_date) as prochaine_date,
        min(motif_prochaine_date) as motif_prochaine_date
    from cellules
    group by cle_territoire, generation, code_indicateur
),

motifs as (
    select
        cle_territoire,
        generation,
        code_indicateur,
        motif,
        row_number() over (
            partition by cle_territoire, generation, code_indicateur
            order by count(*) desc nulls last, motif asc
        ) as numero
    from cellules
    where motif is not null and code_statut <> 'NA'
    group by cle_territoire, generation, code_indicateur, motif
)

select
    'mart_disponibilite|' || comptes.cle_territoire || '|' || comptes.generation || '|'
    || comptes.code_indicateur as cle_ligne,
    comptes.cle_territoire,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    comptes.generation,
    comptes.code_indicateur,
    indicateur.libelle_indicateur,
    indicateur.famille,
    cast(effectifs.nb_qpv as integer) as nb_qpv,
    cast(comptes.cellules_attendues as integer) as cellules_attendues,
    cast(comptes.cellules_connues as integer) as cellules_connues,
    cast(comptes.cellules_secret as integer) as cellules_secret,
    cast(comptes.cellules_non_diffusees as integer) as cellules_non_diffusees,
    cast(comptes.cellules_non_collectees as integer) as cellules_non_collectees,
    cast(comptes.cellules_sans_objet as integer) as cellules_sans_objet,
    case
        when comptes.cellules_attendues > 0
            then 100.0 * comptes.cellules_connues / cast(comptes.cellules_attendues as double precision)
    end as taux_renseignement,
    motifs.motif as motif_principal,
    comptes.prochaine_date,
    comptes.motif_prochaine_date,
    territoire.est_fictif
from comptes
inner join effectifs
    on comptes.cle_territoire = effectifs.cle_territoire and comptes.generation = effectifs.generation
inner join {{ ref('dim_territoire') }} as territoire on comptes.cle_territoire = territoire.cle_territoire
inner join {{ ref('dim_indicateur') }} as indicateur
    on comptes.code_indicateur = indicateur.code_indicateur
left join motifs
    on
        comptes.cle_territoire = motifs.cle_territoire
        and comptes.generation = motifs.generation
        and comptes.code_indicateur = motifs.code_indicateur
        and motifs.numero = 1
order by cle_ligne
