select
    producteur,
    jeu,
    millesime,
    fichier,
    empreinte_sha256,
    ligne as ligne_source,
    nullif(trim(id_poste), '') as id_poste,
    nullif(trim(code_tiers), '') as siret,
    nullif(trim(raison_sociale), '') as raison_sociale,
    cast(annee__valeur as integer) as annee,
    montant__valeur as montant_euros,
    nullif(trim(code_cv), '') as code_contrat_source,
    nullif(trim(insee_dep), '') as code_departement,
    nullif(trim(insee_reg), '') as code_region,
    row_number() over (
        partition by
            producteur, jeu, millesime, empreinte_sha256, id_poste, code_tiers,
            raison_sociale, annee, montant, code_cv, insee_dep, insee_reg
        order by ligne
    ) > 1 as est_doublon_exact
from {{ source('bronze', 'sig_ville__adultes_relais') }}
