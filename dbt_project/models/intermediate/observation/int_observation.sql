-- One row per statement: indicator, territory, period, breakdown, dataset x vintage.
with observations as (
    select
        statut.code_indicateur || '|qpv:' || statut.code_qpv || ':2015|' || periode.cle_periode || '|'
        || statut.cle_ventilation || '|' || statut.producteur || ':' || statut.jeu || ':' || statut.millesime
            as cle_observation,
        statut.code_indicateur,
        'qpv:' || statut.code_qpv || ':2015' as cle_territoire,
        periode.cle_periode,
        statut.cle_ventilation,
        statut.producteur || ':' || statut.jeu || ':' || statut.millesime as cle_jeu_source,
        statut.code_variable,
        statut.valeur,
        indicateur.unite,
        statut.code_statut,
        statut.motif,
        statut.signe_source,
        statut.note_source,
        statut.nature,
        statut.fichier,
        statut.empreinte_sha256,
        statut.ligne_source,
        case when statut.colonne_numero is not null then statut.code_variable end as colonne_source,
        statut.colonne_numero,
        statut.valeur_texte as valeur_texte_source,
        periode.type_periode,
        periode.debut,
        periode.fin,
        periode.annee,
        periode.evidence_periode,
        statut.producteur,
        statut.jeu,
        statut.millesime,
        statut.code_qpv
    from {{ ref('int_observation__statut') }} as statut
    inner join {{ ref('int_observation__periode') }} as periode
        on
            statut.producteur = periode.producteur
            and statut.jeu = periode.jeu
            and statut.millesime = periode.millesime
            and statut.code_variable = periode.code_variable
    inner join {{ ref('indicateur') }} as indicateur
        on statut.code_indicateur = indicateur.code
),

-- Statements that a column of the file gives.
donnees as (
    select distinct cle_observation
    from observations
    where colonne_numero is not null
)

-- A producer that renames a variable leaves the old name absent: the new name already makes the statement.
select
    observations.cle_observation,
    observations.code_indicateur,
    observations.cle_territoire,
    observations.cle_periode,
    observations.cle_ventilation,
    observations.cle_jeu_source,
    observations.code_variable,
    observations.valeur,
    observations.unite,
    observations.code_statut,
    observations.motif,
    observations.signe_source,
    observations.note_source,
    observations.nature,
    observations.fichier,
    observations.empreinte_sha256,
    observations.ligne_source,
    observations.colonne_source,
    observations.colonne_numero,
    observations.valeur_texte_source,
    observations.type_periode,
    observations.debut,
    observations.fin,
    observations.annee,
    observations.evidence_periode,
    observations.producteur,
    observations.jeu,
    observations.millesime,
    observations.code_qpv
from observations
left join donnees on observations.cle_observation = donnees.cle_observation
where observations.colonne_numero is not null or donnees.cle_observation is null
