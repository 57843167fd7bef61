{%- set jeux = ['insertion_professionnelle', 'demographie_qpv', 'revenus_qpv', 'population_qpv'] -%}
-- Every cell of the statistical files for the QPV of the region. A new dataset of the same family is one more
-- name in the list above.
with cellules as (
    {% for jeu in jeux %}
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        code_qpv,
        code_variable,
        role,
        colonne_numero,
        valeur_texte,
        valeur
    from {{ ref('stg_insee__' ~ jeu) }}
    where not est_controle
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    cellules.producteur,
    cellules.jeu,
    cellules.millesime,
    cellules.fichier,
    cellules.empreinte_sha256,
    cellules.ligne_source,
    cellules.code_qpv,
    cellules.code_variable,
    cellules.role,
    cellules.colonne_numero,
    cellules.valeur_texte,
    cellules.valeur
from cellules
inner join {{ ref('int_qpv') }} as qpv on cellules.code_qpv = qpv.code_qpv
