-- Figures quoted by documents: never observations, and never averaged nor corrected.
with faits as (
    select
        id as code_fait,
        indicateur as code_indicateur,
        valeur,
        valeur_brute,
        unite,
        qualificatif,
        territoire as territoire_cite,
        comparateur as code_comparateur,
        valeur_comparateur,
        periode as periode_citee,
        source_citee,
        document,
        section,
        groupe_contradiction,
        {{ correspond('document', '00[0-4]_[0-9a-f]+[.]txt') }} as est_document_source
    from {{ ref('fait_documentaire') }}
)

select
    faits.code_fait,
    faits.code_indicateur,
    faits.valeur,
    faits.valeur_brute,
    faits.unite,
    faits.qualificatif,
    case
        when faits.qualificatif = 'probable' then 'probable'
        when faits.qualificatif in ('calcule', 'compte') then 'recalcule'
        when faits.est_document_source then 'lu'
        else 'rapporte'
    end as confiance,
    faits.territoire_cite,
    cite.population as population_territoire,
    cite.type_territoire,
    cite.code_territoire,
    cite.generation,
    territoire.cle_territoire,
    faits.code_comparateur,
    faits.valeur_comparateur,
    faits.periode_citee,
    {{ debut_periode_citee('faits.periode_citee') }} as debut,
    {{ fin_periode_citee('faits.periode_citee') }} as fin,
    faits.source_citee,
    faits.document,
    faits.section,
    -- Two figures share a publication when the publication is one, not the document that quotes it.
    case
        when faits.est_document_source then coalesce(faits.source_citee, faits.document)
        else faits.document
    end as publication,
    faits.est_document_source,
    faits.groupe_contradiction
from faits
left join {{ ref('territoire_cite') }} as cite on faits.territoire_cite = cite.territoire_cite
left join {{ ref('int_territoire_code') }} as territoire
    on cite.type_territoire = territoire.type_territoire and cite.code_territoire = territoire.code_territoire
order by faits.code_fait
