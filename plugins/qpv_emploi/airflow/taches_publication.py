"""What the tasks of the publication do: files and site from a release, then the database that serves it.

The functions are those of ``qpv publish``; here their progress goes to the log of the task.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from qpv_emploi.airflow.taches import no_second_try
from qpv_emploi.settings import load_settings

log = logging.getLogger(__name__)


def logged(what: str) -> Callable[[str, int, int], None]:
    """A watcher that writes a line at each tenth of the work.

    Args:
        what: the work, in French.
    """

    def show(step: str, done: int, total: int) -> None:
        if 10 * done // total > 10 * (done - 1) // total:
            log.info("%s : %d/%d (%s)", what, done, total, step)

    return show


def disseminate(*, params: Any = None) -> str:
    """Make everything that people take away from the release, and its site.

    Args:
        params: parameters of the run; ``version`` (the current one when empty) and ``force``.

    Returns:
        Directory of the publication.

    Raises:
        AirflowFailException: there is no such release, or it lets nothing out.
    """
    from qpv_emploi.diffusion import publish_release

    with no_second_try():
        made = publish_release(
            load_settings(),
            params["version"] or None,
            progress=logged("Diffusion"),
            force=bool(params["force"]),
        )
    log.info(
        "Version %s %s : %s",
        made.identifiant,
        "diffusée" if made.est_nouvelle else "déjà diffusée",
        made.dossier,
    )
    return str(made.dossier)


def serve(*, params: Any = None) -> str:
    """Serve the release in PostgreSQL, when the settings name a database.

    Args:
        params: as for :func:`disseminate`.

    Returns:
        Name of the schema.

    Raises:
        AirflowSkipException: no database is named.
        AirflowFailException: the server refuses; what it serves has not changed.
    """
    from qpv_emploi.diffusion import serve_release

    with no_second_try():
        served = serve_release(
            load_settings(),
            params["version"] or None,
            progress=logged("PostgreSQL"),
            force=bool(params["force"]),
        )
    if served is None:
        raise AirflowSkipException("aucune base PostgreSQL n'est réglée (QPV_POSTGRES)")
    for view in served.vues_anciennes:
        log.warning("vue %s : elle lit la version précédente ; à faire : la refaire", view)
    log.info(
        "Version %s %s dans le schéma %s, lu par le rôle %s",
        served.identifiant,
        "chargée" if served.est_nouvelle else "déjà là",
        served.schema,
        served.role,
    )
    return served.schema
