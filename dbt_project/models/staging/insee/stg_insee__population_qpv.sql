{{ staging_cellules(source('bronze', 'insee__population_qpv')) }}
