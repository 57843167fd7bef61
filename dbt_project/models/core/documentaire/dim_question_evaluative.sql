select
    code as code_question,
    libelle as libelle_question,
    question,
    famille,
    reponse_attendue,
    tables,
    document as documents,
    section
from {{ ref('question_evaluative') }}
order by code
