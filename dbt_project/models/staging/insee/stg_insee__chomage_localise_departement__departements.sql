{{ staging_trimestres(
    source('bronze', 'insee__chomage_localise_departement__departements'),
    'departement',
    'T[1-4]_[0-9]{4}',
    code_repare=true
) }}
