-- National series that nobody has linked: a row in seed serie_poem makes them beneficiaries.
{{ config(severity='warn') }}
select
    millesime,
    code_serie,
    champ
from {{ ref('int_serie_non_reliee') }}
