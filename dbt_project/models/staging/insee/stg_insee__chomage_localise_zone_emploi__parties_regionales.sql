{{ staging_trimestres(
    source('bronze', 'insee__chomage_localise_zone_emploi__parties_regionales'),
    'partie_regionale_zone_emploi',
    '[0-9]{4}-T[1-4]'
) }}
