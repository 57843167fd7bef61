"""A process that publishes small warehouses on request, and dies at the moment it is told to.

One JSON request per line on standard input, one JSON answer per line on standard output. Each publication
runs in a fork of its own: the libraries are imported once, and SIGKILL takes the fork only.

Request: ``data``, ``projet`` (folders), ``tour`` (number written in every row), ``essai`` (orders the
attempts in time), and either ``etape`` (``before:<function>`` or ``after:<function>``: where to die) or
``delai`` (seconds before the fork is killed from outside). With ``reprendre``, the identifier of a candidate,
the fork only publishes that one, as the second try of a task does. Answer: ``code``, the exit code of the
fork, -9 once killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fabrique import change_lock, make_candidate  # type: ignore[import-not-found]

from qpv_emploi import pipeline
from qpv_emploi.entrepot import releases
from qpv_emploi.publication import export
from qpv_emploi.settings import Settings

# Every function between two of which a publication may be killed, and the module that calls it.
STEPS: dict[str, Any] = {
    "build_candidate": pipeline,
    "audit_candidate": pipeline,
    "record_audit": pipeline,
    "write_release_files": pipeline,
    "write_dictionary": pipeline,
    "write_documentation": pipeline,
    "_copy_database": export,
    "write_csv": export,
    "_write_manifest": pipeline,
    "fsync_tree": pipeline,
    "fsync": pipeline,
    "rename": Path,
    "switch": pipeline,
    "replace": releases.os,
    "discard_work": pipeline,
    "rmtree": pipeline.shutil,
}


def die(*args: object, **kwargs: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            die()
        result = function(*args, **kwargs)
        die()
        return result

    return wrapped


def arm(step: str) -> None:
    """Make the named step kill this process."""
    when, _, name = step.partition(":")
    module = STEPS[name]
    setattr(module, name, dying(getattr(module, name), when))


def chain(request: dict[str, Any]) -> None:
    """Change the inputs, build, audit and publish, as ``pipeline.run`` does after reception."""
    settings = Settings(data_dir=Path(request["data"]), project_dir=Path(request["projet"]), region="99")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=request["tour"], seconds=request["essai"])

    by_hand: Any = lambda *args, **kwargs: make_candidate(settings, request["tour"], now)  # noqa: E731
    vars(pipeline).update(build_candidate=by_hand, load_catalogue=lambda *args: None)
    if request.get("reprendre"):
        pipeline.publish(settings, request["reprendre"])
        return
    change_lock(settings, request["tour"])
    if request.get("etape"):
        arm(request["etape"])
    candidate = pipeline.build(settings)
    if candidate is not None:
        pipeline.audit(settings, candidate)
        pipeline.publish(settings, candidate)


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            chain(request)
            os._exit(0)
        if request.get("delai") is not None:
            time.sleep(request["delai"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(status)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
