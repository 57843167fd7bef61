-- Counts of beneficiaries as the sources give them. The place a person is counted at, and flow or stock, are
-- part of the key: two rules are never joined.
with poem as (
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

reunion as (
    {% for nom in ['poem', 'observations'] -%}
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
    fichier,
    empreinte_sha256,
    cast(ligne_source as integer) as ligne_source,
    connu_du,
    connu_au
from reunion
order by cle_beneficiaires
