-- The outline of each territory that has one: where several vintages draw it, the last one speaks.
with contours as (
    {% for generation, modele in [
        ('2015', 'stg_sig_ville__qpv_2015'), ('2024', 'stg_sig_ville__qpv_2024__perimetres')
    ] %}
    select
        'qpv:' || code_qpv || ':{{ generation }}' as cle_territoire,
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        longitude,
        latitude,
        geometrie_reparee,
        geometrie_wkb
    from {{ ref(modele) }}
    union all
    {% endfor %}
    {% for type, modele, code in [
        ('commune', 'stg_geo__contours_communes', 'code_commune'),
        ('epci', 'stg_geo__contours_epci', 'siren_epci'),
        ('departement', 'stg_geo__contours_departements', 'code_departement')
    ] %}
    select
        territoire_code.cle_territoire,
        contour.producteur,
        contour.jeu,
        contour.millesime,
        contour.fichier,
        contour.empreinte_sha256,
        contour.ligne_source,
        contour.longitude,
        contour.latitude,
        contour.geometrie_reparee,
        contour.geometrie_wkb
    from {{ ref(modele) }} as contour
    inner join {{ ref('int_territoire_code') }} as territoire_code
        on
            contour.{{ code }} = territoire_code.code_territoire
            and territoire_code.type_territoire = '{{ type }}'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

ordonnes as (
    select
        cle_territoire,
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        longitude,
        latitude,
        geometrie_reparee,
        geometrie_wkb,
        row_number() over (
            partition by cle_territoire order by millesime desc nulls last, ligne_source asc
        ) as rang
    from contours
    where geometrie_wkb is not null
)

select
    ordonnes.cle_territoire,
    territoire.type_territoire,
    territoire.code_territoire,
    territoire.libelle_territoire,
    territoire.generation,
    territoire.code_departement,
    territoire.code_region,
    ordonnes.longitude,
    ordonnes.latitude,
    ordonnes.geometrie_reparee as est_geometrie_reparee,
    jeu_source.cle_jeu_source,
    ordonnes.fichier,
    ordonnes.empreinte_sha256,
    ordonnes.ligne_source,
    ordonnes.geometrie_wkb,
    territoire.est_fictif
from ordonnes
inner join {{ ref('dim_territoire') }} as territoire
    on ordonnes.cle_territoire = territoire.cle_territoire
inner join {{ ref('dim_jeu_source') }} as jeu_source
    on
        ordonnes.producteur = jeu_source.producteur
        and ordonnes.jeu = jeu_source.jeu
        and ordonnes.millesime = jeu_source.millesime
where ordonnes.rang = 1
order by ordonnes.cle_territoire
