{%- set qpv = [
    'insertion_professionnelle', 'demographie_qpv', 'revenus_qpv', 'population_qpv',
    'estimations_demographiques_qpv__quartiers', 'defm_qpv_2024', 'filosofi_qpv_2024', 'cnaf_qpv_2024'
] -%}
{%- set zones = [
    'filosofi__communes', 'filosofi__epci', 'filosofi__departements', 'filosofi__regions',
    'filosofi__metropole', 'rp_emploi_commune'
] -%}
{%- set trimestres = [
    'chomage_localise_departement__departements', 'chomage_localise_departement__regions',
    'chomage_localise_zone_emploi__zones', 'chomage_localise_zone_emploi__parties_regionales'
] -%}
-- Every cell of the statistical files for the QPV of the region, the zones around them and the country, in
-- every version of the files. A new dataset of the same family is one more name in a list above.
with cellules as (
    {% for jeu in qpv %}
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        'qpv' as type_territoire,
        code_qpv as code_zone,
        code_variable,
        role,
        colonne_numero,
        valeur_texte,
        valeur,
        cast(null as varchar) as trimestre,
        connu_du,
        connu_au,
        est_premiere_version
    from {{ ref('stg_insee__' ~ jeu) }}
    where not est_controle and role <> 'attribut'
    union all
    {% endfor %}
    {% for jeu in zones %}
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        type_territoire,
        code_zone,
        code_variable,
        role,
        colonne_numero,
        valeur_texte,
        valeur,
        cast(null as varchar) as trimestre,
        connu_du,
        connu_au,
        est_premiere_version
    from {{ ref('stg_insee__' ~ jeu) }}
    where not est_controle and role <> 'attribut'
    union all
    {% endfor %}
    {% for jeu in trimestres %}
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        {% if jeu.endswith('__regions') %}
        -- two rows bear the code 00: only their labels tell the one from the other
        case
            when code_zone <> '00' then type_territoire
            when {{ libelle_normalise('libelle_zone') }} like 'FRANCE METROPOLITAINE%'
                then 'france_metropolitaine'
            else 'france'
        end as type_territoire,
        {% else %}
        type_territoire,
        {% endif %}
        code_zone,
        periode_source as code_variable,
        'variable' as role,
        colonne_numero,
        valeur_texte,
        valeur,
        -- T4_2021 or 2021-T4
        case
            when substr(periode_source, 1, 1) = 'T'
                then substr(periode_source, 4, 4) || '-' || substr(periode_source, 1, 2)
            else periode_source
        end as trimestre,
        connu_du,
        connu_au,
        est_premiere_version
    from {{ ref('stg_insee__' ~ jeu) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- Thirty thousand communes have an income: those that hold a QPV compare with it.
communes_de_qpv as (
    select distinct code_commune
    from {{ ref('int_qpv_commune') }}
    where code_commune is not null
)

select
    cellules.producteur,
    cellules.jeu,
    cellules.millesime,
    cellules.fichier,
    cellules.empreinte_sha256,
    cellules.empreinte_sha256 || '|' || cast(cellules.connu_du as varchar) as cle_version,
    cellules.ligne_source,
    cellules.type_territoire,
    cellules.code_zone,
    territoire.cle_territoire,
    cellules.code_variable,
    cellules.role,
    cellules.colonne_numero,
    cellules.valeur_texte,
    cellules.valeur,
    cellules.trimestre,
    cellules.connu_du,
    cellules.connu_au,
    cellules.est_premiere_version
from cellules
inner join {{ ref('int_territoire_code') }} as territoire
    on
        cellules.type_territoire = territoire.type_territoire
        and cellules.code_zone = territoire.code_territoire
left join communes_de_qpv on cellules.code_zone = communes_de_qpv.code_commune
where cellules.type_territoire <> 'commune' or communes_de_qpv.code_commune is not null
