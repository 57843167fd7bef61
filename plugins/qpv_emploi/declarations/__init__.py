"""Declarations of local partners: the form to fill, and what makes a filled form acceptable.

The form is the catalogue: sheets, headings, help and rules of each column are those of ``local.yml``
(``Column.saisie``). ``modele`` writes it, ``controle`` judges it, ``qpv_emploi.lecture.formulaire`` reads it.
The libraries of workbooks are imported by the first writing or reading.
"""

from qpv_emploi.declarations.anomalie import Anomaly, Report
from qpv_emploi.declarations.controle import capped, check_form, day_in_france, require_sound
from qpv_emploi.declarations.listes import Lists, closed_lists, territory_lists
from qpv_emploi.declarations.modele import Filling, write_folder, write_workbook
from qpv_emploi.declarations.preparation import Prepared, prepare

JEU = ("local", "declarations")

__all__ = [
    "JEU",
    "Anomaly",
    "Filling",
    "Lists",
    "Prepared",
    "Report",
    "capped",
    "check_form",
    "closed_lists",
    "day_in_france",
    "prepare",
    "require_sound",
    "territory_lists",
    "write_folder",
    "write_workbook",
]
