-- Specific means beside what is not known of the ordinary ones, per contract, département and region. A means
-- that no file gives keeps its row and its reason.
with moyens as (
    select
        type_moyen,
        annee,
        cle_territoire_contrat,
        code_departement,
        code_region,
        montant,
        est_montant_repete,
        id_poste,
        nb_lignes_identiques
    from {{ ref('fct_moyens') }}
    where {{ connue_le('connu_du', 'connu_au') }}
),

annees_moyens as (
    select distinct annee from moyens
),

generations as (
    select
        generation,
        cast(extract(year from t0) as integer) as premiere_annee,
        cast(extract(year from coalesce(fin_prolongee, fin_initiale)) as integer) as derniere_annee
    from {{ ref('generation_contrat') }}
),

credits_cites as (
    select
        code_fait,
        cle_territoire,
        cast(extract(year from debut) as integer) as annee,
        valeur as montant,
        case qualificatif when 'plus_de' then 'le document dit « plus de »' end as reserve
    from {{ ref('fct_fait_documentaire') }}
    where
        code_indicateur = 'MOY.MONTANT.P147.CREDITS'
        and cle_territoire is not null
        and population_territoire = 'ensemble'
),

annees as (
    select annee from annees_moyens
    union
    select annee from credits_cites
    union
    -- a generation whose years no file covers still says, in its first one, what is not known
    select generations.premiere_annee as annee
    from generations
    left join annees_moyens
        on
            generations.premiere_annee <= annees_moyens.annee
            and generations.derniere_annee >= annees_moyens.annee
    where annees_moyens.annee is null
),

calendrier as (
    select
        annees.annee,
        generations.generation
    from annees
    inner join generations
        on annees.annee >= generations.premiere_annee and annees.annee <= generations.derniere_annee
),

territoires as (
    select
        territoire.cle_territoire,
        territoire.type_territoire,
        territoire.code_territoire,
        territoire.libelle_territoire,
        calendrier.generation,
        calendrier.annee,
        territoire.est_fictif
    from {{ ref('dim_territoire') }} as territoire
    inner join calendrier
        on
            (territoire.type_territoire = 'contrat_ville' and territoire.generation = calendrier.generation)
            or (territoire.type_territoire in ('departement', 'region') and territoire.est_courant)
    where territoire.type_territoire in ('contrat_ville', 'departement', 'region')
),

types as (
    select
        'adulte_relais' as type_moyen,
        'ADULTES_RELAIS' as code_dispositif
    union all
    select
        'poste_fonjep' as type_moyen,
        'FONJEP' as code_dispositif
    union all
    select
        'credits_p147' as type_moyen,
        'P147' as code_dispositif
    union all
    select
        'credits_droit_commun' as type_moyen,
        cast(null as varchar) as code_dispositif
),

fichiers as (
    select distinct
        type_moyen,
        annee
    from moyens
),

lignes as (
    select
        cle_territoire_contrat as cle_territoire,
        'contrat_ville' as type_territoire,
        cast(null as varchar) as code_territoire,
        type_moyen,
        annee,
        -- within one contract each of its lines counts in full
        montant,
        false as est_sans_contrat,
        id_poste,
        nb_lignes_identiques
    from moyens
    where cle_territoire_contrat is not null
    union all
    {% for type, code in [('departement', 'code_departement'), ('region', 'code_region')] -%}
    select
        cast(null as varchar) as cle_territoire,
        '{{ type }}' as type_territoire,
        {{ code }} as code_territoire,
        type_moyen,
        annee,
        -- above the contract, the amount of a post written under two contracts counts once
        case when est_montant_repete then 0 else montant end as montant,
        cle_territoire_contrat is null as est_sans_contrat,
        id_poste,
        nb_lignes_identiques
    from moyens
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
),

sommes as (
    select
        territoires.cle_territoire,
        territoires.annee,
        lignes.type_moyen,
        count(*) as nb_lignes,
        sum(lignes.nb_lignes_identiques) as nb_lignes_fichier,
        count(distinct lignes.id_poste) as nb_identifiants,
        count(case when lignes.montant is null then 1 end) as nb_sans_montant,
        count(case when lignes.est_sans_contrat then 1 end) as nb_lignes_sans_contrat,
        -- decimals: their sum does not depend on the order of the rows
        sum(cast(lignes.montant as decimal(18, 2))) as montant
    from territoires
    inner join lignes
        on
            territoires.annee = lignes.annee
            and territoires.type_territoire = lignes.type_territoire
            and (
                territoires.cle_territoire = lignes.cle_territoire
                or territoires.code_territoire = lignes.code_territoire
            )
    group by territoires.cle_territoire, territoires.annee, lignes.type_moyen
),

mesures as (
    select
        territoires.cle_territoire,
        territoires.type_territoire,
        territoires.code_territoire,
        territoires.libelle_territoire,
        territoires.generation,
        territoires.annee,
        territoires.est_fictif,
        types.type_moyen,
        types.code_dispositif,
        case
            when sommes.nb_lignes is not null then 'fichier'
            when credits_cites.code_fait is not null then 'document'
            else 'aucune'
        end as origine,
        credits_cites.code_fait,
        case
            when sommes.nb_lignes is not null and sommes.nb_sans_montant = 0 then sommes.montant
            else credits_cites.montant
        end as montant,
        case
            when sommes.nb_lignes is not null then sommes.nb_lignes
            when fichiers.annee is not null then 0
        end as nb_lignes,
        case
            when sommes.nb_lignes is not null then sommes.nb_lignes_fichier
            when fichiers.annee is not null then 0
        end as nb_lignes_fichier,
        case
            when sommes.nb_lignes is not null then sommes.nb_identifiants
            when fichiers.annee is not null then 0
        end as nb_identifiants,
        case when territoires.type_territoire <> 'contrat_ville' then sommes.nb_lignes_sans_contrat end
            as nb_lignes_sans_contrat,
        fichiers.annee is not null as est_fichier_tenu,
        coalesce(sommes.nb_sans_montant, 0) as nb_sans_montant,
        credits_cites.reserve as reserve_citee
    from territoires
    cross join types
    left join fichiers on types.type_moyen = fichiers.type_moyen and territoires.annee = fichiers.annee
    left join sommes
        on
            territoires.cle_territoire = sommes.cle_territoire
            and territoires.annee = sommes.annee
            and types.type_moyen = sommes.type_moyen
    left join credits_cites
        on
            types.type_moyen = 'credits_p147'
            and territoires.cle_territoire = credits_cites.cle_territoire
            and territoires.annee = credits_cites.annee
)

select
    'mart_moyens_specifiques|' || cle_territoire || '|' || cast(annee as varchar) || '|' || type_moyen
        as cle_ligne,
    cle_territoire,
    type_territoire,
    code_territoire,
    libelle_territoire,
    generation,
    annee,
    type_moyen,
    code_dispositif,
    origine,
    code_fait,
    cast(montant as double precision) as montant,
    'euros' as unite,
    cast(nb_lignes_fichier as integer) as nb_lignes_fichier,
    cast(nb_lignes as integer) as nb_lignes,
    cast(nb_identifiants as integer) as nb_identifiants,
    cast(nb_lignes_sans_contrat as integer) as nb_lignes_sans_contrat,
    cast(100.0 * nb_lignes_sans_contrat / nullif(nb_lignes, 0) as double precision) as part_sans_contrat,
    cast(null as integer) as nb_postes,
    case
        when montant is not null then 'OK'
        when type_moyen in ('credits_p147', 'credits_droit_commun') then 'NC'
        else 'ND'
    end as code_statut,
    case
        when montant is not null then null
        when type_moyen = 'credits_p147'
            then
                'crédits du programme 147 non disponibles en données ouvertes par contrat ni par '
                || 'territoire dans les fichiers reçus : à saisir localement'
        when type_moyen = 'credits_droit_commun'
            then
                'montants de droit commun non disponibles en données ouvertes par contrat ni par '
                || 'territoire : à saisir localement'
        when nb_sans_montant > 0 then 'montant absent d''une ligne au moins'
        when est_fichier_tenu
            then
                'aucune ligne du fichier ne cite ce territoire cette année-là : cela ne prouve pas '
                || 'une absence'
        else 'aucun fichier reçu pour cette année'
    end as motif,
    case
        when reserve_citee is not null then reserve_citee
        when type_moyen in ('adulte_relais', 'poste_fonjep')
            then 'Une ligne est une subvention, pas un poste : le nombre de postes n''est pas publié.'
    end as reserve,
    est_fictif
from mesures
order by cle_territoire, annee, type_moyen
