-- Rates computed here from two counts of the same file, with their numerator and denominator: Σ of the one
-- over Σ of the other stays possible. A rate takes the worse status of its two counts.
with effectifs as (
    select
        effectif.producteur,
        effectif.jeu,
        effectif.millesime,
        effectif.fichier,
        effectif.empreinte_sha256,
        effectif.cle_version,
        effectif.ligne_source,
        effectif.cle_territoire,
        effectif.code_variable,
        effectif.colonne_numero,
        effectif.valeur,
        effectif.connu_du,
        effectif.connu_au,
        effectif.est_premiere_version,
        effectif.code_statut,
        effectif.motif,
        statut.rang_gravite
    from {{ ref('int_observation__statut') }} as effectif
    inner join {{ ref('statut') }} as statut on effectif.code_statut = statut.code
),

couples as (
    select
        numerateur.producteur,
        numerateur.jeu,
        numerateur.millesime,
        numerateur.fichier,
        numerateur.empreinte_sha256,
        numerateur.cle_version,
        numerateur.ligne_source,
        numerateur.cle_territoire,
        taux.code_variable,
        taux.variable_numerateur,
        numerateur.colonne_numero,
        numerateur.connu_du,
        numerateur.connu_au,
        numerateur.est_premiere_version,
        taux.code_indicateur,
        taux.cle_ventilation,
        taux.bloc,
        numerateur.valeur as numerateur,
        denominateur.valeur as denominateur,
        -- NA has no rank: it is left out unless both counts are NA
        case
            when coalesce(denominateur.rang_gravite, -1) > coalesce(numerateur.rang_gravite, -1)
                then denominateur.code_statut
            else numerateur.code_statut
        end as pire_statut,
        case
            when coalesce(denominateur.rang_gravite, -1) > coalesce(numerateur.rang_gravite, -1)
                then denominateur.motif
            else numerateur.motif
        end as motif
    from {{ ref('taux_source') }} as taux
    inner join effectifs as numerateur
        on
            taux.producteur = numerateur.producteur
            and taux.jeu = numerateur.jeu
            and taux.variable_numerateur = numerateur.code_variable
    inner join effectifs as denominateur
        on
            taux.producteur = denominateur.producteur
            and taux.jeu = denominateur.jeu
            and numerateur.millesime = denominateur.millesime
            and numerateur.cle_version = denominateur.cle_version
            and numerateur.cle_territoire = denominateur.cle_territoire
            and taux.variable_denominateur = denominateur.code_variable
)

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
    variable_numerateur,
    colonne_numero,
    connu_du,
    connu_au,
    est_premiere_version,
    code_indicateur,
    cle_ventilation,
    bloc,
    numerateur,
    denominateur,
    case
        when numerateur is not null and denominateur > 0 then 100.0 * numerateur / denominateur
    end as valeur,
    case
        when numerateur is not null and denominateur = 0 then 'NA'
        else pire_statut
    end as code_statut,
    case
        when numerateur is not null and denominateur > 0 then cast(null as varchar)
        when numerateur is not null and denominateur = 0 then 'taux sans objet : le dénominateur vaut 0'
        else motif
    end as motif
from couples
