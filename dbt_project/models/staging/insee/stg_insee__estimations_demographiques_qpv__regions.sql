{{ staging_cellules_zone(
    source('bronze', 'insee__estimations_demographiques_qpv__regions'),
    'region',
    code="nullif(code_source, '')",
    libelle='code_zone'
) }}
