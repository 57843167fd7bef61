-- One row per statement and stretch of days during which it was known with one value. Bytes that repeat a
-- value change nothing: their rows are one. What follows a different value is revised.
with versions as (
    select
        cle_enonce,
        code_indicateur,
        cle_territoire,
        cle_periode,
        cle_ventilation,
        cle_jeu_source,
        code_variable,
        valeur,
        numerateur,
        denominateur,
        borne_basse,
        borne_haute,
        unite,
        code_statut,
        motif,
        reserve,
        signe_source,
        note_source,
        nature,
        fichier,
        empreinte_sha256,
        ligne_source,
        colonne_source,
        colonne_numero,
        valeur_texte_source,
        est_premiere_version,
        connu_du,
        connu_au,
        type_periode,
        debut,
        fin,
        annee,
        evidence_periode,
        producteur,
        jeu,
        millesime,
        case
            when
                lag(connu_au) over (partition by cle_enonce order by connu_du) = connu_du
                and lag(code_statut) over (partition by cle_enonce order by connu_du) = code_statut
                -- two missing values of one status say the same
                and (
                    valeur is null
                    or lag(valeur) over (partition by cle_enonce order by connu_du) = valeur
                )
                then 0
            else 1
        end as commence
    from {{ ref('int_observation__version') }}
),

suites as (
    select
        cle_enonce,
        code_indicateur,
        cle_territoire,
        cle_periode,
        cle_ventilation,
        cle_jeu_source,
        code_variable,
        valeur,
        numerateur,
        denominateur,
        borne_basse,
        borne_haute,
        unite,
        code_statut,
        motif,
        reserve,
        signe_source,
        note_source,
        nature,
        fichier,
        empreinte_sha256,
        ligne_source,
        colonne_source,
        colonne_numero,
        valeur_texte_source,
        est_premiere_version,
        connu_du,
        connu_au,
        type_periode,
        debut,
        fin,
        annee,
        evidence_periode,
        producteur,
        jeu,
        millesime,
        sum(commence) over (partition by cle_enonce order by connu_du) as suite
    from versions
),

-- The bytes in use last speak for the whole stretch: a current figure is traced to the current file.
rangs as (
    select
        cle_enonce,
        code_indicateur,
        cle_territoire,
        cle_periode,
        cle_ventilation,
        cle_jeu_source,
        code_variable,
        valeur,
        numerateur,
        denominateur,
        borne_basse,
        borne_haute,
        unite,
        code_statut,
        motif,
        reserve,
        signe_source,
        note_source,
        nature,
        fichier,
        empreinte_sha256,
        ligne_source,
        colonne_source,
        colonne_numero,
        valeur_texte_source,
        min(connu_du) over (partition by cle_enonce, suite) as connu_du,
        connu_au,
        type_periode,
        debut,
        fin,
        annee,
        evidence_periode,
        producteur,
        jeu,
        millesime,
        max(case when est_premiere_version then 1 else 0 end) over (partition by cle_enonce, suite) = 1
            as est_premiere,
        row_number() over (partition by cle_enonce, suite order by connu_du desc nulls last) as rang
    from suites
),

revisions as (
    select
        cle_enonce,
        code_indicateur,
        cle_territoire,
        cle_periode,
        cle_ventilation,
        cle_jeu_source,
        code_variable,
        valeur,
        numerateur,
        denominateur,
        borne_basse,
        borne_haute,
        unite,
        code_statut,
        motif,
        reserve,
        signe_source,
        note_source,
        nature,
        fichier,
        empreinte_sha256,
        ligne_source,
        colonne_source,
        colonne_numero,
        valeur_texte_source,
        connu_du,
        connu_au,
        est_premiere,
        type_periode,
        debut,
        fin,
        annee,
        evidence_periode,
        producteur,
        jeu,
        millesime,
        lag(valeur) over (partition by cle_enonce order by connu_du) as valeur_precedente,
        lag(connu_du) over (partition by cle_enonce order by connu_du) as connu_du_precedente
    from rangs
    where rang = 1
)

select
    revisions.cle_enonce
    || case
        when revisions.connu_au is null then ''
        else '|connu_du:' || cast(revisions.connu_du as varchar)
    end as cle_observation,
    revisions.code_indicateur,
    revisions.cle_territoire,
    revisions.cle_periode,
    revisions.cle_ventilation,
    revisions.cle_jeu_source,
    revisions.code_variable,
    revisions.valeur,
    revisions.numerateur,
    revisions.denominateur,
    revisions.borne_basse,
    revisions.borne_haute,
    revisions.unite,
    case
        when
            revisions.code_statut = 'OK'
            and revisions.valeur_precedente is not null
            and revisions.valeur_precedente <> revisions.valeur
            then 'REV'
        else revisions.code_statut
    end as code_statut,
    revisions.motif,
    case
        when
            revisions.valeur is not null
            and revisions.valeur_precedente is not null
            and revisions.valeur_precedente <> revisions.valeur
            then
                coalesce(revisions.reserve || ' ; ', '') || 'remplace une autre valeur, reçue le '
                || cast(revisions.connu_du_precedente as varchar)
        else revisions.reserve
    end as reserve,
    revisions.valeur_precedente,
    revisions.signe_source,
    revisions.note_source,
    revisions.nature,
    revisions.fichier,
    revisions.empreinte_sha256,
    revisions.ligne_source,
    revisions.colonne_source,
    revisions.colonne_numero,
    revisions.valeur_texte_source,
    case when revisions.est_premiere then jeu_source.publie_le end as publie_le,
    revisions.connu_du,
    revisions.connu_au,
    revisions.type_periode,
    revisions.debut,
    revisions.fin,
    revisions.annee,
    revisions.evidence_periode,
    revisions.producteur,
    revisions.jeu,
    revisions.millesime
from revisions
inner join {{ ref('stg_entrepot__jeu_source') }} as jeu_source
    on
        revisions.producteur = jeu_source.producteur
        and revisions.jeu = jeu_source.jeu
        and revisions.millesime = jeu_source.millesime
