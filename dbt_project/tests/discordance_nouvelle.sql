-- The list of correspondence, the letters, the labels and the outlines do not agree on a QPV, and the table
-- of events does not know it yet: to read, to settle and to write there.
{{ config(severity='warn') }}
select
    discordance.nature,
    discordance.code_qpv_2015,
    discordance.code_qpv_2024,
    discordance.motif
from {{ ref('int_qpv_generation_discordance') }} as discordance
left join {{ ref('evenement_territoire') }} as evenement
    on
        evenement.type_evenement in ('correspondance_suspecte', 'fusion_qpv_presumee', 'qpv_sortant')
        and discordance.code_qpv_2015 = evenement.code_avant
        and (discordance.code_qpv_2024 is null or discordance.code_qpv_2024 = evenement.code_apres)
where evenement.code is null
