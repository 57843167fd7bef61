{{ staging_cellules(source('bronze', 'insee__filosofi_qpv_2024')) }}
