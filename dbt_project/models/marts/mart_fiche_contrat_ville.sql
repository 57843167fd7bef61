{%- set colonnes = [
    'cle_territoire', 'generation', 'bloc', 'niveau', 'code_ligne', 'ordre', 'cle_territoire_ligne', 'libelle',
    'type_ligne', 'texte', 'valeur', 'unite', 'code_comparateur', 'valeur_comparateur', 'ecart_points', 'rapport',
    'lecture', 'code_statut', 'motif', 'motif_comparaison', 'reserve', 'libelle_periode', 'position_t0',
    'code_indicateur', 'cle_trace'
] -%}
-- The page of one contract, line by line, in nine blocks. A line that cannot be filled stays, with the reason; a
-- figure without comparator says why it has none. Lines of the contract come first, those of its neighbourhoods
-- follow for whoever wants the detail.
with contrats as (
    select
        contrat.cle_territoire,
        contrat.code_contrat,
        contrat.generation,
        contrat.libelle_contrat,
        contrat.niveau_porteur,
        coalesce(contrat.siren_signature, contrat.code_commune_porteur) as code_porteur,
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
    {% set lignes = [
        ('contrat', 1, 'Contrat de ville', "contrats.libelle_contrat || ' (' || contrats.code_contrat || ')'"),
        ('generation', 2, 'Génération', "contrats.generation"),
        ('porteur', 3, 'Porteur', "coalesce(contrats.niveau_porteur || ' ' || contrats.code_porteur, 'plusieurs porteurs')"),
        ('t0', 4, 'Point de départ (T0)', "cast(contrats.t0 as varchar)"),
        ('fin_initiale', 5, 'Fin prévue à la signature', "cast(contrats.fin_initiale as varchar)"),
        ('fin_prolongee', 6, 'Fin après prolongations', "coalesce(cast(contrats.fin_prolongee as varchar), 'sans prolongation')")
    ] %}
    {% for code, ordre, libelle, texte in lignes %}
    select
        contrats.cle_territoire,
        '{{ code }}' as code_ligne,
        {{ ordre }} as ordre,
        '{{ libelle }}' as libelle,
        {{ texte }} as texte,
        {% if code == 't0' %}'par convention : la date de signature n''est pas établie'{% else %}cast(null as varchar){% endif %} as reserve
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
        cast(null as double precision) as valeur,
        cast(null as varchar) as unite,
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        cast(null as varchar) as motif_comparaison,
        textes.reserve,
        cast(null as varchar) as libelle_periode,
        cast(null as varchar) as position_t0,
        cast(null as varchar) as code_indicateur,
        cast(null as varchar) as cle_trace
    from identite_textes as textes
    inner join contrats on textes.cle_territoire = contrats.cle_territoire
    union all
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
        cast(null as varchar) as texte,
        cast(coalesce(effectifs.nb_qpv, 0) as double precision) as valeur,
        'quartiers' as unite,
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        'un nombre de quartiers ne se compare pas' as motif_comparaison,
        case
            when effectifs.nb_partages > 0
                then cast(effectifs.nb_partages as varchar) || ' partagé(s) avec un autre contrat'
        end as reserve,
        cast(null as varchar) as libelle_periode,
        cast(null as varchar) as position_t0,
        cast(null as varchar) as code_indicateur,
        cast(null as varchar) as cle_trace
    from contrats
    left join effectifs on contrats.cle_territoire = effectifs.cle_territoire
    union all
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
        cast(null as double precision) as valeur,
        cast(null as varchar) as unite,
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        cast(null as varchar) as motif_comparaison,
        case when quartiers.est_partage then 'partagé entre deux contrats : montré dans chacun' end as reserve,
        cast(null as varchar) as libelle_periode,
        cast(null as varchar) as position_t0,
        cast(null as varchar) as code_indicateur,
        cast(null as varchar) as cle_trace
    from quartiers
),

-- 2. Diagnostic: at most twelve indicators, in the order of their themes

fiche as (
    select
        fiche.code_indicateur,
        fiche.cle_ventilation,
        fiche.ordre,
        fiche.code_comparateur,
        indicateur.libelle_indicateur
        || case when fiche.cle_ventilation = 'TOTAL' then '' else ', ' || ventilation.libelle_ventilation end
            as libelle,
        indicateur.unite,
        indicateur.additif in ('oui', 'sous_conditions') as est_additif
    from {{ ref('indicateur_fiche') }} as fiche
    inner join {{ ref('dim_indicateur') }} as indicateur
        on fiche.code_indicateur = indicateur.code_indicateur
    inner join {{ ref('dim_ventilation') }} as ventilation
        on fiche.cle_ventilation = ventilation.cle_ventilation
),

diagnostics as (
    select
        diagnostic.cle_territoire,
        diagnostic.code_indicateur,
        diagnostic.cle_ventilation,
        diagnostic.valeur,
        diagnostic.cle_periode,
        diagnostic.libelle_periode,
        diagnostic.position_t0,
        diagnostic.code_statut,
        diagnostic.motif,
        diagnostic.reserve,
        diagnostic.est_plus_recente,
        diagnostic.petit_effectif,
        diagnostic.evidence_periode,
        diagnostic.cle_trace
    from {{ ref('mart_diagnostic_qpv') }} as diagnostic
    inner join fiche
        on
            diagnostic.code_indicateur = fiche.code_indicateur
            and diagnostic.cle_ventilation = fiche.cle_ventilation
),

-- The comparison shown: at the period of the figure when there is one, else the refusal; the zone the code of
-- which comes first when there are several.
comparaisons as (
    select
        diagnostics.cle_territoire,
        diagnostics.code_indicateur,
        diagnostics.cle_ventilation,
        fiche.code_comparateur,
        ecart.cle_territoire_zone,
        ecart.valeur_zone,
        ecart.ecart_points,
        ecart.rapport,
        ecart.lecture,
        ecart.motif,
        row_number() over (
            partition by diagnostics.cle_territoire, diagnostics.code_indicateur, diagnostics.cle_ventilation
            order by
                case when ecart.ecart_points is null then 2 else 1 end asc,
                case when ecart.portee = 'cellule' then 1 else 2 end asc,
                ecart.cle_trace asc
        ) as numero
    from diagnostics
    inner join fiche
        on
            diagnostics.code_indicateur = fiche.code_indicateur
            and diagnostics.cle_ventilation = fiche.cle_ventilation
    inner join {{ ref('mart_ecart_zone') }} as ecart
        on
            diagnostics.cle_territoire = ecart.cle_territoire
            and diagnostics.code_indicateur = ecart.code_indicateur
            and fiche.code_comparateur = ecart.code_comparateur
            and (
                ecart.portee = 'indicateur'
                or (
                    ecart.portee = 'cellule'
                    and diagnostics.cle_ventilation = ecart.cle_ventilation
                    and diagnostics.cle_periode = ecart.cle_periode
                )
            )
),

-- The series of the zone where no figure exists for a neighbourhood: its last quarter.
contextes as (
    select
        cle_territoire,
        code_indicateur,
        code_comparateur,
        cle_territoire_zone,
        valeur_zone,
        code_statut,
        motif,
        libelle_periode,
        cle_periode,
        row_number() over (
            partition by cle_territoire, code_indicateur, code_comparateur
            order by cle_periode desc, cle_territoire_zone asc
        ) as numero,
        count(*) over (partition by cle_territoire, code_indicateur, code_comparateur, cle_periode) as nb_zones
    from {{ ref('mart_ecart_zone') }}
    where portee = 'contexte'
),

diagnostic_qpv as (
    select
        quartiers.cle_territoire,
        quartiers.generation,
        2 as bloc,
        'qpv' as niveau,
        fiche.code_indicateur || '|' || fiche.cle_ventilation as code_ligne,
        fiche.ordre,
        quartiers.cle_territoire_qpv as cle_territoire_ligne,
        fiche.libelle,
        'chiffre' as type_ligne,
        cast(null as varchar) as texte,
        diagnostics.valeur,
        fiche.unite,
        fiche.code_comparateur,
        coalesce(comparaisons.valeur_zone, case when contextes.nb_zones = 1 then contextes.valeur_zone end)
            as valeur_comparateur,
        comparaisons.ecart_points,
        comparaisons.rapport,
        comparaisons.lecture,
        coalesce(diagnostics.code_statut, contextes.code_statut, attente.code_statut, 'ND') as code_statut,
        case
            when diagnostics.cle_territoire is not null then diagnostics.motif
            else coalesce(contextes.motif, attente.motif, 'aucun fichier tenu ne donne cet indicateur')
        end as motif,
        case
            when diagnostics.cle_territoire is null then 'aucune valeur du quartier à comparer'
            when comparaisons.cle_territoire is null then 'comparateur sans donnée'
            else comparaisons.motif
        end as motif_comparaison,
        case
            when diagnostics.petit_effectif
                then coalesce(diagnostics.reserve || ' ; ', '') || 'petit effectif : dénominateur inférieur à 100'
            when not diagnostics.est_plus_recente
                then
                    coalesce(diagnostics.reserve || ' ; ', '')
                    || 'la période la plus récente est retenue ou non diffusée'
            when diagnostics.evidence_periode = 'infere'
                then coalesce(diagnostics.reserve || ' ; ', '') || 'période déduite, non dite par le producteur'
            else diagnostics.reserve
        end as reserve,
        coalesce(diagnostics.libelle_periode, contextes.libelle_periode) as libelle_periode,
        diagnostics.position_t0,
        fiche.code_indicateur,
        diagnostics.cle_trace
    from quartiers
    cross join fiche
    left join diagnostics
        on
            quartiers.cle_territoire_qpv = diagnostics.cle_territoire
            and fiche.code_indicateur = diagnostics.code_indicateur
            and fiche.cle_ventilation = diagnostics.cle_ventilation
    left join comparaisons
        on
            diagnostics.cle_territoire = comparaisons.cle_territoire
            and diagnostics.code_indicateur = comparaisons.code_indicateur
            and diagnostics.cle_ventilation = comparaisons.cle_ventilation
            and comparaisons.numero = 1
    left join contextes
        on
            diagnostics.cle_territoire is null
            and quartiers.cle_territoire_qpv = contextes.cle_territoire
            and fiche.code_indicateur = contextes.code_indicateur
            and fiche.code_comparateur = contextes.code_comparateur
            and contextes.numero = 1
    left join {{ ref('fct_disponibilite') }} as attente
        on
            diagnostics.cle_territoire is null
            and quartiers.cle_territoire_qpv = attente.cle_territoire
            and fiche.code_indicateur = attente.code_indicateur
            and attente.cle_periode is null
),

-- The neighbourhoods of the contract together: the last period that gives a sum, else the last one.
agregats as (
    select
        agregat.cle_territoire,
        agregat.generation,
        agregat.code_indicateur,
        agregat.cle_ventilation,
        agregat.cle_periode,
        agregat.debut,
        agregat.fin,
        agregat.valeur,
        agregat.borne_basse,
        agregat.code_statut,
        agregat.motif,
        agregat.reserve,
        agregat.cle_agregat,
        row_number() over (
            partition by agregat.cle_territoire, agregat.code_indicateur, agregat.cle_ventilation
            order by
                case when agregat.valeur is null then 2 else 1 end asc,
                agregat.ordre_periode desc,
                agregat.cle_agregat asc
        ) as numero
    from {{ ref('int_agregat_qpv') }} as agregat
    where agregat.type_territoire = 'contrat_ville' and agregat.est_retenu
),

-- Where nothing adds up, the spread of the neighbourhoods at the period that most of them share.
etendues as (
    select
        quartiers.cle_territoire,
        diagnostics.code_indicateur,
        diagnostics.cle_ventilation,
        diagnostics.cle_periode,
        min(diagnostics.libelle_periode) as libelle_periode,
        min(diagnostics.position_t0) as position_t0,
        min(diagnostics.valeur) as valeur_min,
        max(diagnostics.valeur) as valeur_max,
        count(diagnostics.valeur) as nb_connues,
        row_number() over (
            partition by quartiers.cle_territoire, diagnostics.code_indicateur, diagnostics.cle_ventilation
            order by count(diagnostics.valeur) desc, diagnostics.cle_periode desc
        ) as numero
    from quartiers
    inner join diagnostics on quartiers.cle_territoire_qpv = diagnostics.cle_territoire
    group by
        quartiers.cle_territoire,
        diagnostics.code_indicateur,
        diagnostics.cle_ventilation,
        diagnostics.cle_periode
),

zones_contexte as (
    select
        quartiers.cle_territoire,
        contextes.code_indicateur,
        max(contextes.motif) as motif,
        max(contextes.libelle_periode) as libelle_periode,
        count(distinct contextes.cle_territoire_zone) as nb_zones,
        min(contextes.valeur_zone) as valeur_min,
        max(contextes.valeur_zone) as valeur_max
    from quartiers
    inner join fiche on fiche.code_comparateur = 'zone_emploi'
    inner join contextes
        on
            quartiers.cle_territoire_qpv = contextes.cle_territoire
            and fiche.code_indicateur = contextes.code_indicateur
            and fiche.code_comparateur = contextes.code_comparateur
            and contextes.numero = 1
    group by quartiers.cle_territoire, contextes.code_indicateur
),

diagnostic_contrat as (
    select
        contrats.cle_territoire,
        contrats.generation,
        2 as bloc,
        'contrat' as niveau,
        fiche.code_indicateur || '|' || fiche.cle_ventilation as code_ligne,
        fiche.ordre,
        contrats.cle_territoire as cle_territoire_ligne,
        fiche.libelle,
        'chiffre' as type_ligne,
        case
            when agregats.valeur is not null then cast(null as varchar)
            when fiche.est_additif and agregats.borne_basse is not null
                then 'au moins ' || {{ valeur_avec_unite('agregats.borne_basse', 'fiche.unite') }}
            when fiche.est_additif then cast(null as varchar)
            when etendues.nb_connues > 1 and etendues.valeur_min < etendues.valeur_max
                then
                    'de ' || {{ valeur_avec_unite('etendues.valeur_min', 'fiche.unite') }} || ' à '
                    || {{ valeur_avec_unite('etendues.valeur_max', 'fiche.unite') }} || ' selon le quartier ('
                    || cast(etendues.nb_connues as varchar) || ' sur ' || cast(effectifs.nb_qpv as varchar) || ')'
            when etendues.nb_connues >= 1
                then
                    {{ valeur_avec_unite('etendues.valeur_min', 'fiche.unite') }} || ' ('
                    || cast(etendues.nb_connues as varchar) || ' quartier sur '
                    || cast(effectifs.nb_qpv as varchar) || ')'
        end as texte,
        agregats.valeur,
        fiche.unite,
        fiche.code_comparateur,
        case when zones_contexte.nb_zones = 1 then zones_contexte.valeur_min end as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        case
            when agregats.cle_territoire is not null then agregats.code_statut
            when zones_contexte.cle_territoire is not null then 'NC'
            else coalesce(attente.code_statut, 'ND')
        end as code_statut,
        case
            when agregats.cle_territoire is not null then agregats.motif
            when zones_contexte.cle_territoire is not null then zones_contexte.motif
            else coalesce(attente.motif, 'aucun fichier tenu ne donne cet indicateur pour ces quartiers')
        end as motif,
        case
            when zones_contexte.cle_territoire is not null and zones_contexte.nb_zones > 1
                then
                    'plusieurs zones : de ' || {{ valeur_avec_unite('zones_contexte.valeur_min', 'fiche.unite') }}
                    || ' à ' || {{ valeur_avec_unite('zones_contexte.valeur_max', 'fiche.unite') }}
            when zones_contexte.cle_territoire is not null then 'zone donnée comme contexte, sans écart'
            when agregats.cle_territoire is null then 'aucune valeur à comparer'
            when fiche.est_additif
                then
                    'un effectif ne se compare pas à celui d''un territoire d''une autre taille : il se lit '
                    || 'rapporté à une population'
            else 'indicateur non additif : la comparaison se lit quartier par quartier'
        end as motif_comparaison,
        agregats.reserve,
        coalesce(periode.libelle_periode, etendues.libelle_periode, zones_contexte.libelle_periode)
            as libelle_periode,
        case
            when agregats.valeur is not null
                then {{ position_t0('agregats.debut', 'agregats.fin', 'contrats.t0') }}
            else etendues.position_t0
        end as position_t0,
        fiche.code_indicateur,
        case when agregats.valeur is not null then agregats.cle_agregat end as cle_trace
    from contrats
    cross join fiche
    left join effectifs on contrats.cle_territoire = effectifs.cle_territoire
    left join agregats
        on
            contrats.cle_territoire = agregats.cle_territoire
            and fiche.code_indicateur = agregats.code_indicateur
            and fiche.cle_ventilation = agregats.cle_ventilation
            and agregats.numero = 1
    left join {{ ref('dim_periode') }} as periode
        on agregats.cle_periode = periode.cle_periode and agregats.valeur is not null
    left join etendues
        on
            contrats.cle_territoire = etendues.cle_territoire
            and fiche.code_indicateur = etendues.code_indicateur
            and fiche.cle_ventilation = etendues.cle_ventilation
            and etendues.numero = 1
            and not fiche.est_additif
    left join zones_contexte
        on
            contrats.cle_territoire = zones_contexte.cle_territoire
            and fiche.code_indicateur = zones_contexte.code_indicateur
    left join {{ ref('indicateur_attendu') }} as attente
        on fiche.code_indicateur = attente.code_indicateur and attente.niveau = 'qpv'
),

-- 3. Trajectory: the last period that compares, else the reason of the last one

evolutions as (
    select
        trajectoire.cle_territoire,
        trajectoire.generation,
        trajectoire.code_indicateur,
        trajectoire.cle_ventilation,
        trajectoire.code_comparateur,
        trajectoire.trajectoire,
        trajectoire.variation_zone,
        trajectoire.trajectoire_relative,
        trajectoire.libelle_periode_t0,
        trajectoire.libelle_periode_t,
        trajectoire.code_statut,
        trajectoire.motif_non_comparable,
        trajectoire.reserve,
        trajectoire.cle_trace,
        row_number() over (
            partition by
                trajectoire.cle_territoire, trajectoire.generation, trajectoire.code_indicateur,
                trajectoire.cle_ventilation, coalesce(trajectoire.code_comparateur, '')
            order by
                case when trajectoire.trajectoire is null then 2 else 1 end asc,
                coalesce(periode.fin, date '1900-01-01') desc,
                trajectoire.cle_trace asc
        ) as numero
    from {{ ref('mart_trajectoire') }} as trajectoire
    inner join {{ ref('dim_periode') }} as periode on trajectoire.cle_periode_t = periode.cle_periode
),

sujets as (
    select
        cle_territoire,
        generation,
        cle_territoire as cle_territoire_ligne,
        'contrat' as niveau
    from contrats
    union all
    select
        cle_territoire,
        generation,
        cle_territoire_qpv as cle_territoire_ligne,
        'qpv' as niveau
    from quartiers
),

trajectoires as (
    select
        sujets.cle_territoire,
        sujets.generation,
        3 as bloc,
        sujets.niveau,
        fiche.code_indicateur || '|' || fiche.cle_ventilation as code_ligne,
        fiche.ordre,
        sujets.cle_territoire_ligne,
        fiche.libelle || ' : évolution' as libelle,
        'chiffre' as type_ligne,
        cast(null as varchar) as texte,
        evolutions.trajectoire as valeur,
        {{ unite_ecart('fiche.unite') }} as unite,
        fiche.code_comparateur,
        relatives.variation_zone as valeur_comparateur,
        relatives.trajectoire_relative as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        coalesce(evolutions.code_statut, case when fiche.est_additif or sujets.niveau = 'qpv' then 'ND' else 'NA' end)
            as code_statut,
        case
            when evolutions.cle_trace is not null then evolutions.motif_non_comparable
            when sujets.niveau = 'contrat' and not fiche.est_additif
                then 'indicateur non additif : l''évolution se lit quartier par quartier'
            else 'deux mesures au moins sont nécessaires'
        end as motif,
        case
            when evolutions.trajectoire is null then 'aucune évolution à comparer'
            when relatives.cle_trace is not null then relatives.motif_non_comparable
            when fiche.est_additif
                then 'l''évolution d''un effectif ne se compare pas à celle d''un territoire d''une autre taille'
            else 'le comparateur ne publie pas cet indicateur'
        end as motif_comparaison,
        evolutions.reserve,
        case
            when evolutions.cle_trace is not null
                then evolutions.libelle_periode_t0 || ' → ' || evolutions.libelle_periode_t
        end as libelle_periode,
        cast(null as varchar) as position_t0,
        fiche.code_indicateur,
        evolutions.cle_trace
    from sujets
    cross join fiche
    left join evolutions
        on
            sujets.cle_territoire_ligne = evolutions.cle_territoire
            and sujets.generation = evolutions.generation
            and fiche.code_indicateur = evolutions.code_indicateur
            and fiche.cle_ventilation = evolutions.cle_ventilation
            and evolutions.code_comparateur is null
            and evolutions.numero = 1
    left join evolutions as relatives
        on
            sujets.cle_territoire_ligne = relatives.cle_territoire
            and sujets.generation = relatives.generation
            and fiche.code_indicateur = relatives.code_indicateur
            and fiche.cle_ventilation = relatives.cle_ventilation
            and fiche.code_comparateur = relatives.code_comparateur
            and evolutions.libelle_periode_t0 = relatives.libelle_periode_t0
            and evolutions.libelle_periode_t = relatives.libelle_periode_t
            and relatives.numero = 1
    where fiche.code_indicateur not in (select code_indicateur from {{ ref('indicateur_contexte') }})
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
                ciblage.fin desc,
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
        cast(null as varchar) as code_comparateur,
        ciblages.part_parite as valeur_comparateur,
        ciblages.part_qpv - ciblages.part_parite as ecart_points,
        ciblages.indice_ciblage as rapport,
        cast(null as varchar) as lecture,
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
            when ciblages.debut = ciblages.fin then cast(ciblages.fin as varchar)
            else cast(ciblages.debut as varchar) || ' → ' || coalesce(cast(ciblages.fin as varchar), 'en cours')
        end as libelle_periode,
        {{ position_t0('ciblages.debut', 'ciblages.fin', 'contrats.t0') }} as position_t0,
        cast(null as varchar) as code_indicateur,
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
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        moyens.code_statut,
        moyens.motif,
        'un montant se lit à côté de ceux des autres années, sans écart' as motif_comparaison,
        moyens.reserve,
        cast(moyens.annee as varchar) as libelle_periode,
        case
            when moyens.annee < extract(year from contrats.t0) then 'avant'
            else 'apres'
        end as position_t0,
        cast(null as varchar) as code_indicateur,
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
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
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
        'une présence inconnue n''est pas une absence' as reserve,
        cast(null as varchar) as libelle_periode,
        cast(null as varchar) as position_t0,
        cast(null as varchar) as code_indicateur,
        cast(null as varchar) as cle_trace
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
        cast(null as varchar) as texte,
        cast(null as double precision) as valeur,
        indicateur.unite,
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        disponibilite.code_statut,
        disponibilite.motif,
        'aucune valeur à comparer' as motif_comparaison,
        cast(null as varchar) as reserve,
        cast(null as varchar) as libelle_periode,
        cast(null as varchar) as position_t0,
        disponibilite.code_indicateur,
        cast(null as varchar) as cle_trace
    from contrats
    inner join {{ ref('fct_disponibilite') }} as disponibilite
        on contrats.cle_territoire = disponibilite.cle_territoire and not disponibilite.charge
    inner join {{ ref('dim_indicateur') }} as indicateur
        on
            disponibilite.code_indicateur = indicateur.code_indicateur
            and indicateur.famille in ('actions', 'gouvernance')
),

-- 8. Caveats, from the figures shown above and only from them

montrees as (
    {% for nom in ['diagnostic_qpv', 'diagnostic_contrat', 'trajectoires', 'moyens'] %}
    select
        cle_territoire,
        generation,
        bloc,
        valeur,
        ecart_points,
        code_statut,
        position_t0,
        reserve,
        code_indicateur
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

reserves_generees as (
    {% set reserves = [
        ('mobilite', 1, "bloc = 3 and valeur is not null", "Mobilité", "Les habitants changent : une évolution du quartier n''est pas celle des personnes qui y vivaient au départ."),
        ('perimetre', 2, "bloc = 2 and valeur is not null and generation = '2015'", "Périmètre", "Les chiffres portent sur les quartiers de 2015, en vigueur jusqu''au 31 décembre 2023."),
        ('fenetre', 3, "bloc = 2 and valeur is not null and position_t0 = 'a_cheval'", "Fenêtre de mesure", "Un chiffre au moins est mesuré à cheval sur le point de départ du contrat."),
        ('avant_t0', 4, "bloc = 2 and valeur is not null and position_t0 = 'avant'", "Avant le contrat", "Un chiffre au moins est antérieur au point de départ : il décrit la situation initiale."),
        ('periode', 5, "bloc = 2 and valeur is not null and position_t0 = 'inconnue'", "Période inconnue", "La période d''un chiffre au moins n''est pas documentée par le producteur."),
        ('bruit', 6, "code_statut = 'PERT' and valeur is not null", "Bruit de protection", "Un chiffre au moins est perturbé par clé aléatoire : il se lit avec son intervalle."),
        ('secret', 7, "code_statut = 'SECRET'", "Secret statistique", "Une valeur au moins est retenue : elle n''est ni nulle ni recalculable."),
        ('petit_effectif', 8, "reserve like '%petit effectif%'", "Petits effectifs", "Un taux au moins a un dénominateur inférieur à 100."),
        ('zone_avec_qpv', 9, "bloc = 2 and ecart_points is not null", "Comparateur", "Les zones de comparaison contiennent leurs quartiers prioritaires : l''écart avec le reste de la zone est plus grand."),
        ('subventions', 10, "bloc = 5 and valeur is not null", "Moyens", "Une ligne de subvention n''est pas un poste.")
    ] %}
    {% for code, ordre, condition, libelle, texte in reserves %}
    select distinct
        cle_territoire,
        generation,
        '{{ code }}' as code_ligne,
        {{ ordre }} as ordre,
        '{{ libelle }}' as libelle,
        '{{ texte }}' as texte
    from montrees
    where {{ condition }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

reserves as (
    select
        cle_territoire,
        generation,
        8 as bloc,
        'contrat' as niveau,
        code_ligne,
        ordre,
        cle_territoire as cle_territoire_ligne,
        libelle,
        'texte' as type_ligne,
        texte,
        cast(null as double precision) as valeur,
        cast(null as varchar) as unite,
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        'OK' as code_statut,
        cast(null as varchar) as motif,
        cast(null as varchar) as motif_comparaison,
        cast(null as varchar) as reserve,
        cast(null as varchar) as libelle_periode,
        cast(null as varchar) as position_t0,
        cast(null as varchar) as code_indicateur,
        cast(null as varchar) as cle_trace
    from reserves_generees
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
        cast(null as varchar) as texte,
        case
            when familles.cellules_attendues > 0
                then 100.0 * familles.cellules_connues / cast(familles.cellules_attendues as double precision)
        end as valeur,
        'pourcent' as unite,
        cast(null as varchar) as code_comparateur,
        cast(null as double precision) as valeur_comparateur,
        cast(null as double precision) as ecart_points,
        cast(null as double precision) as rapport,
        cast(null as varchar) as lecture,
        case when familles.cellules_attendues > 0 then 'OK' else 'NA' end as code_statut,
        case when familles.cellules_attendues > 0 then cast(null as varchar) else 'aucune cellule attendue' end
            as motif,
        'une part de cellules connues ne se compare pas' as motif_comparaison,
        cast(familles.cellules_connues as varchar) || ' cellules connues sur '
        || cast(familles.cellules_attendues as varchar)
        || coalesce(' ; première échéance usuelle ' || cast(familles.prochaine_date as varchar), '') as reserve,
        cast(null as varchar) as libelle_periode,
        cast(null as varchar) as position_t0,
        cast(null as varchar) as code_indicateur,
        cast(null as varchar) as cle_trace
    from familles
    inner join contrats on familles.cle_territoire = contrats.cle_territoire
),

lignes as (
    {% for nom in [
        'identite', 'diagnostic_contrat', 'diagnostic_qpv', 'trajectoires', 'droit_commun', 'moyens', 'couverture',
        'actions', 'reserves', 'disponibilites'
    ] %}
    select
        {{ colonnes | join(',\n        ') }}
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    'mart_fiche_contrat_ville|' || contrats.code_contrat || '|' || lignes.generation || '|'
    || cast(lignes.bloc as varchar) || '|' || lignes.code_ligne || '|' || lignes.cle_territoire_ligne as cle_ligne,
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
