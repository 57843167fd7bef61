{{ staging_cellules(source('bronze', 'insee__insertion_professionnelle')) }}
