-- Counts of beneficiaries as the sources give them. The place a person is counted at, and flow or stock, are
-- part of the key: two rules are never joined. A declared count keeps its author: the form counts residents,
-- so its rule is the residence, and two organisms that state one fact keep their two rows.
with contrats as (
    -- overseas, a code of 2015 may serve again in 2024: the contract in force is meant
    select
        code_contrat,
        max(cle_territoire) as cle_territoire
    from {{ ref('dim_contrat_ville') }}
    group by code_contrat
),

poem as (
    select
        poem.producteur || ':' || poem.jeu || ':' || poem.millesime as cle_jeu_source,
        serie.code_dispositif,
        'france' as cle_territoire,
        case
            when serie.type_flux = 'stock'
                then 'INSTANT:' || cast({{ fin_periode_citee('poem.mois') }} as varchar)
            else 'MOIS:' || poem.mois
        end as cle_periode,
        case when serie.type_flux = 'stock' then 'INSTANT' else 'MOIS' end as type_periode,
        case
            when serie.type_flux = 'stock' then {{ fin_periode_citee('poem.mois') }}
            else {{ debut_periode_citee('poem.mois') }}
        end as debut,
        {{ fin_periode_citee('poem.mois') }} as fin,
        serie.population,
        'TOTAL' as cle_ventilation,
        serie.type_flux,
        serie.regle_localisation,
        serie.perimetre,
        poem.code_serie,
        cast(poem.valeur as double precision) as nombre,
        case when serie.type_flux = 'stock' then 'beneficiaires' else 'entrees' end as unite,
        case when poem.valeur is null then coalesce(signe.code_statut, 'ND') else 'OK' end as code_statut,
        case
            when poem.valeur is null
                then
                    coalesce('signe « ' || poem.signe_source || ' » du producteur', 'cellule vide du fichier')
        end as motif,
        cast(poem.revise_le as date) as publie_le,
        cast(null as varchar) as cle_observation,
        cast(null as varchar) as motif_sortie,
        cast(null as varchar) as auteur,
        cast(null as varchar) as organisme,
        cast(null as date) as saisi_le,
        poem.fichier,
        poem.empreinte_sha256,
        poem.ligne_source,
        jeu_source.recupere_le as connu_du,
        lead(jeu_source.recupere_le) over (
            partition by poem.producteur, poem.jeu, poem.code_serie, poem.mois order by poem.millesime
        ) as connu_au
    from {{ ref('stg_dares__poem') }} as poem
    inner join {{ ref('serie_poem') }} as serie on poem.code_serie = serie.code_serie
    inner join {{ ref('dim_jeu_source') }} as jeu_source
        on poem.producteur || ':' || poem.jeu || ':' || poem.millesime = jeu_source.cle_jeu_source
    left join {{ ref('signe_source') }} as signe
        on
            poem.signe_source = signe.signe
            and (signe.producteur is null or poem.producteur = signe.producteur)
    where poem.champ = 'France entière'
),

observations as (
    select
        observation.cle_jeu_source,
        lien.code_dispositif,
        observation.cle_territoire,
        observation.cle_periode,
        periode.type_periode,
        periode.debut,
        periode.fin,
        lien.population,
        observation.cle_ventilation,
        lien.type_flux,
        lien.regle_localisation,
        lien.perimetre,
        observation.code_variable as code_serie,
        observation.valeur as nombre,
        'beneficiaires' as unite,
        observation.code_statut,
        observation.motif,
        observation.publie_le,
        observation.cle_observation,
        cast(null as varchar) as motif_sortie,
        cast(null as varchar) as auteur,
        cast(null as varchar) as organisme,
        cast(null as date) as saisi_le,
        observation.fichier,
        observation.empreinte_sha256,
        observation.ligne_source,
        observation.connu_du,
        observation.connu_au
    from {{ ref('fct_observation') }} as observation
    inner join {{ ref('observation_dispositif') }} as lien
        on
            observation.code_indicateur = lien.code_indicateur
            and observation.cle_ventilation = lien.cle_ventilation
    inner join {{ ref('dim_periode') }} as periode on observation.cle_periode = periode.cle_periode
),

declarations as (
    select
        jeu_source.cle_jeu_source,
        declaration.code_dispositif,
        coalesce(qpv.cle_territoire, contrats.cle_territoire) as cle_territoire,
        case
            when declaration.type_flux = 'stock'
                then 'INSTANT:' || cast({{ fin_periode_citee('declaration.periode') }} as varchar)
            when length(declaration.periode) = 4 then 'ANNEE:' || declaration.periode
            when declaration.periode like '____-T_' then 'TRIM:' || declaration.periode
            else 'MOIS:' || declaration.periode
        end as cle_periode,
        case
            when declaration.type_flux = 'stock' then 'INSTANT'
            when length(declaration.periode) = 4 then 'ANNEE'
            when declaration.periode like '____-T_' then 'TRIM'
            else 'MOIS'
        end as type_periode,
        case
            when declaration.type_flux = 'stock' then {{ fin_periode_citee('declaration.periode') }}
            else {{ debut_periode_citee('declaration.periode') }}
        end as debut,
        {{ fin_periode_citee('declaration.periode') }} as fin,
        declaration.population,
        case
            when declaration.tranche_age is not null and declaration.sexe is not null
                then 'AGE=' || declaration.tranche_age || '|SEXE=' || declaration.sexe
            when declaration.tranche_age is not null then 'AGE=' || declaration.tranche_age
            when declaration.sexe is not null then 'SEXE=' || declaration.sexe
            else 'TOTAL'
        end as cle_ventilation,
        declaration.type_flux,
        'residence' as regle_localisation,
        'déclaré par ' || declaration.organisme as perimetre,
        'declaration:' || declaration.fichier || ':' || cast(declaration.ligne_source as varchar)
            as code_serie,
        cast(declaration.nombre as double precision) as nombre,
        case declaration.type_flux
            when 'stock' then 'beneficiaires'
            when 'sorties' then 'sorties'
            else 'entrees'
        end as unite,
        case when declaration.nombre is null then coalesce(declaration.code_statut, 'ND') else 'OK' end
            as code_statut,
        case
            when declaration.nombre is null
                then coalesce(declaration.motif, 'case vide de la déclaration')
        end as motif,
        declaration.saisi_le as publie_le,
        cast(null as varchar) as cle_observation,
        declaration.motif_sortie,
        declaration.auteur,
        declaration.organisme,
        declaration.saisi_le,
        declaration.fichier,
        declaration.empreinte_sha256,
        declaration.ligne_source,
        jeu_source.recupere_le as connu_du,
        -- the same organism that states the same fact again replaces its first statement
        lead(jeu_source.recupere_le) over (
            partition by
                declaration.organisme, declaration.code_contrat, declaration.code_qpv,
                declaration.code_dispositif, declaration.population, declaration.type_flux,
                declaration.motif_sortie, declaration.periode, declaration.sexe, declaration.tranche_age
            order by declaration.millesime, declaration.fichier, declaration.ligne_source
        ) as connu_au
    from {{ ref('stg_local__declarations__beneficiaires') }} as declaration
    inner join {{ ref('dim_jeu_source') }} as jeu_source
        on
            declaration.producteur || ':' || declaration.jeu || ':' || declaration.millesime
            = jeu_source.cle_jeu_source
    inner join contrats on declaration.code_contrat = contrats.code_contrat
    left join {{ ref('dim_qpv') }} as qpv on declaration.code_qpv = qpv.code_qpv
    where declaration.code_qpv is null or qpv.cle_territoire is not null
),

reunion as (
    {% for nom in ['poem', 'observations', 'declarations'] -%}
    select
        cle_jeu_source,
        code_dispositif,
        cle_territoire,
        cle_periode,
        type_periode,
        debut,
        fin,
        population,
        cle_ventilation,
        type_flux,
        regle_localisation,
        perimetre,
        code_serie,
        nombre,
        unite,
        code_statut,
        motif,
        publie_le,
        cle_observation,
        motif_sortie,
        auteur,
        organisme,
        saisi_le,
        fichier,
        empreinte_sha256,
        ligne_source,
        connu_du,
        connu_au
    from {{ nom }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
)

select
    code_dispositif || '|' || cle_territoire || '|' || cle_periode || '|' || population || '|'
    || cle_ventilation || '|' || type_flux || '|' || regle_localisation || '|' || code_serie || '|'
    || cle_jeu_source
    || case when connu_au is null then '' else '|connu_du:' || cast(connu_du as varchar) end
        as cle_beneficiaires,
    code_dispositif,
    cle_territoire,
    cle_periode,
    type_periode,
    debut,
    fin,
    population,
    cle_ventilation,
    type_flux,
    regle_localisation,
    perimetre,
    code_serie,
    nombre,
    cast(null as double precision) as part,
    unite,
    code_statut,
    motif,
    cle_jeu_source,
    cle_observation,
    publie_le,
    motif_sortie,
    auteur,
    organisme,
    saisi_le,
    fichier,
    empreinte_sha256,
    cast(ligne_source as integer) as ligne_source,
    connu_du,
    connu_au
from reunion
order by cle_beneficiaires
