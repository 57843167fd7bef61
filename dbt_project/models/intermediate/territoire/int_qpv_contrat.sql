-- No published table gives the contract of a QPV. A QPV 2015 has that of its EPCI, or of its commune when a
-- commune holds one. A QPV 2024 has, for each of its communes, the contract of the commune when it holds one,
-- else that of its EPCI: a commune that holds its own contract is not in that of its EPCI too.
with porteurs as (
    select
        code_contrat,
        generation,
        code_porteur,
        niveau_porteur
    from {{ ref('int_contrat_porteur') }}
),

par_commune as (
    select distinct
        qpv_commune.code_qpv,
        qpv_commune.generation,
        qpv_commune.code_commune,
        porteurs.code_contrat,
        'commune' as mode_rattachement
    from {{ ref('int_qpv_commune') }} as qpv_commune
    inner join porteurs
        on
            qpv_commune.code_commune = porteurs.code_porteur
            and porteurs.niveau_porteur = 'commune'
            and qpv_commune.generation = porteurs.generation
),

par_epci_2015 as (
    select
        qpv_epci.code_qpv,
        qpv_epci.generation,
        porteurs.code_contrat,
        'epci' as mode_rattachement
    from {{ ref('int_qpv_epci') }} as qpv_epci
    inner join porteurs
        on
            qpv_epci.siren_epci = porteurs.code_porteur
            and porteurs.niveau_porteur = 'epci'
            and qpv_epci.generation = porteurs.generation
    where qpv_epci.generation = '2015'
),

epci_courant as (
    select millesime from {{ ref('int_millesime_courant') }}
    where producteur = 'insee' and jeu = 'epci'
),

par_epci_2024 as (
    select distinct
        qpv_commune.code_qpv,
        qpv_commune.generation,
        porteurs.code_contrat,
        'epci' as mode_rattachement
    from {{ ref('int_qpv_commune') }} as qpv_commune
    inner join {{ ref('stg_insee__epci__composition') }} as composition
        on qpv_commune.code_commune = composition.code_commune
    inner join epci_courant on composition.millesime = epci_courant.millesime
    inner join porteurs
        on
            composition.siren_epci = porteurs.code_porteur
            and porteurs.niveau_porteur = 'epci'
            and qpv_commune.generation = porteurs.generation
    left join par_commune
        on
            qpv_commune.code_qpv = par_commune.code_qpv
            and qpv_commune.code_commune = par_commune.code_commune
            and qpv_commune.generation = par_commune.generation
    where qpv_commune.generation = '2024' and par_commune.code_qpv is null
),

rattachements as (
    {% for nom in ['par_commune', 'par_epci_2015', 'par_epci_2024'] %}
    select
        code_qpv,
        generation,
        code_contrat,
        mode_rattachement
    from {{ nom }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    code_qpv,
    generation,
    code_contrat,
    min(mode_rattachement) as mode_rattachement
from rattachements
group by code_qpv, generation, code_contrat
