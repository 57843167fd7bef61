{{ staging_cellules(source('bronze', 'insee__revenus_qpv')) }}
