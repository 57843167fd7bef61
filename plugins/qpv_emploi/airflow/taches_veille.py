"""What the tasks of the watch do: late sources, news, integrity, retention.

The functions are those of ``qpv veille``; here their answers become lines of a log, values for later tasks
(XCom) and, for damage only, a failure.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from qpv_emploi.airflow.assets import DEPOSITS_CHANGED, deposit_asset, producers
from qpv_emploi.airflow.taches import PARIS, no_second_try, one_line
from qpv_emploi.settings import load_settings

log = logging.getLogger(__name__)

MONDAY = 0

# Seconds without a change before a folder is read: a file that is being copied is not complete yet.
STILL = 20

# Values of the parameter ``integrite``.
ON_MONDAY, ALWAYS, NEVER = "le lundi", "toujours", "jamais"


def find_deposits(*, inlet_events: Any = None, outlet_events: Any = None) -> list[str]:
    """Wake the ingestion of each producer whose folder of the dépôt changed since it was last woken.

    Names, sizes and times are compared with those that the last event of its asset carries: no file is read,
    and nothing is remembered elsewhere.

    Returns:
        The producers woken.

    Raises:
        AirflowSkipException: no folder changed, or those that did are still being written.
    """
    from qpv_emploi.veille.depot import look_at

    depot = load_settings().depot
    woken = []
    for producer in producers():
        name = producer.producteur
        look = look_at(depot, name)
        last = list(inlet_events[deposit_asset(name)].ascending(False).limit(1))
        known = last[0].extra.get("empreinte") if last else None
        if look.empreinte == known or (look.nb_fichiers == 0 and known is None):
            continue
        if 0 <= time.time() - look.modifie_le < STILL:
            log.info("%s : dossier en cours d'écriture, revu au prochain passage", name)
            continue
        log.info("%s : le dossier du dépôt a changé (%d fichier(s))", name, look.nb_fichiers)
        outlet_events[DEPOSITS_CHANGED].add(
            deposit_asset(name), extra={"empreinte": look.empreinte, "nb_fichiers": look.nb_fichiers}
        )
        woken.append(name)
    if not woken:
        raise AirflowSkipException("aucun dossier du dépôt n'a changé")
    return woken


def report_late() -> list[dict[str, Any]]:
    """Datasets late against their cadence and usual lag: one warning each, never a failure.

    Returns:
        One dict per late dataset: ``jeu`` (producteur/jeu), ``millesime`` expected (or None), ``du_le``
        (ISO day) and ``retard_jours``.
    """
    from qpv_emploi.status import late_datasets

    with no_second_try():
        late = late_datasets(load_settings())
    for state in late:
        log.warning("%s/%s : %s", state.producteur, state.jeu, state.attendu.annonce)
    log.info("%d jeu(x) en retard sur leur cadence et leur délai usuel", len(late))
    return [
        {
            "jeu": f"{state.producteur}/{state.jeu}",
            "millesime": state.attendu.millesime,
            "du_le": state.attendu.du_le.isoformat() if state.attendu.du_le else None,
            "retard_jours": state.attendu.retard_jours,
        }
        for state in late
    ]


def report_news() -> list[str]:
    """What the next ingestion will read or the next reception fetch: one line each, also returned.

    A producer that does not answer is a warning.
    """
    from qpv_emploi.veille.nouveautes import novelties

    with no_second_try():
        news = novelties(load_settings())
    for silent in news.non_consultes:
        log.warning(silent.line())
    lines = [novelty.line() for novelty in news.nouveautes]
    for line in lines:
        log.info(line)
    log.info("%d nouveauté(s)", len(lines))
    return lines


def check_integrity(*, params: Any = None, dag_run: Any = None) -> dict[str, int]:
    """Read every raw file again, on Mondays unless the parameter ``integrite`` says otherwise.

    Returns:
        Number of files read (``nb_fichiers``), of bytes (``octets``) and of missing bronze files
        (``bronze_absents``), which the next ingestion makes again.

    Raises:
        AirflowSkipException: not today.
        AirflowFailException: a raw file is damaged or missing; the log has a line for each.
    """
    when = params["integrite"]
    if when == NEVER or (when == ON_MONDAY and dag_run.run_after.astimezone(PARIS).weekday() != MONDAY):
        raise AirflowSkipException(f"contrôle d'intégrité : {when}")

    from qpv_emploi.veille.integrite import check_integrity as check

    def progress(done: int, total: int) -> None:
        if done * 10 // total != (done - 1) * 10 // total:
            log.info("%d fichier(s) relu(s) sur %d", done, total)

    with no_second_try():
        found = check(load_settings(), progress)
    for damage in found.bronze_absents:
        log.warning(one_line(damage.line()))
    for damage in found.atteints:
        log.error(one_line(damage.line()))
    if found.atteints:
        raise AirflowFailException(
            f"{len(found.atteints)} fichier(s) brut(s) atteint(s) sur {found.nb_fichiers} ; "
            f"le premier : {one_line(found.atteints[0].line())}"
        )
    return {
        "nb_fichiers": found.nb_fichiers,
        "octets": found.octets,
        "bronze_absents": len(found.bronze_absents),
    }


def clean(*, params: Any = None) -> list[str]:
    """Apply the retention, or only say what it would remove when the parameter ``menage`` is off.

    Returns:
        Paths removed, relative to the data directory; empty when nothing was to be removed or ``menage`` is
        off.
    """
    from qpv_emploi.conservation import now_utc
    from qpv_emploi.veille.menage import apply_cleanup, plan_cleanup

    settings = load_settings()
    with no_second_try():
        plan = plan_cleanup(settings, garder=settings.versions_gardees, now=now_utc())
        for remark in plan.remarques:
            log.warning(one_line(remark))
        removed = apply_cleanup(settings, plan) if params["menage"] else []
    root = settings.paths.root
    for removal in plan.a_supprimer:
        verb = "supprimé" if removal in removed else "laissé"
        log.info("%s : %s, %s", verb, removal.chemin.relative_to(root), removal.raison)
    log.info("%d version(s) gardée(s), %d élément(s) supprimé(s)", len(plan.gardees), len(removed))
    return [str(removal.chemin.relative_to(root)) for removal in removed]
