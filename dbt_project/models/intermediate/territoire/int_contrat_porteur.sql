-- The holder of each contract: an EPCI by its SIREN of the time, or a commune.
select distinct
    contrat.code_contrat,
    contrat.millesime as generation,
    contrat.code_porteur,
    case
        when {{ correspond('contrat.code_porteur', '[0-9]{9}') }} then 'epci'
        else 'commune'
    end as niveau_porteur
from {{ ref('stg_sig_ville__contrats_ville') }} as contrat
inner join {{ ref('int_contrat_ville') }} as retenu
    on contrat.code_contrat = retenu.code_contrat and contrat.millesime = retenu.generation
