{{ staging_cellules(source('bronze', 'insee__defm_qpv_2024')) }}
