{{ staging_cellules(source('bronze', 'insee__cnaf_qpv_2024')) }}
