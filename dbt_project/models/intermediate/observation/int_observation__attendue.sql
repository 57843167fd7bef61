-- The cells that carry an observation: those of the file that the dictionary links to an indicator, and those
-- that the dictionary expects in this vintage and the file does not have.
with presentes as (
    select
        cellule.producteur,
        cellule.jeu,
        cellule.millesime,
        cellule.fichier,
        cellule.empreinte_sha256,
        cellule.ligne_source,
        cellule.code_qpv,
        cellule.code_variable,
        cellule.colonne_numero,
        cellule.valeur_texte,
        cellule.valeur,
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
        code_qpv,
        min(ligne_source) as ligne_source
    from {{ ref('int_observation__cellule') }}
    group by producteur, jeu, millesime, fichier, empreinte_sha256, code_qpv
),

colonnes as (
    select distinct
        producteur,
        jeu,
        millesime,
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
        zones.ligne_source,
        zones.code_qpv,
        variable.code_variable,
        cast(null as integer) as colonne_numero,
        cast(null as varchar) as valeur_texte,
        cast(null as double precision) as valeur,
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
            and variable.code_variable = colonnes.code_variable
    where colonnes.code_variable is null
),

toutes as (
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        code_qpv,
        code_variable,
        colonne_numero,
        valeur_texte,
        valeur,
        est_absente
    from presentes
    union all
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        ligne_source,
        code_qpv,
        code_variable,
        colonne_numero,
        valeur_texte,
        valeur,
        est_absente
    from absentes
)

select
    toutes.producteur,
    toutes.jeu,
    toutes.millesime,
    toutes.fichier,
    toutes.empreinte_sha256,
    toutes.ligne_source,
    toutes.code_qpv,
    toutes.code_variable,
    toutes.colonne_numero,
    toutes.valeur_texte,
    toutes.valeur,
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
