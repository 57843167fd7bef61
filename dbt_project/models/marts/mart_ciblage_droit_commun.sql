-- Do the ordinary schemes reach the residents at the height of their weight in the public? Each row has its
-- two terms, or the reason why it cannot be known. Location rules, flows and stocks are never mixed.
with dispositifs as (
    select
        dispositif.code_dispositif,
        dispositif.libelle_dispositif,
        dispositif.type_dispositif,
        dispositif.valide_du,
        dispositif.valide_au,
        coalesce(connaissance.code_base_parite, 'NON_ETABLIE') as code_base_parite,
        coalesce(connaissance.code_statut, 'ND') as code_statut,
        coalesce(connaissance.motif, 'Aucune source ouverte ne donne les bénéficiaires par quartier.')
            as motif
    from {{ ref('dim_dispositif') }} as dispositif
    left join {{ ref('connaissance_dispositif') }} as connaissance
        on dispositif.code_dispositif = connaissance.code_dispositif
    where dispositif.est_courant and dispositif.type_dispositif in ('DC', 'DC_QPV')
),

locales as (
    select
        comptes.code_dispositif,
        comptes.cle_territoire,
        comptes.cle_periode,
        comptes.debut,
        comptes.fin,
        comptes.type_flux,
        comptes.regle_localisation,
        comptes.perimetre,
        dispositifs.code_base_parite,
        case when comptes.organisme is null then 'fichier' else 'declare' end as origine,
        cast(null as varchar) as code_fait,
        comptes.beneficiaires_qpv,
        comptes.beneficiaires_total,
        cast(null as double precision) as part_qpv,
        case when dispositifs.code_base_parite = 'DE_ABC' then comptes.demandeurs_emploi_qpv end
            as public_qpv,
        case
            when comptes.beneficiaires_qpv is null then comptes.code_statut
            -- a share is worth the worse of its two terms
            when
                comptes.beneficiaires_total <> 0
                and coalesce(statuts_total.rang_gravite, 0) > coalesce(statuts.rang_gravite, 0)
                then comptes.code_statut_total
            when comptes.beneficiaires_total <> 0 then comptes.code_statut
            else 'ND'
        end as code_statut,
        case
            when comptes.beneficiaires_qpv is null then comptes.motif
            when comptes.beneficiaires_total is null or comptes.beneficiaires_total = 0
                then
                    'l''ensemble des bénéficiaires du territoire n''est pas publié avec la même règle de '
                    || 'localisation : aucune part'
        end as motif,
        case
            when comptes.organisme is not null then 'déclaré par ' || comptes.organisme
            when territoire.type_territoire = 'contrat_ville'
                then 'un quartier partagé entre deux contrats compte dans chacun'
        end as reserve
    from {{ ref('fct_beneficiaires_territoire') }} as comptes
    inner join dispositifs on comptes.code_dispositif = dispositifs.code_dispositif
    inner join {{ ref('dim_territoire') }} as territoire on comptes.cle_territoire = territoire.cle_territoire
    left join {{ ref('dim_statut') }} as statuts on comptes.code_statut = statuts.code_statut
    left join {{ ref('dim_statut') }} as statuts_total
        on comptes.code_statut_total = statuts_total.code_statut
),

-- national monthly series: a year of flow needs its twelve months, a stock is never added over months
mois_nationaux as (
    select
        beneficiaires.code_dispositif,
        beneficiaires.cle_territoire,
        beneficiaires.type_flux,
        beneficiaires.regle_localisation,
        beneficiaires.perimetre,
        beneficiaires.code_serie,
        cast(extract(year from beneficiaires.fin) as integer) as annee,
        extract(month from beneficiaires.fin) as mois,
        beneficiaires.nombre,
        serie.motif_sans_qpv
    from {{ ref('fct_beneficiaires') }} as beneficiaires
    inner join {{ ref('serie_poem') }} as serie on beneficiaires.code_serie = serie.code_serie
    where
        beneficiaires.population = 'total'
        and {{ connue_le('beneficiaires.connu_du', 'beneficiaires.connu_au') }}
),

annees_nationales as (
    select
        code_dispositif,
        cle_territoire,
        type_flux,
        regle_localisation,
        perimetre,
        code_serie,
        annee,
        motif_sans_qpv,
        count(nombre) as nb_mois,
        sum(nombre) as somme,
        max(case when mois = 12 then nombre end) as decembre
    from mois_nationaux
    group by
        code_dispositif, cle_territoire, type_flux, regle_localisation, perimetre, code_serie, annee,
        motif_sans_qpv
),

nationales as (
    select
        annees.code_dispositif,
        annees.cle_territoire,
        case
            when annees.type_flux = 'stock' then 'INSTANT:' || cast(annees.annee as varchar) || '-12-31'
            else 'ANNEE:' || cast(annees.annee as varchar)
        end as cle_periode,
        case
            when annees.type_flux = 'stock' then {{ date_de('annees.annee', 12, 31) }}
            else {{ date_de('annees.annee', 1, 1) }}
        end as debut,
        {{ date_de('annees.annee', 12, 31) }} as fin,
        annees.type_flux,
        annees.regle_localisation,
        annees.perimetre,
        dispositifs.code_base_parite,
        'fichier' as origine,
        cast(null as varchar) as code_fait,
        cast(null as double precision) as beneficiaires_qpv,
        case
            when annees.type_flux = 'stock' then annees.decembre
            when annees.nb_mois = 12 then annees.somme
        end as beneficiaires_total,
        cast(null as double precision) as part_qpv,
        cast(null as double precision) as public_qpv,
        'ND' as code_statut,
        annees.motif_sans_qpv as motif,
        case
            when annees.type_flux = 'stock' and annees.decembre is null
                then 'stock de décembre absent de la série : aucun total'
            when annees.type_flux <> 'stock' and annees.nb_mois < 12
                then
                    'année incomplète (' || cast(annees.nb_mois as varchar) || ' mois sur 12) : aucun total'
        end as reserve
    from annees_nationales as annees
    inner join dispositifs on annees.code_dispositif = dispositifs.code_dispositif
),

-- shares that a document quotes
citees as (
    select
        dispositifs.code_dispositif,
        fait.cle_territoire,
        coalesce('CITEE:' || fait.periode_citee, 'CITEE:inconnue') as cle_periode,
        fait.debut,
        fait.fin,
        case when fait.code_indicateur like '%.ENTREES' then 'entrees' else 'non_precise' end as type_flux,
        'non_etablie' as regle_localisation,
        fait.territoire_cite as perimetre,
        dispositifs.code_base_parite,
        'document' as origine,
        fait.code_fait,
        cast(null as double precision) as beneficiaires_qpv,
        cast(null as double precision) as beneficiaires_total,
        fait.valeur as part_qpv,
        cast(null as double precision) as public_qpv,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        case fait.qualificatif
            when 'plus_de' then 'le document dit « plus de »'
            when 'environ' then 'le document dit « environ »'
        end as reserve
    from {{ ref('fct_fait_documentaire') }} as fait
    inner join dispositifs
        on
            fait.code_indicateur like 'DC.PART_QPV.%'
            and split_part(fait.code_indicateur, '.', 3) = dispositifs.code_dispositif
    where fait.cle_territoire is not null
),

-- where nothing is known, the row stays
inconnues as (
    select
        dispositifs.code_dispositif,
        territoire.cle_territoire,
        'GENERATION:' || generation.generation as cle_periode,
        generation.t0 as debut,
        coalesce(generation.fin_prolongee, generation.fin_initiale) as fin,
        'non_precise' as type_flux,
        'non_etablie' as regle_localisation,
        'ensemble' as perimetre,
        dispositifs.code_base_parite,
        'aucune' as origine,
        cast(null as varchar) as code_fait,
        cast(null as double precision) as beneficiaires_qpv,
        cast(null as double precision) as beneficiaires_total,
        cast(null as double precision) as part_qpv,
        cast(null as double precision) as public_qpv,
        dispositifs.code_statut,
        dispositifs.motif,
        cast(null as varchar) as reserve
    from dispositifs
    inner join {{ ref('generation_contrat') }} as generation
        on
            (
                dispositifs.valide_du is null
                or dispositifs.valide_du <= coalesce(generation.fin_prolongee, generation.fin_initiale)
            )
            and (dispositifs.valide_au is null or dispositifs.valide_au >= generation.t0)
    inner join {{ ref('dim_territoire') }} as territoire
        on
            (
                territoire.type_territoire = 'contrat_ville'
                and territoire.generation = cast(generation.generation as varchar)
            )
            or (territoire.type_territoire in ('departement', 'region') and territoire.est_courant)
    left join locales
        on
            dispositifs.code_dispositif = locales.code_dispositif
            and territoire.cle_territoire = locales.cle_territoire
            and generation.t0 <= locales.debut
            and coalesce(generation.fin_prolongee, generation.fin_initiale) >= locales.fin
    where locales.code_dispositif is null
),

reunion as (
    {% for nom in ['locales', 'nationales', 'citees', 'inconnues'] -%}
    select
        code_dispositif,
        cle_territoire,
        cle_periode,
        debut,
        fin,
        type_flux,
        regle_localisation,
        perimetre,
        code_base_parite,
        origine,
        code_fait,
        beneficiaires_qpv,
        beneficiaires_total,
        part_qpv,
        public_qpv,
        code_statut,
        motif,
        reserve
    from {{ nom }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
),

cibles as (
    select
        lien.code_fait,
        cible.code_cible,
        cible.valeur_cible,
        cible.en_vigueur_du,
        cible.en_vigueur_au,
        row_number() over (
            partition by lien.code_fait order by cible.en_vigueur_du desc nulls last, cible.code_cible asc
        ) as rang
    from {{ ref('cible_observation') }} as lien
    inner join {{ ref('fct_cible') }} as cible on lien.code_cible = cible.code_cible
    inner join {{ ref('fct_fait_documentaire') }} as fait on lien.code_fait = fait.code_fait
    where
        lien.est_comparable
        and cible.est_complete
        and cible.type_cible = 'part'
        and fait.debut >= cible.en_vigueur_du
        and (cible.en_vigueur_au is null or fait.fin <= cible.en_vigueur_au)
),

-- the national quota in force over the whole period of a counted share
quotas as (
    select
        reunion.code_dispositif,
        reunion.cle_territoire,
        reunion.cle_periode,
        reunion.type_flux,
        reunion.regle_localisation,
        cible.code_cible,
        cible.valeur_cible,
        row_number() over (
            partition by
                reunion.code_dispositif, reunion.cle_territoire, reunion.cle_periode, reunion.type_flux,
                reunion.regle_localisation
            order by cible.en_vigueur_du desc nulls last, cible.code_cible asc
        ) as rang
    from reunion
    inner join {{ ref('fct_cible') }} as cible
        on
            reunion.code_dispositif = cible.code_dispositif
            and cible.type_cible = 'part'
            and cible.est_complete
            and reunion.debut >= cible.en_vigueur_du
            and (cible.en_vigueur_au is null or reunion.fin <= cible.en_vigueur_au)
    where
        reunion.origine in ('fichier', 'declare')
        and reunion.beneficiaires_qpv is not null
        and reunion.beneficiaires_total <> 0
),

rapprochees as (
    select
        reunion.code_dispositif,
        reunion.cle_territoire,
        reunion.cle_periode,
        reunion.debut,
        reunion.fin,
        reunion.type_flux,
        reunion.regle_localisation,
        reunion.perimetre,
        reunion.code_base_parite,
        reunion.origine,
        reunion.code_fait,
        reunion.beneficiaires_qpv,
        reunion.beneficiaires_total,
        case
            when reunion.part_qpv is not null then reunion.part_qpv
            when reunion.beneficiaires_total <> 0
                then 100.0 * reunion.beneficiaires_qpv / reunion.beneficiaires_total
        end as part_qpv,
        reunion.public_qpv,
        reunion.code_statut,
        reunion.motif,
        reunion.reserve,
        parite.code_parite,
        parite.part_parite,
        parite.est_datee,
        parite.debut as debut_parite,
        parite.fin as fin_parite,
        coalesce(cibles.code_cible, quotas.code_cible) as code_cible,
        coalesce(cibles.valeur_cible, quotas.valeur_cible) as valeur_cible
    from reunion
    left join {{ ref('dim_part_parite') }} as parite
        on
            reunion.code_base_parite = parite.code_base_parite
            and reunion.cle_territoire = parite.cle_territoire
            and (
                not parite.est_datee
                or reunion.fin is null
                or (reunion.fin >= parite.debut and reunion.debut <= parite.fin)
            )
    left join cibles on reunion.code_fait = cibles.code_fait and cibles.rang = 1
    left join quotas
        on
            reunion.origine in ('fichier', 'declare')
            and reunion.code_dispositif = quotas.code_dispositif
            and reunion.cle_territoire = quotas.cle_territoire
            and reunion.cle_periode = quotas.cle_periode
            and reunion.type_flux = quotas.type_flux
            and reunion.regle_localisation = quotas.regle_localisation
            and quotas.rang = 1
),

mesures as (
    select
        code_dispositif,
        cle_territoire,
        cle_periode,
        debut,
        fin,
        type_flux,
        regle_localisation,
        perimetre,
        code_base_parite,
        origine,
        code_fait,
        beneficiaires_qpv,
        beneficiaires_total,
        part_qpv,
        public_qpv,
        code_statut,
        motif,
        reserve,
        code_parite,
        part_parite,
        est_datee,
        debut_parite,
        fin_parite,
        code_cible,
        valeur_cible,
        case
            when part_qpv is null then 'part des résidents de QPV inconnue'
            when part_parite is null
                then 'aucune part de parité documentée sur ce territoire et cette période'
            when not est_datee then 'part de parité non datée'
            when fin is null then 'période de la part citée non établie'
        end as motif_indice
    from rapprochees
)

select
    'mart_ciblage_droit_commun|' || mesures.code_dispositif || '|' || mesures.cle_territoire || '|'
    || mesures.cle_periode || '|' || mesures.type_flux || '|' || mesures.regle_localisation || '|'
    || mesures.code_base_parite || '|' || coalesce(mesures.code_parite, '') || '|'
    || coalesce(mesures.code_fait, '') as cle_ligne,
    mesures.code_dispositif,
    dispositifs.libelle_dispositif,
    dispositifs.type_dispositif,
    mesures.cle_territoire,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    mesures.cle_periode,
    mesures.debut,
    mesures.fin,
    mesures.type_flux,
    mesures.regle_localisation,
    mesures.perimetre,
    mesures.origine,
    mesures.code_fait,
    mesures.code_base_parite,
    base.libelle as libelle_base_parite,
    cast(mesures.beneficiaires_qpv as double precision) as beneficiaires_qpv,
    cast(mesures.beneficiaires_total as double precision) as beneficiaires_total,
    cast(mesures.part_qpv as double precision) as part_qpv,
    cast(mesures.public_qpv as double precision) as public_qpv,
    mesures.code_parite,
    mesures.part_parite,
    mesures.debut_parite,
    mesures.fin_parite,
    case
        when mesures.motif_indice is null then {{ indice_ciblage('mesures.part_qpv', 'mesures.part_parite') }}
    end as indice_ciblage,
    {{ recours_pour_1000('mesures.beneficiaires_qpv', 'mesures.public_qpv') }} as recours_pour_1000,
    case
        when mesures.motif_indice is null
            then
                {{ ecart_a_la_parite(
                    'mesures.beneficiaires_qpv', 'mesures.beneficiaires_total', 'mesures.part_parite'
                ) }}
    end as ecart_a_la_parite,
    mesures.motif_indice,
    mesures.code_cible,
    mesures.valeur_cible,
    mesures.part_qpv >= mesures.valeur_cible as est_cible_atteinte,
    case when mesures.motif_indice is null then mesures.part_qpv >= mesures.part_parite end
        as est_parite_atteinte,
    mesures.code_statut,
    mesures.motif,
    mesures.reserve,
    territoire.est_fictif
from mesures
inner join {{ ref('dim_territoire') }} as territoire on mesures.cle_territoire = territoire.cle_territoire
inner join dispositifs on mesures.code_dispositif = dispositifs.code_dispositif
inner join {{ ref('base_parite') }} as base on mesures.code_base_parite = base.code
order by cle_ligne
