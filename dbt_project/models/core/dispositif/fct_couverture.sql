-- Where a source or a text says that a scheme is present. What nobody says is never read as an absence.
with qpv_par_contrat as (
    select
        cle_territoire_contrat,
        count(*) as nb_qpv
    from {{ ref('pont_qpv_contrat') }}
    group by cle_territoire_contrat
),

ouvertures as (
    select
        ouverture.code_dispositif,
        qpv.cle_territoire,
        qpv.code_qpv,
        qpv.generation,
        ouverture.debut,
        ouverture.fin,
        ouverture.source,
        ouverture.remarque
    from {{ ref('ouverture_dispositif') }} as ouverture
    inner join {{ ref('dim_qpv') }} as qpv
        on
            ouverture.type_territoire = 'region'
            and ouverture.code_territoire = qpv.code_region
            and ouverture.generation = qpv.generation
    union all
    select
        ouverture.code_dispositif,
        qpv.cle_territoire,
        qpv.code_qpv,
        qpv.generation,
        ouverture.debut,
        ouverture.fin,
        ouverture.source,
        ouverture.remarque
    from {{ ref('ouverture_dispositif') }} as ouverture
    inner join {{ ref('pont_qpv_contrat') }} as lien
        on
            ouverture.type_territoire = 'contrat_ville'
            and ouverture.code_territoire = lien.code_contrat
            and ouverture.generation = lien.generation
    inner join {{ ref('dim_qpv') }} as qpv on lien.cle_territoire_qpv = qpv.cle_territoire
),

legales as (
    select
        code_dispositif,
        cle_territoire,
        code_qpv,
        generation,
        debut,
        fin,
        true as present,
        'deduit' as origine,
        source,
        remarque as reserve,
        cast(null as bigint) as nb_lignes_contrat,
        'EST' as code_statut,
        cast(null as varchar) as motif
    from ouvertures
),

annees_moyens as (
    select distinct
        code_dispositif,
        annee,
        generation
    from {{ ref('fct_moyens') }}
),

lignes_par_contrat as (
    select
        code_dispositif,
        annee,
        cle_territoire_contrat,
        count(*) as nb_lignes
    from {{ ref('fct_moyens') }}
    where cle_territoire_contrat is not null
    group by code_dispositif, annee, cle_territoire_contrat
),

qpv_annees as (
    select
        annees.code_dispositif,
        annees.annee,
        qpv.cle_territoire,
        qpv.code_qpv,
        qpv.generation,
        coalesce(sum(lignes.nb_lignes), 0) as nb_lignes,
        -- a contract of one neighbourhood: its lines are those of the neighbourhood
        max(case when lignes.nb_lignes > 0 and contrat.nb_qpv = 1 then 1 else 0 end) = 1 as est_seul_qpv,
        count(lien.code_contrat) as nb_contrats
    from annees_moyens as annees
    inner join {{ ref('dim_qpv') }} as qpv on annees.generation = qpv.generation
    left join {{ ref('pont_qpv_contrat') }} as lien on qpv.cle_territoire = lien.cle_territoire_qpv
    left join qpv_par_contrat as contrat on lien.cle_territoire_contrat = contrat.cle_territoire_contrat
    left join lignes_par_contrat as lignes
        on
            annees.code_dispositif = lignes.code_dispositif
            and annees.annee = lignes.annee
            and lien.cle_territoire_contrat = lignes.cle_territoire_contrat
    group by annees.code_dispositif, annees.annee, qpv.cle_territoire, qpv.code_qpv, qpv.generation
),

postes as (
    select
        code_dispositif,
        cle_territoire,
        code_qpv,
        generation,
        {{ date_de('annee', 1, 1) }} as debut,
        {{ date_de('annee', 12, 31) }} as fin,
        case when est_seul_qpv then true end as present,
        case when est_seul_qpv then 'deduit' else 'inconnue' end as origine,
        'ANCT, lignes de subvention' as source,
        case when est_seul_qpv then 'déduit : le contrat ne compte que ce quartier' end as reserve,
        nb_lignes as nb_lignes_contrat,
        case when est_seul_qpv then 'EST' else 'ND' end as code_statut,
        case
            when est_seul_qpv then null
            when nb_contrats = 0
                then 'quartier sans contrat de ville rattaché : le fichier ne donne que le contrat'
            when nb_lignes > 0
                then
                    'le fichier donne le contrat, pas le quartier : ' || cast(nb_lignes as varchar)
                    || ' ligne(s) pour l''ensemble du contrat'
            else 'aucune ligne du fichier ne cite le contrat : cela ne prouve pas une absence'
        end as motif
    from qpv_annees
),

comptees as (
    select
        beneficiaires.code_dispositif,
        qpv.cle_territoire,
        qpv.code_qpv,
        qpv.generation,
        beneficiaires.debut,
        beneficiaires.fin,
        case when beneficiaires.nombre > 0 then true end as present,
        case when beneficiaires.nombre > 0 then 'declare' else 'inconnue' end as origine,
        beneficiaires.cle_jeu_source as source,
        'déclaré par ' || beneficiaires.organisme as reserve,
        cast(null as bigint) as nb_lignes_contrat,
        case when beneficiaires.nombre = 0 then 'ND' else beneficiaires.code_statut end as code_statut,
        case
            when beneficiaires.nombre = 0 then 'zéro publié : il ne prouve pas une absence'
            else beneficiaires.motif
        end as motif
    from {{ ref('fct_beneficiaires') }} as beneficiaires
    inner join {{ ref('dim_qpv') }} as qpv on beneficiaires.cle_territoire = qpv.cle_territoire
    where
        beneficiaires.population = 'qpv'
        and beneficiaires.cle_ventilation not like '%SEXE=%'
        and beneficiaires.cle_ventilation not like '%AGE=%'
        and beneficiaires.motif_sortie is null
        and {{ connue_le('beneficiaires.connu_du', 'beneficiaires.connu_au') }}
        and beneficiaires.debut is not null
),

reunion as (
    {% for nom in ['legales', 'postes', 'comptees'] -%}
    select
        code_dispositif,
        cle_territoire,
        code_qpv,
        generation,
        debut,
        fin,
        present,
        origine,
        source,
        reserve,
        nb_lignes_contrat,
        code_statut,
        motif
    from {{ nom }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
),

-- two vintages may speak of one date: what is known passes before what is not, then the last one
ordonnees as (
    select
        code_dispositif,
        cle_territoire,
        code_qpv,
        generation,
        debut,
        fin,
        present,
        origine,
        source,
        reserve,
        nb_lignes_contrat,
        code_statut,
        motif,
        row_number() over (
            partition by code_dispositif, cle_territoire, debut, fin
            order by
                case when present is null then 2 else 1 end asc,
                source desc nulls last,
                code_statut asc,
                motif asc,
                reserve asc
        ) as rang
    from reunion
)

select
    code_dispositif || '|' || cle_territoire || '|' || cast(debut as varchar) || '/' || cast(fin as varchar)
        as cle_couverture,
    code_dispositif,
    cle_territoire,
    code_qpv,
    generation,
    debut,
    fin,
    present,
    origine,
    source,
    cast(nb_lignes_contrat as integer) as nb_lignes_contrat,
    code_statut,
    motif,
    reserve
from ordonnees
where rang = 1
order by cle_couverture
