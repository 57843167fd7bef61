{{ staging_cellules(source('bronze', 'insee__estimations_demographiques_qpv__quartiers')) }}
