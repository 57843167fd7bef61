-- The cells that carry an observation: those of the files that the dictionary or a series links to an
-- indicator, and those that the dictionary expects in this vintage and the file does not have.
with presentes as (
    select
        cellule.producteur,
        cellule.jeu,
        cellule.millesime,
        cellule.fichier,
        cellule.empreinte_sha256,
        cellule.cle_version,
        cellule.ligne_source,
        cellule.type_territoire,
        cellule.code_zone,
        cellule.cle_territoire,
        cellule.code_variable,
        cellule.colonne_numero,
        cellule.valeur_texte,
        cellule.valeur,
        cellule.trimestre,
        cellule.connu_du,
        cellule.connu_au,
        cellule.est_premiere_version,
        false as est_absente
    from {{ ref('int_observation__cellule') }} as cellule
    where cellule.role = 'variable'
),

zones as (
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        cle_version,
        type_territoire,
        code_zone,
        cle_territoire,
        connu_du,
        connu_au,
        est_premiere_version,
        min(ligne_source) as ligne_source
    from presentes
    where trimestre is null
    group by
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        cle_version,
        type_territoire,
        code_zone,
        cle_territoire,
        connu_du,
        connu_au,
        est_premiere_version
),

colonnes as (
    select distinct
        producteur,
        jeu,
        millesime,
        cle_version,
        type_territoire,
        code_variable
    from presentes
),

absentes as (
    select
        zones.producteur,
        zones.jeu,
        zones.millesime,
        zones.fichier,
        zones.empreinte_sha256,
        zones.cle_version,
        zones.ligne_source,
        zones.type_territoire,
        zones.code_zone,
        zones.cle_territoire,
        variable.code_variable,
        cast(null as integer) as colonne_numero,
        cast(null as varchar) as valeur_texte,
        cast(null as double precision) as valeur,
        cast(null as varchar) as trimestre,
        zones.connu_du,
        zones.connu_au,
        zones.est_premiere_version,
        true as est_absente
    from zones
    inner join {{ ref('variable_source') }} as variable
        on
            zones.producteur = variable.producteur
            and zones.jeu = variable.jeu
            and zones.millesime >= coalesce(cast(variable.attendu_du as varchar), '0000')
            and zones.millesime <= coalesce(cast(variable.attendu_au as varchar), '9999')
    left join colonnes
        on
            zones.producteur = colonnes.producteur
            and zones.jeu = colonnes.jeu
            and zones.millesime = colonnes.millesime
            and zones.cle_version = colonnes.cle_version
            and zones.type_territoire = colonnes.type_territoire
            and variable.code_variable = colonnes.code_variable
    where colonnes.code_variable is null
),

toutes as (
    {% for nom in ['presentes', 'absentes'] %}
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        cle_version,
        ligne_source,
        type_territoire,
        code_zone,
        cle_territoire,
        code_variable,
        colonne_numero,
        valeur_texte,
        valeur,
        trimestre,
        connu_du,
        connu_au,
        est_premiere_version,
        est_absente
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    toutes.producteur,
    toutes.jeu,
    toutes.millesime,
    toutes.fichier,
    toutes.empreinte_sha256,
    toutes.cle_version,
    toutes.ligne_source,
    toutes.type_territoire,
    toutes.code_zone,
    toutes.cle_territoire,
    toutes.code_variable,
    toutes.colonne_numero,
    toutes.valeur_texte,
    toutes.valeur,
    toutes.trimestre,
    toutes.connu_du,
    toutes.connu_au,
    toutes.est_premiere_version,
    toutes.est_absente,
    variable.code_indicateur,
    variable.cle_ventilation,
    variable.bloc,
    variable.nature,
    variable.sans_objet_si_zero
from toutes
inner join {{ ref('variable_source') }} as variable
    on
        toutes.producteur = variable.producteur
        and toutes.jeu = variable.jeu
        and toutes.code_variable = variable.code_variable
union all
select
    presentes.producteur,
    presentes.jeu,
    presentes.millesime,
    presentes.fichier,
    presentes.empreinte_sha256,
    presentes.cle_version,
    presentes.ligne_source,
    presentes.type_territoire,
    presentes.code_zone,
    presentes.cle_territoire,
    presentes.code_variable,
    presentes.colonne_numero,
    presentes.valeur_texte,
    presentes.valeur,
    presentes.trimestre,
    presentes.connu_du,
    presentes.connu_au,
    presentes.est_premiere_version,
    presentes.est_absente,
    serie.code_indicateur,
    'TOTAL' as cle_ventilation,
    serie.bloc,
    serie.nature,
    cast(null as varchar) as sans_objet_si_zero
from presentes
inner join {{ ref('serie_source') }} as serie
    on presentes.producteur = serie.producteur and presentes.jeu = serie.jeu
where presentes.trimestre is not null
union all
select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    cle_version,
    ligne_source,
    type_territoire,
    code_zone,
    cle_territoire,
    code_variable,
    colonne_numero,
    valeur_texte,
    valeur,
    trimestre,
    connu_du,
    connu_au,
    est_premiere_version,
    false as est_absente,
    code_indicateur,
    cle_ventilation,
    bloc,
    nature,
    cast(null as varchar) as sans_objet_si_zero
from {{ ref('int_observation__ligne') }}
