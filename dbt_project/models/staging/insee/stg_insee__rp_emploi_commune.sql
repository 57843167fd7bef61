{{ staging_cellules_zone(source('bronze', 'insee__rp_emploi_commune'), 'commune') }}
