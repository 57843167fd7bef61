{#- The columns of a line, with their types. A block gives those it has; the others are empty. -#}
{%- set colonnes = {
    'cle_territoire': 'varchar', 'generation': 'varchar', 'bloc': 'integer',
    'niveau': 'varchar', 'code_ligne': 'varchar', 'ordre': 'integer',
    'cle_territoire_ligne': 'varchar', 'libelle': 'varchar', 'type_ligne': 'varchar',
    'texte': 'varchar', 'valeur': 'double precision', 'unite': 'varchar',
    'code_comparateur': 'varchar', 'valeur_comparateur': 'double precision',
    'ecart_points': 'double precision',
    'rapport': 'double precision', 'lecture': 'varchar', 'code_statut': 'varchar',
    'motif': 'varchar', 'motif_comparaison': 'varchar', 'reserve': 'varchar',
    'libelle_periode': 'varchar', 'position_t0': 'varchar', 'code_indicateur': 'varchar',
    'cle_trace': 'varchar'
} -%}
{%- set absentes = {
    'identite': [
        'valeur', 'unite', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport',
        'lecture', 'motif', 'motif_comparaison', 'libelle_periode', 'position_t0', 'code_indicateur',
        'cle_trace'
    ],
    'identite_nombre': [
        'texte', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport', 'lecture',
        'motif', 'libelle_periode', 'position_t0', 'code_indicateur', 'cle_trace'
    ],
    'identite_qpv': [
        'valeur', 'unite', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport',
        'lecture', 'motif', 'motif_comparaison', 'libelle_periode', 'position_t0', 'code_indicateur',
        'cle_trace'
    ],
    'diagnostics': [],
    'trajectoires': ['texte', 'rapport', 'lecture', 'position_t0'],
    'droit_commun': [
        'code_comparateur', 'lecture', 'code_indicateur'
    ],
    'moyens': [
        'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport', 'lecture',
        'code_indicateur'
    ],
    'couverture': [
        'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport', 'lecture',
        'libelle_periode', 'position_t0', 'code_indicateur', 'cle_trace'
    ],
    'actions_taux': [
        'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport', 'lecture', 'motif',
        'libelle_periode', 'position_t0', 'code_indicateur', 'cle_trace'
    ],
    'actions_declarees': [
        'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport', 'lecture', 'code_indicateur'
    ],
    'gouvernance_declaree': [
        'valeur', 'unite', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport', 'lecture',
        'motif_comparaison', 'code_indicateur'
    ],
    'actions': [
        'texte', 'valeur', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport',
        'lecture', 'reserve', 'libelle_periode', 'position_t0', 'cle_trace'
    ],
    'reserves': [
        'valeur', 'unite', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport',
        'lecture', 'motif', 'motif_comparaison', 'reserve', 'libelle_periode', 'position_t0',
        'code_indicateur', 'cle_trace'
    ],
    'disponibilites': [
        'texte', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport', 'lecture',
        'libelle_periode', 'position_t0', 'code_indicateur', 'cle_trace'
    ]
} -%}
{#- What makes a caveat of seed reserve_fiche be printed. -#}
{%- set constats = {
    'mobilite': "bloc = 3 and valeur is not null",
    'perimetre': "bloc = 2 and valeur is not null and generation = '2015'",
    'fenetre': "bloc = 2 and valeur is not null and position_t0 = 'a_cheval'",
    'avant_t0': "bloc = 2 and valeur is not null and position_t0 = 'avant'",
    'periode_inconnue': "bloc = 2 and valeur is not null and position_t0 = 'inconnue'",
    'bruit': "bloc = 2 and valeur is not null and code_statut = 'PERT'",
    'secret': "bloc in (2, 3, 4) and code_statut = 'SECRET'",
    'petit_effectif': "bloc = 2 and reserve like '%petit effectif%'",
    'zone_avec_qpv': "bloc = 2 and ecart_points is not null",
    'subventions': "bloc = 5 and valeur is not null"
} -%}
-- The page of one contract, line by line, in nine blocks. A line that cannot be filled stays, with the
-- reason; a figure without comparator says why it has none. Lines of the contract come first, those of its
-- neighbourhoods follow for whoever wants the detail.
with contrats as (
    select
        contrat.cle_territoire,
        contrat.code_contrat,
        contrat.generation,
        contrat.libelle_contrat,
        case contrat.niveau_porteur
            when 'epci' then 'intercommunalité ' || contrat.siren_signature
            when 'commune' then 'commune ' || contrat.code_commune_porteur
            else 'plusieurs porteurs'
        end as texte_porteur,
        contrat.t0,
        contrat.fin_initiale,
        contrat.fin_prolongee,
        contrat.est_fictif
    from {{ ref('dim_contrat_ville') }} as contrat
),

quartiers as (
    select
        lien.cle_territoire_contrat as cle_territoire,
        lien.cle_territoire_qpv,
        lien.est_partage,
        qpv.code_qpv,
        qpv.libelle_qpv,
        qpv.generation,
        qpv.lettre
    from {{ ref('pont_qpv_contrat') }} as lien
    inner join {{ ref('dim_qpv') }} as qpv on lien.cle_territoire_qpv = qpv.cle_territoire
),

effectifs as (
    select
        cle_territoire,
        count(*) as nb_qpv,
        sum(case when est_partage then 1 else 0 end) as nb_partages
    from quartiers
    group by cle_territoire
),

-- 1. Identity

identite_textes as (
    {% for code, ordre, libelle, texte in [
        ('contrat', 1, 'Contrat de ville', "libelle_contrat || ' (' || code_contrat || ')'"),
        ('generation', 2, 'Génération', "generation"),
        ('porteur', 3, 'Porteur', "texte_porteur"),
        ('t0', 4, 'Point de départ (T0)', date_affichee('t0')),
        ('fin_initiale', 5, 'Fin prévue à la signature', date_affichee('fin_initiale')),
        ('fin_prolongee', 6, 'Fin après prolongations', date_affichee('fin_prolongee'))
    ] %}
    select
        cle_territoire,
        '{{ code }}' as code_ligne,
        {{ ordre }} as ordre,
        '{{ libelle }}' as libelle,
        coalesce({{ texte }}, 'sans objet') as texte
    from contrats
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

identite as (
    select
        textes.cle_territoire,
        contrats.generation,
        1 as bloc,
        'contrat' as niveau,
        textes.code_ligne,
        textes.ordre,
        textes.cle_territoire as cle_territoire_ligne,
        textes.libelle,
        'texte' as type_ligne,
        textes.texte,
        'OK' as code_statut,
        case
            when textes.code_ligne = 't0' then 'par convention : la date de signature n''est pas établie'
        end as reserve
    from identite_textes as textes
    inner join contrats on textes.cle_territoire = contrats.cle_territoire
),

identite_nombre as (
    select
        contrats.cle_territoire,
        contrats.generation,
        1 as bloc,
        'contrat' as niveau,
        'nb_qpv' as code_ligne,
        7 as ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        'Quartiers prioritaires' as libelle,
        'chiffre' as type_ligne,
        cast(coalesce(effectifs.nb_qpv, 0) as double precision) as valeur,
        'quartiers' as unite,
        'OK' as code_statut,
        'un nombre de quartiers ne se compare pas' as motif_comparaison,
        case
            when effectifs.nb_partages > 0
                then cast(effectifs.nb_partages as varchar) || ' partagé(s) avec un autre contrat'
        end as reserve
    from contrats
    left join effectifs on contrats.cle_territoire = effectifs.cle_territoire
),

identite_qpv as (
    select
        quartiers.cle_territoire,
        quartiers.generation,
        1 as bloc,
        'qpv' as niveau,
        'quartier' as code_ligne,
        8 as ordre,
        quartiers.cle_territoire_qpv as cle_territoire_ligne,
        quartiers.code_qpv || ' ' || quartiers.libelle_qpv as libelle,
        'texte' as type_ligne,
        case quartiers.lettre
            when 'N' then 'nouveau en 2024'
            when 'M' then 'contour modifié en 2024'
            when 'I' then 'contour inchangé en 2024'
            else 'quartier de la génération ' || quartiers.generation
        end as texte,
        'OK' as code_statut,
        case when quartiers.est_partage then 'partagé entre deux contrats : montré dans chacun' end as reserve
    from quartiers
),

-- 2. Diagnostic: at most twelve indicators, in the order of their themes

diagnostics as (
    select
        diagnostic.cle_territoire,
        diagnostic.generation,
        2 as bloc,
        diagnostic.niveau,
        diagnostic.code_ligne,
        diagnostic.ordre,
        diagnostic.cle_territoire_ligne,
        diagnostic.libelle,
        'chiffre' as type_ligne,
        diagnostic.texte,
        diagnostic.valeur,
        diagnostic.unite,
        diagnostic.code_comparateur,
        diagnostic.valeur_comparateur,
        diagnostic.ecart_points,
        diagnostic.rapport,
        diagnostic.lecture,
        diagnostic.code_statut,
        diagnostic.motif,
        diagnostic.motif_comparaison,
        diagnostic.reserve,
        periode.libelle_periode,
        diagnostic.position_t0,
        diagnostic.code_indicateur,
        coalesce(figure.cle_trace, diagnostic.cle_agregat) as cle_trace
    from {{ ref('int_fiche_diagnostic') }} as diagnostic
    left join {{ ref('dim_periode') }} as periode on diagnostic.cle_periode = periode.cle_periode
    left join {{ ref('mart_diagnostic_qpv') }} as figure
        on diagnostic.cle_observation = figure.cle_observation
),

-- 3. Trajectory: the last period that compares, else the reason of the last one

trajectoires as (
    select
        trajectoire.cle_territoire,
        trajectoire.generation,
        3 as bloc,
        trajectoire.niveau,
        trajectoire.code_ligne,
        trajectoire.ordre,
        trajectoire.cle_territoire_ligne,
        trajectoire.libelle,
        'chiffre' as type_ligne,
        trajectoire.valeur,
        trajectoire.unite,
        trajectoire.code_comparateur,
        trajectoire.valeur_comparateur,
        trajectoire.ecart_points,
        trajectoire.code_statut,
        trajectoire.motif,
        trajectoire.motif_comparaison,
        figure.reserve,
        periode_t0.libelle_periode || ' → ' || periode_t.libelle_periode as libelle_periode,
        trajectoire.code_indicateur,
        figure.cle_trace
    from {{ ref('int_fiche_trajectoire') }} as trajectoire
    left join {{ ref('dim_periode') }} as periode_t0
        on trajectoire.cle_periode_t0 = periode_t0.cle_periode
    left join {{ ref('dim_periode') }} as periode_t on trajectoire.cle_periode_t = periode_t.cle_periode
    left join {{ ref('mart_trajectoire') }} as figure
        on 'mart_trajectoire|' || trajectoire.cle_trajectoire = figure.cle_trace
),

-- 4. Ordinary schemes: one line each, the best informed one; unknown, the line stays

ciblages as (
    select
        ciblage.cle_territoire,
        ciblage.code_dispositif,
        ciblage.libelle_dispositif,
        ciblage.debut,
        ciblage.fin,
        ciblage.cle_periode,
        ciblage.part_qpv,
        ciblage.part_parite,
        ciblage.indice_ciblage,
        ciblage.beneficiaires_qpv,
        ciblage.valeur_cible,
        ciblage.code_statut,
        ciblage.motif,
        ciblage.motif_indice,
        ciblage.reserve,
        ciblage.cle_ligne,
        row_number() over (
            partition by ciblage.cle_territoire, ciblage.code_dispositif
            order by
                case
                    when ciblage.part_qpv is not null then 1
                    when ciblage.beneficiaires_qpv is not null then 2
                    else 3
                end asc,
                ciblage.fin desc nulls last,
                ciblage.cle_ligne asc
        ) as numero
    from {{ ref('mart_ciblage_droit_commun') }} as ciblage
    where ciblage.type_territoire = 'contrat_ville'
),

droit_commun as (
    select
        contrats.cle_territoire,
        contrats.generation,
        4 as bloc,
        'contrat' as niveau,
        ciblages.code_dispositif as code_ligne,
        0 as ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        ciblages.libelle_dispositif || ' : part des résidents de QPV' as libelle,
        'chiffre' as type_ligne,
        case
            when ciblages.part_qpv is null and ciblages.beneficiaires_qpv is not null
                then
                    'part inconnue ; ' || {{ nombre_affiche('ciblages.beneficiaires_qpv') }}
                    || ' bénéficiaires résidents'
        end as texte,
        ciblages.part_qpv as valeur,
        'pourcent' as unite,
        ciblages.part_parite as valeur_comparateur,
        ciblages.part_qpv - ciblages.part_parite as ecart_points,
        ciblages.indice_ciblage as rapport,
        ciblages.code_statut,
        case when ciblages.part_qpv is null then ciblages.motif end as motif,
        case
            when ciblages.part_qpv is null then 'aucune part à comparer à la parité'
            when ciblages.indice_ciblage is null
                then coalesce(ciblages.motif_indice, 'part de parité inconnue')
        end as motif_comparaison,
        case
            when ciblages.valeur_cible is not null
                then
                    coalesce(ciblages.reserve || ' ; ', '') || 'objectif national : '
                    || {{ nombre_affiche('ciblages.valeur_cible', 1) }} || ' %'
            else ciblages.reserve
        end as reserve,
        case
            when ciblages.debut = ciblages.fin then {{ date_affichee('ciblages.fin') }}
            else
                {{ date_affichee('ciblages.debut') }} || ' → '
                || coalesce({{ date_affichee('ciblages.fin') }}, 'en cours')
        end as libelle_periode,
        {{ position_t0('ciblages.debut', 'ciblages.fin', 'contrats.t0') }} as position_t0,
        ciblages.cle_ligne as cle_trace
    from ciblages
    inner join contrats on ciblages.cle_territoire = contrats.cle_territoire
    where ciblages.numero = 1
),

-- 5. Specific means, one line per year and kind

moyens as (
    select
        contrats.cle_territoire,
        contrats.generation,
        5 as bloc,
        'contrat' as niveau,
        moyens.type_moyen || '|' || cast(moyens.annee as varchar) as code_ligne,
        moyens.annee as ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        case moyens.type_moyen
            when 'adulte_relais' then 'Adultes-relais, subventions'
            when 'poste_fonjep' then 'FONJEP, subventions'
            when 'credits_p147' then 'Crédits spécifiques (programme 147)'
            when 'credits_droit_commun' then 'Crédits de droit commun'
            else replace(moyens.type_moyen, '_', ' ')
        end || ', ' || cast(moyens.annee as varchar) as libelle,
        'chiffre' as type_ligne,
        case
            when moyens.montant is not null and moyens.nb_lignes is not null
                then
                    {{ valeur_avec_unite('moyens.montant', 'moyens.unite') }} || ' ('
                    || cast(moyens.nb_lignes as varchar) || ' lignes)'
        end as texte,
        moyens.montant as valeur,
        moyens.unite,
        moyens.code_statut,
        moyens.motif,
        'un montant se lit à côté de ceux des autres années, sans écart' as motif_comparaison,
        moyens.reserve,
        cast(moyens.annee as varchar) as libelle_periode,
        case
            when moyens.annee < extract(year from contrats.t0) then 'avant'
            else 'apres'
        end as position_t0,
        moyens.cle_ligne as cle_trace
    from {{ ref('mart_moyens_specifiques') }} as moyens
    inner join contrats
        on moyens.cle_territoire = contrats.cle_territoire and moyens.type_territoire = 'contrat_ville'
),

-- 6. Coverage: neighbourhoods where the scheme is known to be present, declared apart from inferred

presences as (
    select
        quartiers.cle_territoire,
        couverture.code_dispositif,
        min(couverture.libelle_dispositif) as libelle_dispositif,
        quartiers.cle_territoire_qpv,
        max(case when couverture.present and couverture.origine = 'declare' then 1 else 0 end) as est_declare,
        max(case when couverture.present and couverture.origine = 'deduit' then 1 else 0 end) as est_deduit,
        min(case when couverture.present is null then couverture.motif end) as motif
    from quartiers
    inner join {{ ref('mart_couverture_dispositif') }} as couverture
        on quartiers.cle_territoire_qpv = couverture.cle_territoire
    group by quartiers.cle_territoire, couverture.code_dispositif, quartiers.cle_territoire_qpv
),

couvertures as (
    select
        presences.cle_territoire,
        presences.code_dispositif,
        min(presences.libelle_dispositif) as libelle_dispositif,
        count(*) as nb_qpv,
        sum(presences.est_declare) as nb_declares,
        sum(case when presences.est_declare = 0 then presences.est_deduit else 0 end) as nb_deduits,
        min(presences.motif) as motif
    from presences
    group by presences.cle_territoire, presences.code_dispositif
),

couverture as (
    select
        contrats.cle_territoire,
        contrats.generation,
        6 as bloc,
        'contrat' as niveau,
        couvertures.code_dispositif as code_ligne,
        0 as ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        couvertures.libelle_dispositif || ' : quartiers où il est connu présent' as libelle,
        'chiffre' as type_ligne,
        case
            when couvertures.nb_declares + couvertures.nb_deduits > 0
                then
                    cast(couvertures.nb_declares as varchar) || ' déclaré(s), '
                    || cast(couvertures.nb_deduits as varchar) || ' déduit(s), sur '
                    || cast(couvertures.nb_qpv as varchar)
        end as texte,
        case
            when couvertures.nb_declares + couvertures.nb_deduits > 0
                then cast(couvertures.nb_declares + couvertures.nb_deduits as double precision)
        end as valeur,
        'quartiers' as unite,
        case
            when couvertures.nb_deduits > 0 then 'EST'
            when couvertures.nb_declares > 0 then 'OK'
            else 'ND'
        end as code_statut,
        case
            when couvertures.nb_declares + couvertures.nb_deduits > 0 then cast(null as varchar)
            else coalesce(couvertures.motif, 'présence inconnue dans chacun des quartiers')
        end as motif,
        'une présence ne se compare pas' as motif_comparaison,
        'une présence inconnue n''est pas une absence' as reserve
    from couvertures
    inner join contrats on couvertures.cle_territoire = contrats.cle_territoire
),

-- 7. Actions and governance: declared by the contract, or not known

actions as (
    select
        contrats.cle_territoire,
        contrats.generation,
        7 as bloc,
        'contrat' as niveau,
        disponibilite.code_indicateur as code_ligne,
        0 as ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        indicateur.libelle_indicateur as libelle,
        'chiffre' as type_ligne,
        indicateur.unite,
        disponibilite.code_statut,
        disponibilite.motif,
        'aucune valeur à comparer' as motif_comparaison,
        disponibilite.code_indicateur
    from contrats
    inner join {{ ref('fct_disponibilite') }} as disponibilite
        on
            contrats.cle_territoire = disponibilite.cle_territoire
            and not disponibilite.charge
            and disponibilite.cle_ventilation is null
    inner join {{ ref('dim_indicateur') }} as indicateur
        on
            disponibilite.code_indicateur = indicateur.code_indicateur
            and indicateur.famille in ('actions', 'gouvernance')
),

saisies as (
    select
        saisie.cle_saisie,
        saisie.rubrique,
        saisie.cle_territoire_contrat as cle_territoire,
        saisie.cle_territoire as cle_territoire_ligne,
        case when saisie.cle_territoire = saisie.cle_territoire_contrat then 'contrat' else 'qpv' end
            as niveau,
        saisie.enjeu,
        saisie.objectif,
        saisie.action,
        saisie.indicateur_declare,
        saisie.question,
        saisie.constat,
        saisie.piece,
        saisie.periode,
        saisie.debut,
        saisie.fin,
        saisie.constat_le,
        saisie.valeur,
        saisie.valeur_cible,
        saisie.unite,
        saisie.code_statut,
        saisie.motif,
        saisie.suite_proposee,
        'déclaré par ' || saisie.organisme || ' le ' || {{ date_affichee('saisie.saisi_le') }} as origine
    from {{ ref('fct_saisie_locale') }} as saisie
    where
        saisie.rubrique in ('action', 'gouvernance')
        and {{ connue_le('saisie.connu_du', 'saisie.connu_au') }}
),

-- an action is filled when one of its indicators has a value
actions_suivies as (
    select
        cle_territoire,
        enjeu,
        objectif,
        action,
        max(case when valeur is not null then 1 else 0 end) as est_renseignee
    from saisies
    where rubrique = 'action'
    group by cle_territoire, enjeu, objectif, action
),

actions_comptees as (
    select
        cle_territoire,
        count(*) as nb_actions,
        sum(est_renseignee) as nb_renseignees
    from actions_suivies
    group by cle_territoire
),

actions_taux as (
    select
        contrats.cle_territoire,
        contrats.generation,
        7 as bloc,
        'contrat' as niveau,
        'GOUV.TX_RENSEIGNEMENT.DECLARATIF.ACTIONS' as code_ligne,
        0 as ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        'Actions renseignées' as libelle,
        'chiffre' as type_ligne,
        cast(comptees.nb_renseignees as varchar) || ' action(s) renseignée(s) sur '
        || cast(comptees.nb_actions as varchar) as texte,
        100.0 * comptees.nb_renseignees / cast(comptees.nb_actions as double precision) as valeur,
        'pourcent' as unite,
        'OK' as code_statut,
        'une part d''actions renseignées ne se compare pas' as motif_comparaison,
        'déclaré par les partenaires du contrat' as reserve
    from actions_comptees as comptees
    inner join contrats on comptees.cle_territoire = contrats.cle_territoire
),

actions_declarees as (
    select
        contrats.cle_territoire,
        contrats.generation,
        7 as bloc,
        saisies.niveau,
        saisies.cle_saisie as code_ligne,
        1 as ordre,
        saisies.cle_territoire_ligne,
        coalesce(saisies.enjeu || ' → ', '') || coalesce(saisies.objectif || ' → ', '')
        || coalesce(saisies.action, 'action sans nom') || ' : '
        || coalesce(saisies.indicateur_declare, 'indicateur sans nom') as libelle,
        'chiffre' as type_ligne,
        case
            when saisies.valeur <> round(saisies.valeur) and saisies.unite <> 'pourcent'
                then {{ nombre_affiche('saisies.valeur', 1) }} || ' ' || saisies.unite
            when saisies.valeur is not null
                then {{ valeur_avec_unite('saisies.valeur', "coalesce(saisies.unite, '')") }}
        end as texte,
        saisies.valeur,
        saisies.unite,
        saisies.code_statut,
        saisies.motif,
        'un suivi d''action se lit face à sa valeur visée' as motif_comparaison,
        saisies.origine
        || coalesce(' ; valeur visée : ' || {{ nombre_affiche('saisies.valeur_cible', 1) }}, '')
        || coalesce(' ; suite proposée : ' || replace(saisies.suite_proposee, 'arreter', 'arrêter'), '')
            as reserve,
        saisies.periode as libelle_periode,
        {{ position_t0('saisies.debut', 'saisies.fin', 'contrats.t0') }} as position_t0,
        saisies.cle_saisie as cle_trace
    from saisies
    inner join contrats on saisies.cle_territoire = contrats.cle_territoire
    where saisies.rubrique = 'action'
),

gouvernance_declaree as (
    select
        contrats.cle_territoire,
        contrats.generation,
        7 as bloc,
        saisies.niveau,
        saisies.cle_saisie as code_ligne,
        2 as ordre,
        saisies.cle_territoire_ligne,
        'Gouvernance : ' || coalesce(saisies.question, 'question non écrite') as libelle,
        'texte' as type_ligne,
        saisies.constat as texte,
        saisies.code_statut,
        saisies.motif,
        saisies.origine || coalesce(' ; pièce : ' || saisies.piece, '') as reserve,
        {{ date_affichee('saisies.constat_le') }} as libelle_periode,
        {{ position_t0('saisies.constat_le', 'saisies.constat_le', 'contrats.t0') }} as position_t0,
        saisies.cle_saisie as cle_trace
    from saisies
    inner join contrats on saisies.cle_territoire = contrats.cle_territoire
    where saisies.rubrique = 'gouvernance'
),

-- 9. Availability: the share of known cells per family

familles as (
    select
        disponibilite.cle_territoire,
        disponibilite.generation,
        disponibilite.famille,
        sum(disponibilite.cellules_attendues) as cellules_attendues,
        sum(disponibilite.cellules_connues) as cellules_connues,
        min(disponibilite.prochaine_date) as prochaine_date
    from {{ ref('mart_disponibilite') }} as disponibilite
    where disponibilite.type_territoire = 'contrat_ville'
    group by disponibilite.cle_territoire, disponibilite.generation, disponibilite.famille
),

disponibilites as (
    select
        contrats.cle_territoire,
        contrats.generation,
        9 as bloc,
        'contrat' as niveau,
        familles.famille as code_ligne,
        case familles.famille
            when 'diagnostic' then 1
            when 'actions' then 2
            when 'droit_commun' then 3
            else 4
        end as ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        'Part de cellules connues : ' || replace(familles.famille, '_', ' ') as libelle,
        'chiffre' as type_ligne,
        case
            when familles.cellules_attendues > 0
                then 100.0 * familles.cellules_connues / cast(familles.cellules_attendues as double precision)
        end as valeur,
        'pourcent' as unite,
        case when familles.cellules_attendues > 0 then 'OK' else 'NA' end as code_statut,
        case when coalesce(familles.cellules_attendues, 0) = 0 then 'aucune cellule attendue' end as motif,
        'une part de cellules connues ne se compare pas' as motif_comparaison,
        cast(familles.cellules_connues as varchar) || ' cellules connues sur '
        || cast(familles.cellules_attendues as varchar)
        || coalesce(' ; première échéance usuelle : ' || {{ date_affichee('familles.prochaine_date') }}, '')
            as reserve
    from familles
    inner join contrats on familles.cle_territoire = contrats.cle_territoire
),

chiffrees as (
    {% for nom in absentes if nom != 'reserves' %}
    select
        {{ colonnes_ou_vides(colonnes, absentes[nom]) }}
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- 8. Caveats, from the figures shown above and only from them

constats as (
    {% for code, condition in constats.items() %}
    select distinct
        cle_territoire,
        generation,
        '{{ code }}' as code
    from chiffrees
    where type_ligne = 'chiffre' and {{ condition }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

reserves as (
    select
        constats.cle_territoire,
        constats.generation,
        8 as bloc,
        'contrat' as niveau,
        reserve.code as code_ligne,
        reserve.ordre,
        constats.cle_territoire as cle_territoire_ligne,
        reserve.libelle,
        'texte' as type_ligne,
        reserve.texte,
        'OK' as code_statut
    from constats
    inner join {{ ref('reserve_fiche') }} as reserve on constats.code = reserve.code
),

lignes as (
    select
        {{ colonnes | join(',\n        ') }}
    from chiffrees
    union all
    select
        {{ colonnes_ou_vides(colonnes, absentes['reserves']) }}
    from reserves
)

select
    'mart_fiche_contrat_ville|' || contrats.code_contrat || '|' || lignes.generation || '|'
    || cast(lignes.bloc as varchar) || '|' || lignes.code_ligne || '|' || lignes.cle_territoire_ligne
        as cle_ligne,
    lignes.cle_territoire,
    contrats.code_contrat,
    lignes.generation,
    contrats.libelle_contrat,
    lignes.bloc,
    case lignes.bloc
        when 1 then 'Identité'
        when 2 then 'Diagnostic'
        when 3 then 'Trajectoire'
        when 4 then 'Droit commun'
        when 5 then 'Moyens spécifiques'
        when 6 then 'Couverture'
        when 7 then 'Actions et gouvernance'
        when 8 then 'Réserves'
        else 'Disponibilité'
    end as libelle_bloc,
    lignes.niveau,
    lignes.code_ligne,
    cast(lignes.ordre as integer) as ordre,
    lignes.cle_territoire_ligne,
    territoire.code_territoire as code_territoire_ligne,
    territoire.libelle_territoire as libelle_territoire_ligne,
    lignes.libelle,
    lignes.type_ligne,
    case
        when lignes.texte is not null then lignes.texte
        when lignes.valeur is not null then {{ valeur_avec_unite('lignes.valeur', 'lignes.unite') }}
        else {{ statut_affiche('lignes.code_statut') }}
    end as valeur_affichee,
    lignes.valeur,
    lignes.unite,
    lignes.code_comparateur,
    comparateur.libelle_comparateur,
    lignes.valeur_comparateur,
    lignes.ecart_points,
    lignes.rapport,
    lignes.lecture,
    lignes.code_statut,
    lignes.motif,
    case when lignes.type_ligne = 'chiffre' then lignes.motif_comparaison end as motif_comparaison,
    lignes.reserve,
    lignes.libelle_periode,
    lignes.position_t0,
    lignes.code_indicateur,
    lignes.cle_trace,
    contrats.est_fictif
from lignes
inner join contrats on lignes.cle_territoire = contrats.cle_territoire
inner join {{ ref('dim_territoire') }} as territoire
    on lignes.cle_territoire_ligne = territoire.cle_territoire
left join {{ ref('dim_comparateur') }} as comparateur
    on lignes.code_comparateur = comparateur.code_comparateur
order by cle_ligne
