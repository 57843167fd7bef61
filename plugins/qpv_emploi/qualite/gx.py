"""Great Expectations, and nothing else: the only module that imports it, on first use.

One ephemeral context serves the whole process: creating one per table would cost more than judging.
``Batch.validate`` is used and not a validation definition: it keeps no store, draws no random id and reads no
run time, so that the same data give the same findings.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from qpv_emploi.errors import SettingsError
from qpv_emploi.qualite.verdict import Severite

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Attendu:
    """One expectation, ready to run.

    Attributes:
        type: snake_case name (``expect_column_values_to_be_between``).
        arguments: its arguments, ``column`` included.
        severite: handed over to Great Expectations.
    """

    type: str
    arguments: Mapping[str, Any]
    severite: Severite


@dataclass(frozen=True)
class Constat:
    """What Great Expectations found.

    Attributes:
        reussi: the expectation holds.
        nb_ecarts: values or rows that break it.
        index: labels of these rows in the frame, in order; empty for an expectation on the whole table.
        observe: what was observed, for an expectation on the whole table.
        erreur: why it could not be computed, or ``''``.
    """

    reussi: bool
    nb_ecarts: int
    index: tuple[int, ...]
    observe: str
    erreur: str


@contextmanager
def _silence() -> Iterator[None]:
    # Its deprecations and its own warnings speak to its developers, not to the reader of a task log.
    journal = logging.getLogger("great_expectations")
    niveau = journal.level
    journal.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        journal.setLevel(niveau)


@cache
def _batch_definition() -> Any:
    # Read at import: no usage statistics leave the machine.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    contexte = gx.get_context(mode="ephemeral")
    contexte.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = contexte.data_sources.add_pandas("entrepot")
    return source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("entiere")


def build(attendu: Attendu, rang: int = 0) -> Any:
    """The expectation object of Great Expectations.

    Args:
        rang: written in its ``meta``, since results do not come back in order.

    Raises:
        SettingsError: unknown type, or arguments it does not take.
    """
    with _silence():
        _batch_definition()
        import great_expectations.expectations as gxe

        classe = getattr(gxe, "".join(mot.capitalize() for mot in attendu.type.split("_")), None)
        if classe is None:
            raise SettingsError(f"attente inconnue de Great Expectations : {attendu.type}")
        try:
            return classe(**attendu.arguments, severity=attendu.severite, meta={"rang": rang})
        # Its validators raise pydantic's, its own and bare errors: all mean a faulty suite.
        except Exception as erreur:
            raise SettingsError(f"{attendu.type} : arguments refusés : {_one_line(erreur)}") from erreur


def validate(donnees: pd.DataFrame, attendus: Sequence[Attendu]) -> list[Constat]:
    """Judge a frame against expectations, all in one validation.

    Args:
        donnees: n rows; its index labels (integers, unique) come back in the findings.
        attendus: k expectations on columns that the frame has.

    Returns:
        k findings, in the order of ``attendus``.

    Raises:
        SettingsError: an expectation is unknown or badly written.
    """
    if not attendus:
        return []
    objets = [build(attendu, rang) for rang, attendu in enumerate(attendus)]
    with _silence():
        from great_expectations import ExpectationSuite

        lot = _batch_definition().get_batch({"dataframe": donnees})
        rapport = lot.validate(
            ExpectationSuite(name="porte", expectations=objets), result_format={"result_format": "COMPLETE"}
        )
    par_rang = {resultat.expectation_config.meta["rang"]: resultat for resultat in rapport.results}
    return [_finding(par_rang[rang]) for rang in range(len(attendus))]


def _finding(resultat: Any) -> Constat:
    erreur = _exception(resultat.exception_info)
    details = resultat.result
    index = tuple(details.get("unexpected_index_list") or ())
    observe = details.get("observed_value")
    return Constat(
        reussi=bool(resultat.success) and not erreur,
        nb_ecarts=int(details.get("unexpected_count") or 0),
        index=index,
        observe="" if observe is None else str(observe),
        erreur=erreur,
    )


def _exception(info: Mapping[str, Any]) -> str:
    # Either one record, or one record per metric that failed.
    fiches = [info] if "raised_exception" in info else list(info.values())
    messages = [_one_line(f.get("exception_message")) for f in fiches if f.get("raised_exception")]
    return messages[0] if messages else ""


def _one_line(erreur: object) -> str:
    return " ".join(str(erreur).split())
