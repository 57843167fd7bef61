-- The periods that the facts speak of: those of the observations, the months of the national series, the
-- years of the posts. A rule that nobody documents gives a period without bounds.
with observations as (
    select
        cle_periode,
        type_periode,
        debut,
        fin,
        annee,
        min(millesime) as millesime,
        min(jeu) as jeu
    from {{ ref('int_observation') }}
    group by cle_periode, type_periode, debut, fin, annee
),

annees as (
    select annee from {{ ref('stg_sig_ville__adultes_relais') }}
    union
    select annee from {{ ref('stg_sig_ville__postes_fonjep') }}
),

mois as (
    select distinct
        mois,
        cast(mois || '-01' as date) as debut
    from {{ ref('stg_dares__poem') }}
    where {{ correspond('mois', '[0-9]{4}-(0[1-9]|1[0-2])') }}
),

toutes as (
    select
        cle_periode,
        type_periode,
        debut,
        fin,
        annee,
        millesime,
        jeu
    from observations
    union all
    select
        'ANNEE:' || cast(annee as varchar) as cle_periode,
        'ANNEE' as type_periode,
        {{ date_de('annee', 1, 1) }} as debut,
        {{ date_de('annee', 12, 31) }} as fin,
        annee,
        cast(null as varchar) as millesime,
        cast(null as varchar) as jeu
    from annees
    where annee is not null
    union all
    select
        'MOIS:' || mois as cle_periode,
        'MOIS' as type_periode,
        debut,
        cast(debut + interval '1 month' - interval '1 day' as date) as fin,
        cast(substr(mois, 1, 4) as integer) as annee,
        cast(null as varchar) as millesime,
        cast(null as varchar) as jeu
    from mois
)

select
    cle_periode,
    type_periode,
    debut,
    fin,
    annee,
    min(millesime) as millesime,
    min(jeu) as jeu
from toutes
group by cle_periode, type_periode, debut, fin, annee
