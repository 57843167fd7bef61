{{ staging_cellules(source('bronze', 'insee__demographie_qpv')) }}
