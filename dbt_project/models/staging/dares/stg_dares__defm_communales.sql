select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(code_commune), '') as code_commune,
    nullif(trim(commune), '') as libelle_commune,
    nullif(trim(code_departement), '') as code_departement,
    nullif(trim(code_region), '') as code_region,
    nullif(trim(nombre_de_demandeurs_d_emploi), '') as valeur_texte,
    nombre_de_demandeurs_d_emploi__valeur as nb_demandeurs_emploi,
    p23_pop__valeur as population_2023,
    upper(trim(code_commune)) like 'TOTAL%' as est_total,
    {{ correspond('trim(code_commune)', '751(0[1-9]|1[0-9]|20)|6938[1-9]|132(0[1-9]|1[0-6])') }}
        as est_arrondissement
from {{ source('bronze', 'dares__defm_communales') }}
