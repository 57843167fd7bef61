{{ staging_cellules_zone(source('bronze', 'insee__filosofi__epci'), 'epci') }}
