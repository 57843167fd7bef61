-- Variables of the files that the dictionary does not know: a mapping row in seed variable_source makes them
-- indicators.
{{ config(severity='warn') }}
select
    producteur,
    jeu,
    millesime,
    code_variable
from {{ ref('int_variable_non_reliee') }}
