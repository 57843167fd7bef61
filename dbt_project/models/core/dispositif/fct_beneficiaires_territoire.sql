-- Residents counted by a source, or summed over the neighbourhoods of a wider territory, beside all the
-- beneficiaries under the same location rule and the public of the neighbourhoods. A sum needs all its terms.
with statuts as (
    select
        code_statut,
        rang_gravite
    from {{ ref('dim_statut') }}
),

appartenances as (
    select
        qpv.cle_territoire as cle_territoire_qpv,
        qpv.cle_territoire
    from {{ ref('dim_qpv') }} as qpv
    union all
    select
        cle_territoire_qpv,
        cle_territoire_contrat as cle_territoire
    from {{ ref('pont_qpv_contrat') }}
    union all
    select
        qpv.cle_territoire as cle_territoire_qpv,
        territoire.cle_territoire
    from {{ ref('dim_qpv') }} as qpv
    inner join {{ ref('dim_territoire') }} as territoire
        on
            territoire.est_courant
            and (
                (
                    territoire.type_territoire = 'departement'
                    and qpv.code_departement = territoire.code_territoire
                )
                or (territoire.type_territoire = 'region' and qpv.code_region = territoire.code_territoire)
            )
    union all
    -- a source may count the residents of a wider territory itself
    select
        cle_territoire as cle_territoire_qpv,
        cle_territoire
    from {{ ref('dim_territoire') }}
    where type_territoire <> 'qpv'
),

-- counts of residents, one vintage per date: the last that gives a value
comptes_qpv as (
    select
        beneficiaires.code_dispositif,
        beneficiaires.cle_territoire,
        beneficiaires.cle_periode,
        beneficiaires.debut,
        beneficiaires.fin,
        beneficiaires.type_flux,
        beneficiaires.regle_localisation,
        beneficiaires.perimetre,
        beneficiaires.nombre,
        beneficiaires.code_statut,
        beneficiaires.motif,
        beneficiaires.organisme,
        beneficiaires.cle_jeu_source,
        row_number() over (
            partition by
                beneficiaires.code_dispositif, beneficiaires.cle_territoire, beneficiaires.cle_periode,
                beneficiaires.type_flux, beneficiaires.regle_localisation
            order by
                case when beneficiaires.nombre is null then 2 else 1 end asc,
                case when beneficiaires.organisme is null then 1 else 2 end asc,
                beneficiaires.saisi_le desc nulls last,
                beneficiaires.cle_jeu_source desc nulls last,
                beneficiaires.cle_beneficiaires asc
        ) as rang
    from {{ ref('fct_beneficiaires') }} as beneficiaires
    where
        beneficiaires.population = 'qpv'
        and beneficiaires.cle_ventilation not like '%SEXE=%'
        and beneficiaires.cle_ventilation not like '%AGE=%'
        and beneficiaires.motif_sortie is null
        and {{ connue_le('beneficiaires.connu_du', 'beneficiaires.connu_au') }}
),

-- all the beneficiaries of a territory, under one location rule
totaux as (
    select
        beneficiaires.code_dispositif,
        beneficiaires.cle_territoire,
        beneficiaires.cle_periode,
        beneficiaires.type_flux,
        beneficiaires.regle_localisation,
        beneficiaires.perimetre,
        beneficiaires.nombre,
        beneficiaires.code_statut,
        row_number() over (
            partition by
                beneficiaires.code_dispositif, beneficiaires.cle_territoire, beneficiaires.cle_periode,
                beneficiaires.type_flux, beneficiaires.regle_localisation, beneficiaires.perimetre
            order by
                case when beneficiaires.nombre is null then 2 else 1 end asc,
                case when beneficiaires.organisme is null then 1 else 2 end asc,
                beneficiaires.saisi_le desc nulls last,
                beneficiaires.cle_jeu_source desc nulls last,
                beneficiaires.cle_beneficiaires asc
        ) as rang
    from {{ ref('fct_beneficiaires') }} as beneficiaires
    where
        beneficiaires.population = 'total'
        and beneficiaires.cle_ventilation not like '%SEXE=%'
        and beneficiaires.cle_ventilation not like '%AGE=%'
        and beneficiaires.motif_sortie is null
        and {{ connue_le('beneficiaires.connu_du', 'beneficiaires.connu_au') }}
),

-- jobseekers of the same neighbourhood, date and file: the public of the base DE_ABC
publics_qpv as (
    select
        cle_territoire,
        cle_periode,
        cle_jeu_source,
        max(valeur) as nombre
    from {{ ref('fct_observation') }}
    where
        code_indicateur = 'DE.NB.DEFM.ABC'
        and cle_ventilation = 'TOTAL'
        and {{ connue_le('connu_du', 'connu_au') }}
    group by cle_territoire, cle_periode, cle_jeu_source
),

sommes_par_origine as (
    select
        comptes.code_dispositif,
        appartenances.cle_territoire,
        comptes.cle_periode,
        comptes.debut,
        comptes.fin,
        comptes.type_flux,
        comptes.regle_localisation,
        comptes.perimetre,
        comptes.cle_territoire = appartenances.cle_territoire as est_direct,
        count(*) as nb_qpv,
        count(comptes.nombre) as nb_qpv_connus,
        count(publics.nombre) as nb_publics_connus,
        sum(comptes.nombre) as beneficiaires_qpv,
        sum(publics.nombre) as public_qpv,
        max(statuts.rang_gravite) as rang_gravite,
        max(comptes.organisme) as organisme,
        max(case when comptes.organisme is not null then comptes.motif end) as motif_declare
    from comptes_qpv as comptes
    -- declared neighbourhoods are those that somebody wrote down, not all of a contract: they are not summed
    inner join appartenances
        on
            comptes.cle_territoire = appartenances.cle_territoire_qpv
            and (comptes.organisme is null or comptes.cle_territoire = appartenances.cle_territoire)
    left join publics_qpv as publics
        on
            comptes.cle_territoire = publics.cle_territoire
            and comptes.cle_periode = publics.cle_periode
            and comptes.cle_jeu_source = publics.cle_jeu_source
    left join statuts on comptes.code_statut = statuts.code_statut
    where comptes.rang = 1
    group by
        comptes.code_dispositif, appartenances.cle_territoire, comptes.cle_periode, comptes.debut,
        comptes.fin, comptes.type_flux, comptes.regle_localisation, comptes.perimetre,
        comptes.cle_territoire = appartenances.cle_territoire
),

-- what a source counts itself passes before our sum of neighbourhoods
sommes as (
    select
        code_dispositif,
        cle_territoire,
        cle_periode,
        debut,
        fin,
        type_flux,
        regle_localisation,
        perimetre,
        nb_qpv,
        nb_qpv_connus,
        nb_publics_connus,
        beneficiaires_qpv,
        public_qpv,
        rang_gravite,
        organisme,
        motif_declare,
        row_number() over (
            partition by code_dispositif, cle_territoire, cle_periode, type_flux, regle_localisation
            order by
                case when organisme is not null and nb_qpv_connus = 0 then 2 else 1 end asc,
                case when est_direct then 1 else 2 end asc,
                perimetre asc
        ) as rang
    from sommes_par_origine
)

select
    sommes.code_dispositif || '|' || sommes.cle_territoire || '|' || sommes.cle_periode || '|'
    || sommes.type_flux || '|' || sommes.regle_localisation as cle_beneficiaires_territoire,
    sommes.code_dispositif,
    sommes.cle_territoire,
    sommes.cle_periode,
    sommes.debut,
    sommes.fin,
    sommes.type_flux,
    sommes.regle_localisation,
    sommes.perimetre,
    cast(sommes.nb_qpv as integer) as nb_termes,
    cast(sommes.nb_qpv_connus as integer) as nb_termes_connus,
    case when sommes.nb_qpv = sommes.nb_qpv_connus then cast(sommes.beneficiaires_qpv as double precision) end
        as beneficiaires_qpv,
    cast(totaux.nombre as double precision) as beneficiaires_total,
    case when sommes.nb_qpv = sommes.nb_publics_connus then cast(sommes.public_qpv as double precision) end
        as demandeurs_emploi_qpv,
    coalesce(statuts.code_statut, 'ND') as code_statut,
    totaux.code_statut as code_statut_total,
    sommes.organisme,
    case
        when sommes.nb_qpv > sommes.nb_qpv_connus and sommes.motif_declare is not null
            then sommes.motif_declare
        when sommes.nb_qpv > sommes.nb_qpv_connus
            then
                'nombre de résidents retenu ou absent dans '
                || cast(sommes.nb_qpv - sommes.nb_qpv_connus as varchar) || ' quartier(s) sur '
                || cast(sommes.nb_qpv as varchar)
    end as motif
from sommes
left join statuts on sommes.rang_gravite = statuts.rang_gravite
left join totaux
    on
        sommes.code_dispositif = totaux.code_dispositif
        and sommes.cle_territoire = totaux.cle_territoire
        and sommes.cle_periode = totaux.cle_periode
        and sommes.type_flux = totaux.type_flux
        and sommes.regle_localisation = totaux.regle_localisation
        and sommes.perimetre = totaux.perimetre
        and totaux.rang = 1
where sommes.rang = 1
order by cle_beneficiaires_territoire
