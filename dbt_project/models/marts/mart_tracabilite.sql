-- From a published figure to what it comes from: the cell of a file (dataset, vintage, hash, line, column),
-- the line of a counted or declared fact, or the place in a document.
-- Sums of neighbourhoods lead to each of them, and so do both ends of their trajectories.
with sommes as (
    select
        cle_agregat as cle_trace,
        'mart_agregat_qpv' as mart,
        '' as terme,
        methode_agregation || ' des quartiers' as formule,
        cle_agregat
    from {{ ref('mart_agregat_qpv') }}
    where est_retenu and valeur is not null
    {% for moment, cle in [('t0', 'cle_territoire_t0'), ('t', 'cle_territoire')] %}
    union all
    select
        trajectoire.cle_trace,
        'mart_trajectoire' as mart,
        'valeur_{{ moment }}, ' as terme,
        'trajectoire = valeur_t - valeur_t0, ' || agregat.methode_agregation || ' des quartiers' as formule,
        agregat.cle_agregat
    from {{ ref('mart_trajectoire') }} as trajectoire
    inner join {{ ref('mart_agregat_qpv') }} as agregat
        on
            trajectoire.{{ cle }} = agregat.cle_territoire
            and trajectoire.generation = agregat.generation
            and trajectoire.code_indicateur = agregat.code_indicateur
            and trajectoire.cle_ventilation = agregat.cle_ventilation
            and trajectoire.cle_periode_{{ moment }} = agregat.cle_periode
    where trajectoire.type_territoire <> 'qpv' and trajectoire.trajectoire is not null and agregat.est_retenu
    {% endfor %}
),

figures as (
    select
        cle_trace,
        'mart_diagnostic_qpv' as mart,
        'valeur' as role,
        'valeur publiée, reprise telle quelle' as formule,
        cle_observation
    from {{ ref('mart_diagnostic_qpv') }}
    union all
    select
        cle_trace,
        'mart_trajectoire' as mart,
        'valeur_t0' as role,
        'trajectoire = valeur_t - valeur_t0' as formule,
        cle_observation_t0 as cle_observation
    from {{ ref('mart_trajectoire') }}
    union all
    select
        cle_trace,
        'mart_trajectoire' as mart,
        'valeur_t' as role,
        'trajectoire = valeur_t - valeur_t0' as formule,
        cle_observation_t as cle_observation
    from {{ ref('mart_trajectoire') }}
    {% for moment in ['t0', 't'] %}
    union all
    select
        cle_trace,
        'mart_trajectoire' as mart,
        'valeur_zone_{{ moment }}' as role,
        'variation_zone = valeur_zone_t - valeur_zone_t0' as formule,
        cle_observation_zone_{{ moment }} as cle_observation
    from {{ ref('mart_trajectoire') }}
    where trajectoire_relative is not null
    {% endfor %}
    {% for terme in ['qpv', 'zone'] %}
    union all
    select
        cle_trace,
        'mart_ecart_zone' as mart,
        'valeur_{{ terme }}' as role,
        'ecart_points = valeur_qpv - valeur_zone ; rapport = valeur_qpv / valeur_zone' as formule,
        cle_observation_{{ terme }} as cle_observation
    from {{ ref('mart_ecart_zone') }}
    where portee = 'contexte' or ecart_points is not null
    {% endfor %}
    union all
    -- a sum of neighbourhoods leads to each of them
    select
        sommes.cle_trace,
        sommes.mart,
        sommes.terme || 'quartier ' || observation.cle_territoire as role,
        sommes.formule,
        observation.cle_observation
    from sommes
    inner join {{ ref('mart_agregat_qpv') }} as agregat on sommes.cle_agregat = agregat.cle_agregat
    inner join {{ ref('int_agregat_membre') }} as membre
        on
            agregat.cle_territoire = membre.cle_territoire
            and agregat.generation = membre.generation
    inner join {{ ref('int_observation_datee') }} as observation
        on
            membre.cle_territoire_qpv = observation.cle_territoire
            and agregat.code_indicateur = observation.code_indicateur
            and agregat.cle_ventilation = observation.cle_ventilation
            and agregat.cle_periode = observation.cle_periode
            and agregat.cle_jeu_source = observation.cle_jeu_source
),

observees as (
    select
        figures.cle_trace,
        figures.mart,
        figures.role,
        figures.formule,
        'fichier' as nature_source,
        figures.cle_observation,
        figures.cle_observation as cle_enregistrement,
        observation.cle_jeu_source,
        observation.publie_le,
        observation.fichier,
        observation.empreinte_sha256,
        observation.ligne_source,
        observation.colonne_source,
        observation.colonne_numero,
        observation.valeur_texte_source,
        observation.valeur,
        observation.code_statut,
        cast(null as varchar) as section
    from figures
    inner join {{ ref('fct_observation') }} as observation
        on figures.cle_observation = observation.cle_observation
),

-- From a neighbourhood to the wider territories that its figures are summed for
appartenances as (
    select
        cle_territoire as cle_territoire_source,
        cle_territoire
    from {{ ref('dim_territoire') }}
    union all
    select
        cle_territoire_qpv as cle_territoire_source,
        cle_territoire_contrat as cle_territoire
    from {{ ref('pont_qpv_contrat') }}
    {% for niveau in ['departement', 'region'] %}
    union all
    select
        qpv.cle_territoire as cle_territoire_source,
        territoire.cle_territoire
    from {{ ref('dim_qpv') }} as qpv
    inner join {{ ref('dim_territoire') }} as territoire
        on
            territoire.type_territoire = '{{ niveau }}'
            and territoire.est_courant
            and qpv.code_{{ niveau }} = territoire.code_territoire
    {% endfor %}
),

-- the count of each key that the sums keep (fct_beneficiaires_territoire)
comptes as (
    select
        cle_beneficiaires,
        code_dispositif,
        cle_territoire,
        cle_periode,
        type_periode,
        debut,
        fin,
        population,
        type_flux,
        regle_localisation,
        perimetre,
        organisme,
        nombre,
        code_statut,
        cle_observation,
        cle_jeu_source,
        publie_le,
        fichier,
        empreinte_sha256,
        ligne_source,
        row_number() over (
            partition by
                code_dispositif, cle_territoire, cle_periode, population, type_flux, regle_localisation,
                perimetre
            order by
                case when nombre is null then 2 else 1 end asc,
                saisi_le desc nulls last,
                cle_jeu_source desc nulls last,
                cle_beneficiaires asc
        ) as numero
    from {{ ref('fct_beneficiaires') }}
    where
        cle_ventilation not like '%SEXE=%'
        and cle_ventilation not like '%AGE=%'
        and motif_sortie is null
        and {{ connue_le('connu_du', 'connu_au') }}
),

ciblages as (
    select
        ciblage.cle_ligne,
        comptes.population,
        comptes.cle_beneficiaires
    from {{ ref('mart_ciblage_droit_commun') }} as ciblage
    inner join appartenances on ciblage.cle_territoire = appartenances.cle_territoire
    inner join comptes
        on
            appartenances.cle_territoire_source = comptes.cle_territoire
            and ciblage.code_dispositif = comptes.code_dispositif
            and ciblage.type_flux = comptes.type_flux
            and ciblage.regle_localisation = comptes.regle_localisation
            and ciblage.perimetre = comptes.perimetre
            and ciblage.cle_periode = comptes.cle_periode
            and comptes.numero = 1
    where
        ciblage.origine in ('fichier', 'declare')
        -- a sum adds residents of neighbourhoods that a file counts
        and (
            comptes.cle_territoire = ciblage.cle_territoire
            or (comptes.population = 'qpv' and comptes.organisme is null)
        )
    union all
    -- a national year of flow is the sum of its months
    select
        ciblage.cle_ligne,
        comptes.population,
        comptes.cle_beneficiaires
    from {{ ref('mart_ciblage_droit_commun') }} as ciblage
    inner join comptes
        on
            ciblage.cle_territoire = comptes.cle_territoire
            and ciblage.code_dispositif = comptes.code_dispositif
            and ciblage.type_flux = comptes.type_flux
            and ciblage.regle_localisation = comptes.regle_localisation
            and ciblage.perimetre = comptes.perimetre
            and comptes.type_periode = 'MOIS'
            and ciblage.debut <= comptes.debut
            and ciblage.fin >= comptes.fin
            and comptes.numero = 1
    where ciblage.origine = 'fichier' and ciblage.cle_periode like 'ANNEE:%'
),

comptees as (
    select distinct
        cle_ligne as cle_trace,
        'mart_ciblage_droit_commun' as mart,
        'beneficiaires ' || population || ' ' || cle_beneficiaires as role,
        'part_qpv = 100 × beneficiaires_qpv / beneficiaires_total' as formule,
        cle_beneficiaires
    from ciblages
    union all
    select
        couverture.cle_ligne as cle_trace,
        'mart_couverture_dispositif' as mart,
        'beneficiaires ' || comptes.cle_beneficiaires as role,
        'présent : des bénéficiaires y sont comptés' as formule,
        comptes.cle_beneficiaires
    from {{ ref('mart_couverture_dispositif') }} as couverture
    inner join comptes
        on
            couverture.code_dispositif = comptes.code_dispositif
            and couverture.cle_territoire = comptes.cle_territoire
            and couverture.debut = comptes.debut
            and couverture.fin = comptes.fin
            and comptes.population = 'qpv'
            and comptes.numero = 1
    where couverture.origine = 'declare'
),

-- subsidy lines
lignes as (
    select
        moyens.cle_ligne as cle_trace,
        'mart_moyens_specifiques' as mart,
        'ligne ' || ligne.cle_moyen as role,
        ligne.cle_moyen,
        'montant = somme des lignes de subvention' as formule
    from {{ ref('mart_moyens_specifiques') }} as moyens
    inner join {{ ref('fct_moyens') }} as ligne
        on
            moyens.type_moyen = ligne.type_moyen
            and moyens.annee = ligne.annee
            and (
                moyens.cle_territoire = ligne.cle_territoire_contrat
                or (
                    moyens.type_territoire = 'departement'
                    and moyens.code_territoire = ligne.code_departement
                )
                or (moyens.type_territoire = 'region' and moyens.code_territoire = ligne.code_region)
            )
    where moyens.montant is not null
    union all
    select
        couverture.cle_ligne as cle_trace,
        'mart_couverture_dispositif' as mart,
        'ligne ' || ligne.cle_moyen as role,
        ligne.cle_moyen,
        'présent : le contrat, d''un seul quartier, a une ligne de subvention' as formule
    from {{ ref('mart_couverture_dispositif') }} as couverture
    inner join {{ ref('pont_qpv_contrat') }} as lien on couverture.cle_territoire = lien.cle_territoire_qpv
    inner join {{ ref('fct_moyens') }} as ligne
        on
            couverture.code_dispositif = ligne.code_dispositif
            and lien.cle_territoire_contrat = ligne.cle_territoire_contrat
            and couverture.debut = {{ date_de('ligne.annee', 1, 1) }}
            and couverture.fin = {{ date_de('ligne.annee', 12, 31) }}
    where couverture.present and couverture.origine = 'deduit'
),

saisies as (
    select
        coalesce(fiche.cle_trace, fiche.cle_ligne) as cle_trace,
        'mart_fiche_contrat_ville' as mart,
        'saisie ' || saisie.cle_saisie as role,
        'fait déclaré, repris tel quel ou compté' as formule,
        saisie.cle_saisie
    from {{ ref('mart_fiche_contrat_ville') }} as fiche
    inner join {{ ref('fct_saisie_locale') }} as saisie
        on
            fiche.cle_trace = saisie.cle_saisie
            or (
                fiche.code_ligne = 'GOUV.TX_RENSEIGNEMENT.DECLARATIF.ACTIONS'
                and fiche.cle_territoire = saisie.cle_territoire_contrat
                and saisie.rubrique = 'action'
                and {{ connue_le('saisie.connu_du', 'saisie.connu_au') }}
            )
    where fiche.bloc = 7
),

-- figures and targets that documents state
citations as (
    {% for mart, cle, role, code in [
        ('mart_ciblage_droit_commun', 'cle_ligne', 'fait', 'code_fait'),
        ('mart_suivi_cibles', 'cle_ligne', 'valeur_observee', 'code_fait'),
        ('mart_suivi_cibles', 'cle_ligne', 'valeur_base', 'code_fait_base'),
        ('mart_objectif_national', 'cle_ligne', 'fait_t0', 'code_fait_t0'),
        ('mart_objectif_national', 'cle_ligne', 'fait_t', 'code_fait_t'),
        ('mart_moyens_specifiques', 'cle_ligne', 'fait', 'code_fait'),
        ('mart_contradictions', 'cle_contradiction', 'ligne', 'code_ligne'),
        ('mart_contradictions', 'cle_contradiction', 'recalcul', 'code_fait_recalcul')
    ] %}
    select
        {{ cle }} as cle_trace,
        '{{ mart }}' as mart,
        '{{ role }}' as role,
        {{ code }}{% if code != 'code_fait' %} as code_fait{% endif %}
    from {{ ref(mart) }}
    where {{ code }} is not null
    union all
    {% endfor %}
    {% for mart in ['mart_ciblage_droit_commun', 'mart_suivi_cibles'] %}
    {% for role, code in [('parite', 'code_fait'), ('parite_denominateur', 'code_fait_denominateur')] %}
    select
        suivi.cle_ligne as cle_trace,
        '{{ mart }}' as mart,
        '{{ role }}' as role,
        parite.{{ code }}{% if code != 'code_fait' %} as code_fait{% endif %}
    from {{ ref(mart) }} as suivi
    inner join {{ ref('dim_part_parite') }} as parite on suivi.code_parite = parite.code_parite
    where parite.{{ code }} is not null
    union all
    {% endfor %}
    select
        cle_ligne as cle_trace,
        '{{ mart }}' as mart,
        'cible' as role,
        code_cible as code_fait
    from {{ ref(mart) }}
    where code_cible is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

documents as (
    select
        code_fait,
        'fait_documentaire' as jeu,
        publication,
        document,
        section,
        valeur,
        valeur_brute
    from {{ ref('fct_fait_documentaire') }}
    union all
    select
        code_cible as code_fait,
        'cible' as jeu,
        texte_fixant as publication,
        document,
        section,
        valeur_cible as valeur,
        cast(null as varchar) as valeur_brute
    from {{ ref('fct_cible') }}
),

enregistrees as (
    {% for figure, fait, cle, observation, valeur in [
        ('comptees', 'fct_beneficiaires', 'cle_beneficiaires', 'fait.cle_observation', 'fait.nombre as valeur'),
        ('lignes', 'fct_moyens', 'cle_moyen', 'cast(null as varchar) as cle_observation', 'fait.montant as valeur'),
        ('saisies', 'fct_saisie_locale', 'cle_saisie', 'cast(null as varchar) as cle_observation', 'fait.valeur')
    ] %}
    select
        figure.cle_trace,
        figure.mart,
        figure.role,
        figure.formule,
        'fichier' as nature_source,
        {{ observation }},
        fait.{{ cle }} as cle_enregistrement,
        fait.cle_jeu_source,
        fait.publie_le,
        fait.fichier,
        fait.empreinte_sha256,
        fait.ligne_source,
        cast(null as varchar) as colonne_source,
        cast(null as integer) as colonne_numero,
        cast(null as varchar) as valeur_texte_source,
        {{ valeur }},
        fait.code_statut,
        cast(null as varchar) as section
    from {{ figure }} as figure
    inner join {{ ref(fait) }} as fait on figure.{{ cle }} = fait.{{ cle }}
    union all
    {% endfor %}
    select
        citations.cle_trace,
        citations.mart,
        citations.role,
        'chiffre d''un document, repris tel quel' as formule,
        'document' as nature_source,
        cast(null as varchar) as cle_observation,
        citations.code_fait as cle_enregistrement,
        cast(null as varchar) as cle_jeu_source,
        cast(null as date) as publie_le,
        documents.document as fichier,
        cast(null as varchar) as empreinte_sha256,
        cast(null as integer) as ligne_source,
        cast(null as varchar) as colonne_source,
        cast(null as integer) as colonne_numero,
        documents.valeur_brute as valeur_texte_source,
        documents.valeur,
        case when documents.valeur is null then 'ND' else 'OK' end as code_statut,
        documents.section
    from citations
    inner join documents on citations.code_fait = documents.code_fait
    union all
    -- a scheme that a text opens everywhere
    select
        cle_ligne as cle_trace,
        'mart_couverture_dispositif' as mart,
        'texte' as role,
        'présent : un texte ouvre le dispositif sur ce territoire' as formule,
        'document' as nature_source,
        cast(null as varchar) as cle_observation,
        cle_ligne as cle_enregistrement,
        cast(null as varchar) as cle_jeu_source,
        cast(null as date) as publie_le,
        source as fichier,
        cast(null as varchar) as empreinte_sha256,
        cast(null as integer) as ligne_source,
        cast(null as varchar) as colonne_source,
        cast(null as integer) as colonne_numero,
        cast(null as varchar) as valeur_texte_source,
        cast(null as double precision) as valeur,
        code_statut,
        reserve as section
    from {{ ref('mart_couverture_dispositif') }}
    where present and origine = 'deduit' and nb_lignes_contrat is null
),

reunion as (
    {% for nom in ['observees', 'enregistrees'] %}
    select
        cle_trace,
        mart,
        role,
        formule,
        nature_source,
        cle_observation,
        cle_enregistrement,
        cle_jeu_source,
        publie_le,
        fichier,
        empreinte_sha256,
        ligne_source,
        colonne_source,
        colonne_numero,
        valeur_texte_source,
        valeur,
        code_statut,
        section
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

release as (
    select coalesce(max(case when est_fictif then 1 else 0 end), 0) = 1 as est_fictif
    from {{ ref('dim_territoire') }}
)

select
    reunion.cle_trace,
    reunion.mart,
    reunion.role,
    reunion.formule,
    reunion.nature_source,
    reunion.cle_observation,
    reunion.cle_enregistrement,
    coalesce(jeu_source.producteur, 'document') as producteur,
    coalesce(jeu_source.jeu, documents.jeu, 'ouverture_dispositif') as jeu,
    coalesce(jeu_source.millesime, documents.publication, 'non datée') as millesime,
    jeu_source.titre,
    reunion.publie_le,
    jeu_source.recupere_le,
    reunion.fichier,
    reunion.section,
    reunion.empreinte_sha256,
    cast(reunion.ligne_source as integer) as ligne_source,
    reunion.colonne_source,
    reunion.colonne_numero,
    reunion.valeur_texte_source,
    cast(reunion.valeur as double precision) as valeur,
    reunion.code_statut,
    correction.code_correction,
    correction.valeur_publiee,
    coalesce(jeu_source.est_fictif, release.est_fictif) as est_fictif
from reunion
left join {{ ref('dim_jeu_source') }} as jeu_source on reunion.cle_jeu_source = jeu_source.cle_jeu_source
left join documents
    on reunion.nature_source = 'document' and reunion.cle_enregistrement = documents.code_fait
left join {{ ref('dim_correction') }} as correction
    on
        reunion.cle_jeu_source = correction.cle_jeu_source
        and reunion.empreinte_sha256 = correction.empreinte_sha256
        and reunion.ligne_source = correction.ligne_source
        and reunion.colonne_source = correction.colonne_source
cross join release
order by reunion.cle_trace, reunion.role
