-- What a cell says when it holds no number, and how sure a number is. Rules: DOMAIN, « Statistical rules ».
-- A blank under a note 0 was withheld; a blank under any other note, or without note, is not disseminated and
-- its reason is not established. Blank is never zero.
with notes as (
    select
        cellule.jeu,
        cellule.millesime,
        cellule.cle_version,
        cellule.cle_territoire,
        cellule.code_variable as code_variable_note,
        nullif(trim(cellule.valeur_texte), '') as note_source
    from {{ ref('int_observation__cellule') }} as cellule
    where cellule.role = 'note'
),

notes_presentes as (
    select distinct
        jeu,
        millesime,
        cle_version,
        code_variable_note
    from notes
),

zeros as (
    select
        jeu,
        millesime,
        cle_version,
        cle_territoire,
        code_variable
    from {{ ref('int_observation__cellule') }}
    where role = 'variable' and valeur = 0
),

cellules as (
    select
        attendue.producteur,
        attendue.jeu,
        attendue.millesime,
        attendue.fichier,
        attendue.empreinte_sha256,
        attendue.cle_version,
        attendue.ligne_source,
        attendue.type_territoire,
        attendue.code_zone,
        attendue.cle_territoire,
        attendue.code_variable,
        attendue.colonne_numero,
        attendue.valeur_texte,
        attendue.valeur,
        attendue.trimestre,
        attendue.connu_du,
        attendue.connu_au,
        attendue.est_premiere_version,
        attendue.est_absente,
        attendue.code_indicateur,
        attendue.cle_ventilation,
        attendue.bloc,
        attendue.nature,
        jeu_source.methode_secret,
        case
            when attendue.valeur is null or attendue.nature <> 'effectif' then cast(null as double precision)
            when jeu_source.methode_secret = 'cle_aleatoire'
                then cast(jeu_source.parametre_d as double precision)
            when jeu_source.methode_secret = 'arrondi' then jeu_source.arrondi / 2.0
        end as amplitude,
        attendue.sans_objet_si_zero,
        zeros.code_variable is not null as est_sans_objet,
        notes_presentes.code_variable_note,
        notes.note_source,
        case
            when attendue.valeur is null then nullif(trim(attendue.valeur_texte), '')
        end as signe_source
    from {{ ref('int_observation__attendue') }} as attendue
    inner join {{ ref('stg_entrepot__jeu_source') }} as jeu_source
        on
            attendue.producteur = jeu_source.producteur
            and attendue.jeu = jeu_source.jeu
            and attendue.millesime = jeu_source.millesime
    left join {{ ref('bloc_source') }} as bloc
        on
            attendue.producteur = bloc.producteur
            and attendue.jeu = bloc.jeu
            and attendue.bloc = bloc.bloc
    left join notes_presentes
        on
            attendue.cle_version = notes_presentes.cle_version
            and attendue.jeu = notes_presentes.jeu
            and attendue.millesime = notes_presentes.millesime
            and bloc.code_variable_note = notes_presentes.code_variable_note
    left join notes
        on
            attendue.cle_version = notes.cle_version
            and attendue.jeu = notes.jeu
            and attendue.millesime = notes.millesime
            and attendue.cle_territoire = notes.cle_territoire
            and bloc.code_variable_note = notes.code_variable_note
    left join zeros
        on
            attendue.cle_version = zeros.cle_version
            and attendue.jeu = zeros.jeu
            and attendue.millesime = zeros.millesime
            and attendue.cle_territoire = zeros.cle_territoire
            and attendue.sans_objet_si_zero = zeros.code_variable
)

select
    cellules.producteur,
    cellules.jeu,
    cellules.millesime,
    cellules.fichier,
    cellules.empreinte_sha256,
    cellules.cle_version,
    cellules.ligne_source,
    cellules.type_territoire,
    cellules.code_zone,
    cellules.cle_territoire,
    cellules.code_variable,
    cellules.colonne_numero,
    cellules.valeur_texte,
    cellules.valeur,
    cellules.trimestre,
    cellules.connu_du,
    cellules.connu_au,
    cellules.est_premiere_version,
    cellules.est_absente,
    -- A count is never below 0, whatever the noise.
    case
        when cellules.amplitude is null then cast(null as double precision)
        when cellules.valeur < cellules.amplitude then 0
        else cellules.valeur - cellules.amplitude
    end as borne_basse,
    cellules.valeur + cellules.amplitude as borne_haute,
    cellules.code_indicateur,
    cellules.cle_ventilation,
    cellules.bloc,
    cellules.nature,
    cellules.note_source,
    cellules.signe_source,
    case
        when cellules.valeur is not null and cellules.methode_secret = 'cle_aleatoire' then 'PERT'
        when cellules.valeur is not null then 'OK'
        when cellules.est_absente then 'ND'
        when cellules.signe_source is not null then coalesce(signes.code_statut, 'ND')
        when cellules.est_sans_objet then 'NA'
        when cellules.methode_secret = 'masquage' and cellules.note_source = '0' then 'SECRET'
        else 'ND'
    end as code_statut,
    case
        when cellules.valeur is not null then cast(null as varchar)
        when cellules.est_absente
            then 'variable ' || cellules.code_variable || ' absente du fichier de ce millésime'
        when cellules.signe_source is not null
            then
                'signe « ' || cellules.signe_source || ' » du producteur'
                || coalesce(' : ' || signes.libelle, ' (signification non établie)')
        when cellules.est_sans_objet
            then 'rapport sans objet : ' || cellules.sans_objet_si_zero || ' vaut 0'
        when cellules.methode_secret = 'masquage' and cellules.note_source = '0'
            then
                'cellule retenue par le secret statistique (vide sous '
                || cellules.code_variable_note || ' = 0, bloc publié)'
        when cellules.note_source is not null
            then
                'cellule vide sous ' || cellules.code_variable_note || ' = ' || cellules.note_source
                || ' ; sens de la note non documenté par le producteur'
        when cellules.code_variable_note is not null
            then 'bloc non renseigné : ' || cellules.code_variable_note || ' est vide'
        else 'cellule vide, sans signe ni note du producteur : motif non établi'
    end as motif,
    case
        when cellules.valeur is null then cast(null as varchar)
        when cellules.methode_secret = 'cle_aleatoire' and cellules.amplitude is null
            then 'perturbée par clé aléatoire ; amplitude du bruit non établie : intervalle inconnu'
        when cellules.methode_secret = 'cle_aleatoire'
            then 'perturbée par clé aléatoire : un 0 publié n''est pas un vrai zéro'
        when cellules.methode_secret = 'arrondi' and cellules.amplitude is not null
            then 'arrondie par le producteur : intervalle de l''arrondi'
    end as reserve
from cellules
left join {{ ref('signe_source') }} as signes
    on
        cellules.signe_source = signes.signe
        and (signes.producteur is null or cellules.producteur = signes.producteur)
