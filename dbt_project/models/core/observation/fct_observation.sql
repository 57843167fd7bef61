select
    observation.cle_observation,
    observation.code_indicateur,
    observation.cle_territoire,
    observation.cle_periode,
    observation.cle_ventilation,
    observation.cle_jeu_source,
    observation.code_variable,
    observation.valeur,
    observation.unite,
    observation.code_statut,
    observation.motif,
    observation.signe_source,
    observation.note_source,
    observation.evidence_periode,
    observation.fichier,
    observation.empreinte_sha256,
    observation.ligne_source,
    observation.colonne_source,
    observation.colonne_numero,
    observation.valeur_texte_source,
    jeu_source.recupere_le as connu_du
from {{ ref('int_observation') }} as observation
inner join {{ ref('dim_jeu_source') }} as jeu_source
    on observation.cle_jeu_source = jeu_source.cle_jeu_source
order by
    observation.code_indicateur, observation.cle_territoire, observation.cle_periode,
    observation.cle_ventilation, observation.cle_jeu_source
