{# Generic tests of ours. Each one is shown failing on bad data in tests/integration/test_dbt_generic_tests.py. #}

{# The columns together identify one row. #}
{% test cle_unique(model, colonnes) %}
select {{ colonnes | join(', ') }}, count(*) as nb
from {{ model }}
group by {{ colonnes | join(', ') }}
having count(*) > 1
{% endtest %}

{# Each code that is present respects its whole pattern. #}
{% test code_format(model, column_name, motif) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} is not null and not {{ correspond(column_name, motif) }}
{% endtest %}

{# A missing value has a missing status and a reason; a value has neither. `NA` is missing without fault. #}
{% test statut_coherent(model, valeur='valeur', statut='code_statut', motif='motif') %}
select observation.{{ statut }}, observation.{{ valeur }}, observation.{{ motif }}
from {{ model }} as observation
left join {{ ref('dim_statut') }} as statut on observation.{{ statut }} = statut.code_statut
where
    statut.code_statut is null
    or (
        observation.{{ valeur }} is null
        and (
            observation.{{ motif }} is null
            or (statut.compte_comme_manquant = 'non' and statut.code_statut <> 'NA')
        )
    )
    or (
        observation.{{ valeur }} is not null
        and (
            observation.{{ motif }} is not null
            or statut.compte_comme_manquant like 'oui%'
            or statut.code_statut = 'NA'
        )
    )
{% endtest %}

{# Each SIREN that is present has nine digits and the right check digit (Luhn, doubled on the even positions). #}
{% test siren_valide(model, column_name) %}
with chiffres as (
    select
        {{ column_name }} as siren,
        {% for position in range(1, 10) %}
        cast(substr({{ column_name }}, {{ position }}, 1) as integer) as c{{ position }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from {{ model }}
    where {{ correspond(column_name, '[0-9]{9}') }}
),

sommes as (
    select
        siren,
        {% for position in range(1, 10) %}
        {%- if position % 2 == 0 -%}
        2 * c{{ position }} - case when c{{ position }} > 4 then 9 else 0 end
        {%- else -%}
        c{{ position }}
        {%- endif %}{% if not loop.last %} + {% endif %}
        {%- endfor %} as somme
    from chiffres
)

select siren
from sommes
where somme % 10 <> 0
union all
select {{ column_name }} as siren
from {{ model }}
where {{ column_name }} is not null and not {{ correspond(column_name, '[0-9]{9}') }}
{% endtest %}

{# The bounds of a value hold it, and go together; what was known has a first day before its last. #}
{% test intervalle_coherent(model) %}
select cle_observation
from {{ model }}
where
    (borne_basse is null) <> (borne_haute is null)
    or valeur < borne_basse
    or valeur > borne_haute
    or (borne_basse is not null and valeur is null)
    or connu_au <= connu_du
{% endtest %}

{# Each code exists in the dimension under the same generation of perimeters. `generation` is a column, or a
   literal between quotes. Error: a code of 2015 read as one of 2024 joins two different territories. #}
{% test relation_de_perimetre(model, code, generation, vers, champ) %}
with codes as (
    select distinct
        {{ code }} as code,
        {{ generation }} as generation_du_code
    from {{ model }}
    where {{ code }} is not null
)

select
    codes.code,
    codes.generation_du_code
from codes
where not exists (
    select 1 as un
    from {{ vers }} as cible
    where cible.{{ champ }} = codes.code and cible.generation = codes.generation_du_code
)
{% endtest %}

{# Each share that is present lies between its bounds, in %. `sauf` is the SQL condition of the declared exceptions.
   Error: a share out of its bounds has lost its unit or its denominator. #}
{% test part_bornee(model, column_name, minimum=0, maximum=100, sauf=none) %}
select {{ column_name }}
from {{ model }}
where
    {{ column_name }} is not null
    and not ({{ column_name }} >= {{ minimum }} and {{ column_name }} <= {{ maximum }})
    {%- if sauf %}
    and not ({{ sauf }})
    {%- endif %}
{% endtest %}

{# The present values of the modalities of one axis add up to their total, as far as the secrecy regime of the file
   allows: exactly (none, masking), within half a rounding step per cell, within D per cell. Where the D of a file is
   not known, nothing can be said. A sum of known cells never exceeds the total; equality is asked of complete axes, and
   not of those that leave people out (`exhaustif: false`: nationality unknown, diploma not stated).
   `borne` is `certaine` (D × n, beyond which the figures contradict each other: error) or `probable` (D × √n, beyond
   which chance becomes a poor explanation: warning). The total is one of the n cells. #}
{% test somme_egale_total(model, axe, modalites, indicateurs, exhaustif=true, borne='certaine') %}
{%- set n = modalites | length + 1 %}
with observations as (
    select
        observation.code_indicateur,
        observation.cle_territoire,
        observation.cle_periode,
        observation.cle_jeu_source,
        observation.cle_ventilation,
        observation.valeur
    from {{ model }} as observation
    where
        observation.connu_au is null
        and observation.code_indicateur in ('{{ indicateurs | join("', '") }}')
        and observation.cle_ventilation in (
            'TOTAL'{% for modalite in modalites %}, '{{ axe }}={{ modalite }}'{% endfor %}
        )
),

sommes as (
    select
        code_indicateur,
        cle_territoire,
        cle_periode,
        cle_jeu_source,
        max(case when cle_ventilation = 'TOTAL' then valeur end) as total,
        sum(case when cle_ventilation <> 'TOTAL' then valeur end) as somme,
        count(case when cle_ventilation <> 'TOTAL' then valeur end) as nb_connues
    from observations
    group by code_indicateur, cle_territoire, cle_periode, cle_jeu_source
),

tolerances as (
    select
        sommes.code_indicateur,
        sommes.cle_territoire,
        sommes.cle_periode,
        sommes.cle_jeu_source,
        sommes.total,
        sommes.somme,
        sommes.nb_connues,
        case jeu_source.methode_secret
            when 'arrondi' then jeu_source.arrondi * {{ n }} / 2.0
            when 'cle_aleatoire'
                then jeu_source.parametre_d * {% if borne == 'certaine' %}{{ n }}{% else %}sqrt({{ n }}){% endif %}
            else 0
        end + 0.000001 as tolerance
    from sommes
    inner join {{ ref('dim_jeu_source') }} as jeu_source on sommes.cle_jeu_source = jeu_source.cle_jeu_source
)

select
    code_indicateur,
    cle_territoire,
    cle_periode,
    cle_jeu_source,
    total,
    somme
from tolerances
where
    somme > total + tolerance
    {%- if exhaustif %}
    or (nb_connues = {{ modalites | length }} and somme < total - tolerance)
    {%- endif %}
{% endtest %}

{# The validity windows of one thing follow each other without overlap; the last day belongs to the window, and an
   empty bound is open. Error: on a day of overlap a join doubles its rows. #}
{% test fenetres_disjointes(model, cle, debut, fin) %}
with fenetres as (
    select
        {% for colonne in cle -%}
        {{ colonne }},
        {% endfor -%}
        coalesce({{ debut }}, cast('0001-01-01' as date)) as debut_fenetre,
        coalesce({{ fin }}, cast('9999-12-31' as date)) as fin_fenetre
    from {{ model }}
),

suites as (
    select
        {% for colonne in cle -%}
        {{ colonne }},
        {% endfor -%}
        debut_fenetre,
        fin_fenetre,
        max(fin_fenetre) over (
            partition by {{ cle | join(', ') }}
            order by debut_fenetre, fin_fenetre
            rows between unbounded preceding and 1 preceding
        ) as fin_precedente
    from fenetres
)

select
    {% for colonne in cle -%}
    {{ colonne }},
    {% endfor -%}
    debut_fenetre,
    fin_fenetre
from suites
where
    fin_fenetre < debut_fenetre
    or debut_fenetre <= fin_precedente
{% endtest %}

{# A measure that compares names the zone it compares with, and that zone is one of the comparators. `si` narrows to
   the rows that compare. Error: a gap without its comparator is not a figure. #}
{% test comparateur_present(model, mesure, comparateur='code_comparateur', si='1 = 1') %}
select
    mesures.{{ mesure }},
    mesures.{{ comparateur }}
from {{ model }} as mesures
left join {{ ref('dim_comparateur') }} as zones on mesures.{{ comparateur }} = zones.code_comparateur
where mesures.{{ mesure }} is not null and ({{ si }}) and zones.code_comparateur is null
{% endtest %}

{# Rows per partition, against the counts that a person reviewed (seed compte_attendu). A count is asked for only in
   its region and when its dataset is held; a partition that the seed does not name, such as a new vintage, is free.
   Error: a reviewed count that moves is a change of the world or a loss, and both want a reader. #}
{% test compte_par_partition(model, colonnes, si='1 = 1') %}
with comptes as (
    select
        {% for colonne in colonnes -%}
        coalesce(cast({{ colonne }} as varchar), ''){% if not loop.last %} || '|' || {% endif %}
        {%- endfor %} as valeur,
        count(*) as nb
    from {{ model }}
    where {{ si }}
    group by {{ colonnes | join(', ') }}
),

attendus as (
    select
        attendu.valeur,
        attendu.nb_attendu
    from {{ ref('compte_attendu') }} as attendu
    where
        attendu.relation = '{{ model.identifier }}'
        and attendu.colonnes = '{{ colonnes | join("|") }}'
        and attendu.code_region = '{{ var("region") }}'
        and exists (
            select 1 as un
            from {{ ref('dim_jeu_source') }} as jeu_source
            where
                attendu.jeu_requis = jeu_source.cle_jeu_source
                or attendu.jeu_requis = jeu_source.producteur || ':' || jeu_source.jeu
        )
)

select
    attendus.valeur,
    attendus.nb_attendu,
    coalesce(comptes.nb, 0) as nb_trouve
from attendus
left join comptes on attendus.valeur = comptes.valeur
where coalesce(comptes.nb, 0) <> attendus.nb_attendu
{% endtest %}
