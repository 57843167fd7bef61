-- The one territory that an observed code speaks of: its present version when there is one, else the last
-- historical one. Some producers write a code of their own (`1` for metropolitan France, `3254` for the part
-- of a zone d'emploi): seed territoire_alias and the rule of the parts give it the code of the dimension.
with versions as (
    select
        type_territoire,
        code_territoire,
        cle_territoire,
        row_number() over (
            partition by type_territoire, code_territoire
            order by
                case when est_courant then 1 else 2 end asc,
                coalesce(generation, millesime_geo, '') desc nulls last,
                cle_territoire asc
        ) as rang
    from {{ ref('int_territoire') }}
),

codes as (
    select
        type_territoire,
        code_territoire,
        cle_territoire
    from versions
    where rang = 1
),

alias as (
    select
        type_territoire,
        code_alias,
        code_territoire
    from {{ ref('territoire_alias') }}
    union all
    -- `0054-32` in the composition of the zones is `3254` in the unemployment file
    select
        type_territoire,
        substr(code_territoire, 6, 2) || substr(code_territoire, 3, 2) as code_alias,
        code_territoire
    from codes
    where
        type_territoire = 'partie_regionale_zone_emploi'
        and {{ correspond('code_territoire', '00[0-9]{2}-[0-9]{2}') }}
)

select
    type_territoire,
    code_territoire,
    cle_territoire
from codes
union all
select
    alias.type_territoire,
    alias.code_alias as code_territoire,
    codes.cle_territoire
from alias
inner join codes
    on alias.type_territoire = codes.type_territoire and alias.code_territoire = codes.code_territoire
