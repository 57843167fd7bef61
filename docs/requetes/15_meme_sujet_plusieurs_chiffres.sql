-- Question : où les documents se contredisent-ils, et sur quoi exactement ?
-- Grain : groupe de contradiction × fait ou cible cité.
-- Clé : code_groupe, nature_ligne, code_ligne
-- Réserve : deux chiffres différents ne sont pas forcément deux erreurs : population, période, comparateur ou
-- publication diffèrent (ce_qui_differe).
select
    code_groupe,
    sujet,
    nature_ligne,
    code_ligne,
    valeur_brute,
    valeur,
    unite,
    territoire_cite,
    code_comparateur,
    periode_citee,
    document,
    publication,
    ce_qui_differe
from mart_contradictions
order by code_groupe, nature_ligne, code_ligne
