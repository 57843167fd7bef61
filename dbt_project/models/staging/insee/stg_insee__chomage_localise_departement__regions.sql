{{ staging_trimestres(
    source('bronze', 'insee__chomage_localise_departement__regions'),
    'region',
    'T[1-4]_[0-9]{4}',
    code='code_source',
    libelle='code_zone',
    code_repare=true
) }}
