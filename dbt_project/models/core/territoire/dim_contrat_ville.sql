-- The SIREN of the signature and the one to look up today: a successor is given when it is the only one.
with successions as (
    select
        siren_avant,
        min(siren_apres) as siren_apres
    from {{ ref('int_epci_succession') }}
    group by siren_avant
    having count(distinct siren_apres) = 1
),

epci_courant as (
    select siren_epci
    from {{ ref('int_epci') }}
    where est_courant
)

select
    territoire.cle_territoire,
    contrat.code_contrat,
    contrat.generation,
    contrat.libelle_contrat,
    case when contrat.nb_porteurs = 1 then porteur.niveau_porteur else 'plusieurs' end as niveau_porteur,
    case when porteur.niveau_porteur = 'epci' then contrat.code_porteur end as siren_signature,
    case
        when porteur.niveau_porteur = 'epci' then coalesce(epci_courant.siren_epci, successions.siren_apres)
    end as siren_courant,
    case when porteur.niveau_porteur = 'commune' then contrat.code_porteur end as code_commune_porteur,
    contrat.code_departement,
    contrat.code_region,
    generation_contrat.t0,
    generation_contrat.fin_initiale,
    generation_contrat.fin_prolongee,
    contrat.longitude,
    contrat.latitude,
    territoire.est_fictif
from {{ ref('int_contrat_ville') }} as contrat
inner join {{ ref('dim_territoire') }} as territoire on contrat.cle_territoire = territoire.cle_territoire
left join {{ ref('int_contrat_porteur') }} as porteur
    on
        contrat.code_contrat = porteur.code_contrat
        and contrat.generation = porteur.generation
        and contrat.code_porteur = porteur.code_porteur
left join epci_courant on contrat.code_porteur = epci_courant.siren_epci
left join successions on contrat.code_porteur = successions.siren_avant
left join {{ ref('generation_contrat') }} as generation_contrat
    on contrat.generation = cast(generation_contrat.generation as varchar)
order by contrat.code_contrat, contrat.generation
