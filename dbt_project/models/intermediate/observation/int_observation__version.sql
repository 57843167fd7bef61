-- Every statement in every version of its file: indicator, territory, period, breakdown, dataset x vintage.
with cellules as (
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        cle_version,
        ligne_source,
        cle_territoire,
        code_variable,
        code_variable as code_variable_periode,
        colonne_numero,
        valeur_texte,
        valeur,
        cast(null as double precision) as numerateur,
        cast(null as double precision) as denominateur,
        borne_basse,
        borne_haute,
        trimestre,
        connu_du,
        connu_au,
        est_premiere_version,
        est_absente,
        code_indicateur,
        cle_ventilation,
        nature,
        note_source,
        signe_source,
        code_statut,
        motif,
        reserve
    from {{ ref('int_observation__statut') }}
    union all
    select
        producteur,
        jeu,
        millesime,
        fichier,
        empreinte_sha256,
        cle_version,
        ligne_source,
        cle_territoire,
        code_variable,
        variable_numerateur as code_variable_periode,
        colonne_numero,
        cast(null as varchar) as valeur_texte,
        valeur,
        numerateur,
        denominateur,
        cast(null as double precision) as borne_basse,
        cast(null as double precision) as borne_haute,
        cast(null as varchar) as trimestre,
        connu_du,
        connu_au,
        est_premiere_version,
        false as est_absente,
        code_indicateur,
        cle_ventilation,
        'taux' as nature,
        cast(null as varchar) as note_source,
        cast(null as varchar) as signe_source,
        code_statut,
        motif,
        'calculé ici de deux effectifs du fichier ; la colonne est celle du numérateur' as reserve
    from {{ ref('int_observation__taux') }}
),

enonces as (
    select
        cellules.code_indicateur || '|' || cellules.cle_territoire || '|' || periode.cle_periode || '|'
        || cellules.cle_ventilation || '|' || cellules.producteur || ':' || cellules.jeu || ':'
        || cellules.millesime as cle_enonce,
        cellules.code_indicateur,
        cellules.cle_territoire,
        periode.cle_periode,
        cellules.cle_ventilation,
        cellules.producteur || ':' || cellules.jeu || ':' || cellules.millesime as cle_jeu_source,
        cellules.code_variable,
        cellules.valeur,
        cellules.numerateur,
        cellules.denominateur,
        cellules.borne_basse,
        cellules.borne_haute,
        indicateur.unite,
        cellules.code_statut,
        cellules.motif,
        cellules.reserve,
        cellules.signe_source,
        cellules.note_source,
        cellules.nature,
        cellules.fichier,
        cellules.empreinte_sha256,
        cellules.cle_version,
        cellules.ligne_source,
        cellules.colonne_numero,
        cellules.valeur_texte,
        cellules.est_absente,
        cellules.est_premiere_version,
        cellules.connu_du,
        cellules.connu_au,
        periode.type_periode,
        periode.debut,
        periode.fin,
        periode.annee,
        periode.evidence_periode,
        cellules.producteur,
        cellules.jeu,
        cellules.millesime
    from cellules
    inner join {{ ref('int_observation__periode') }} as periode
        on
            cellules.producteur = periode.producteur
            and cellules.jeu = periode.jeu
            and cellules.millesime = periode.millesime
            and cellules.code_variable_periode = periode.code_variable
            and coalesce(cellules.trimestre, '') = coalesce(periode.trimestre, '')
    inner join {{ ref('indicateur') }} as indicateur
        on cellules.code_indicateur = indicateur.code
),

-- Statements that a column of the file gives.
donnes as (
    select distinct
        cle_enonce,
        cle_version
    from enonces
    where not est_absente
)

-- A producer that renames a variable leaves the old name absent: the new name already makes the statement.
select
    enonces.cle_enonce,
    enonces.code_indicateur,
    enonces.cle_territoire,
    enonces.cle_periode,
    enonces.cle_ventilation,
    enonces.cle_jeu_source,
    enonces.code_variable,
    enonces.valeur,
    enonces.numerateur,
    enonces.denominateur,
    enonces.borne_basse,
    enonces.borne_haute,
    enonces.unite,
    enonces.code_statut,
    enonces.motif,
    enonces.reserve,
    enonces.signe_source,
    enonces.note_source,
    enonces.nature,
    enonces.fichier,
    enonces.empreinte_sha256,
    enonces.ligne_source,
    case when not enonces.est_absente then enonces.code_variable end as colonne_source,
    enonces.colonne_numero,
    enonces.valeur_texte as valeur_texte_source,
    enonces.est_premiere_version,
    enonces.connu_du,
    enonces.connu_au,
    enonces.type_periode,
    enonces.debut,
    enonces.fin,
    enonces.annee,
    enonces.evidence_periode,
    enonces.producteur,
    enonces.jeu,
    enonces.millesime
from enonces
left join donnes
    on enonces.cle_enonce = donnes.cle_enonce and enonces.cle_version = donnes.cle_version
where not enonces.est_absente or donnes.cle_enonce is null
