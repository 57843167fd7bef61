-- What a partner declares of a contract: follow-up of an action, finding on governance, social clauses. A
-- line that could not be filled stays, with its reason. The beneficiaries are in fct_beneficiaires.
with actions as (
    select
        'action' as rubrique,
        code_contrat,
        code_qpv,
        famille,
        cast(null as varchar) as theme_gouvernance,
        cast(null as varchar) as question,
        cast(null as varchar) as code_question,
        enjeu,
        objectif,
        action,
        libelle_indicateur as indicateur_declare,
        cast(null as varchar) as operation,
        code_dispositif,
        cast(null as varchar) as population,
        cast(null as varchar) as mesure,
        cast(null as varchar) as sexe,
        cast(null as varchar) as duree_contrat,
        cast(null as varchar) as qualification,
        periode,
        cast(valeur as double precision) as valeur,
        cast(valeur_cible as double precision) as valeur_cible,
        unite,
        cast(null as varchar) as constat,
        cast(null as date) as constat_le,
        code_statut,
        motif,
        suite_proposee,
        cast(null as varchar) as piece,
        source_citee,
        remarque,
        producteur,
        jeu,
        millesime,
        auteur,
        organisme,
        saisi_le,
        fichier,
        empreinte_sha256,
        ligne_source
    from {{ ref('stg_local__declarations__actions') }}
),

gouvernance as (
    select
        'gouvernance' as rubrique,
        code_contrat,
        cast(null as varchar) as code_qpv,
        'gouvernance' as famille,
        theme as theme_gouvernance,
        question,
        code_question,
        cast(null as varchar) as enjeu,
        cast(null as varchar) as objectif,
        cast(null as varchar) as action,
        cast(null as varchar) as indicateur_declare,
        cast(null as varchar) as operation,
        cast(null as varchar) as code_dispositif,
        cast(null as varchar) as population,
        cast(null as varchar) as mesure,
        cast(null as varchar) as sexe,
        cast(null as varchar) as duree_contrat,
        cast(null as varchar) as qualification,
        cast(null as varchar) as periode,
        cast(null as double precision) as valeur,
        cast(null as double precision) as valeur_cible,
        cast(null as varchar) as unite,
        constat,
        constat_le,
        code_statut,
        motif,
        cast(null as varchar) as suite_proposee,
        piece,
        cast(null as varchar) as source_citee,
        remarque,
        producteur,
        jeu,
        millesime,
        auteur,
        organisme,
        saisi_le,
        fichier,
        empreinte_sha256,
        ligne_source
    from {{ ref('stg_local__declarations__gouvernance') }}
),

clauses as (
    select
        'clause' as rubrique,
        code_contrat,
        code_qpv,
        'droit_commun' as famille,
        cast(null as varchar) as theme_gouvernance,
        cast(null as varchar) as question,
        cast(null as varchar) as code_question,
        cast(null as varchar) as enjeu,
        cast(null as varchar) as objectif,
        cast(null as varchar) as action,
        cast(null as varchar) as indicateur_declare,
        operation,
        'CLAUSES' as code_dispositif,
        population,
        mesure,
        sexe,
        duree_contrat,
        qualification,
        periode,
        cast(nombre as double precision) as valeur,
        cast(null as double precision) as valeur_cible,
        case mesure when 'heures' then 'heures' else 'personnes' end as unite,
        cast(null as varchar) as constat,
        cast(null as date) as constat_le,
        code_statut,
        motif,
        cast(null as varchar) as suite_proposee,
        cast(null as varchar) as piece,
        source_citee,
        remarque,
        producteur,
        jeu,
        millesime,
        auteur,
        organisme,
        saisi_le,
        fichier,
        empreinte_sha256,
        ligne_source
    from {{ ref('stg_local__declarations__clauses') }}
),

reunion as (
    {% for nom in ['actions', 'gouvernance', 'clauses'] -%}
    select
        rubrique,
        code_contrat,
        code_qpv,
        famille,
        theme_gouvernance,
        question,
        code_question,
        enjeu,
        objectif,
        action,
        indicateur_declare,
        operation,
        code_dispositif,
        population,
        mesure,
        sexe,
        duree_contrat,
        qualification,
        periode,
        valeur,
        valeur_cible,
        unite,
        constat,
        constat_le,
        code_statut,
        motif,
        suite_proposee,
        piece,
        source_citee,
        remarque,
        producteur,
        jeu,
        millesime,
        auteur,
        organisme,
        saisi_le,
        fichier,
        empreinte_sha256,
        ligne_source
    from {{ nom }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
),

contrats as (
    -- overseas, a code of 2015 may serve again in 2024: the contract in force is meant
    select
        cle_territoire,
        code_contrat,
        generation,
        row_number() over (partition by code_contrat order by generation desc nulls last) as numero
    from {{ ref('dim_contrat_ville') }}
)

select
    'saisie:' || reunion.rubrique || ':' || jeu_source.cle_jeu_source || ':' || reunion.fichier || ':'
    || cast(reunion.ligne_source as varchar) as cle_saisie,
    reunion.rubrique,
    contrat.cle_territoire as cle_territoire_contrat,
    coalesce(qpv.cle_territoire, contrat.cle_territoire) as cle_territoire,
    contrat.code_contrat,
    contrat.generation,
    reunion.code_qpv,
    reunion.famille,
    reunion.theme_gouvernance,
    reunion.question,
    reunion.code_question,
    reunion.enjeu,
    reunion.objectif,
    reunion.action,
    reunion.indicateur_declare,
    reunion.operation,
    reunion.code_dispositif,
    reunion.population,
    reunion.mesure,
    reunion.sexe,
    reunion.duree_contrat,
    reunion.qualification,
    reunion.periode,
    {{ debut_periode_citee('reunion.periode') }} as debut,
    {{ fin_periode_citee('reunion.periode') }} as fin,
    reunion.valeur,
    reunion.valeur_cible,
    reunion.unite,
    reunion.constat,
    reunion.constat_le,
    case
        when reunion.valeur is null and reunion.constat is null then coalesce(reunion.code_statut, 'ND')
        else 'OK'
    end as code_statut,
    case
        when reunion.valeur is null and reunion.constat is null
            then coalesce(reunion.motif, 'case vide de la déclaration')
    end as motif,
    reunion.suite_proposee,
    reunion.piece,
    reunion.source_citee,
    reunion.remarque,
    reunion.auteur,
    reunion.organisme,
    reunion.saisi_le,
    jeu_source.cle_jeu_source,
    reunion.saisi_le as publie_le,
    reunion.fichier,
    reunion.empreinte_sha256,
    cast(reunion.ligne_source as integer) as ligne_source,
    jeu_source.recupere_le as connu_du,
    lead(jeu_source.recupere_le) over (
        partition by
            reunion.organisme, reunion.rubrique, reunion.code_contrat, reunion.code_qpv,
            reunion.famille, reunion.theme_gouvernance, reunion.question, reunion.enjeu,
            reunion.objectif, reunion.action, reunion.indicateur_declare, reunion.operation,
            reunion.population, reunion.mesure, reunion.sexe, reunion.duree_contrat,
            reunion.qualification, reunion.periode
        order by reunion.millesime, reunion.fichier, reunion.ligne_source
    ) as connu_au
from reunion
inner join {{ ref('dim_jeu_source') }} as jeu_source
    on reunion.producteur || ':' || reunion.jeu || ':' || reunion.millesime = jeu_source.cle_jeu_source
inner join contrats as contrat on reunion.code_contrat = contrat.code_contrat and contrat.numero = 1
left join {{ ref('dim_qpv') }} as qpv on reunion.code_qpv = qpv.code_qpv
order by cle_saisie
