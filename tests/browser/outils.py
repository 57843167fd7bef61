"""The tools of the browser tests: Chromium and its driver from the system, axe-core from the npm registry.

``python3 tests/browser/outils.py`` fetches axe-core into ``.cache/``, once, and checks it against the digest
below: the only place where its version is said. Nothing but the standard library is needed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import sys
import tarfile
import urllib.request
from pathlib import Path

AXE_VERSION = "4.14.1"
AXE_SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
AXE_URL = f"https://registry.npmjs.org/axe-core/-/axe-core-{AXE_VERSION}.tgz"
_MEMBER = "package/axe.min.js"
# Bytes and seconds.
_LIMIT = 20_000_000
_TIMEOUT = 120

CACHE = Path(__file__).resolve().parents[2] / ".cache"


class OutilAbsent(Exception):
    """A tool is missing; the message says what to do."""


def axe_path() -> Path:
    """Where the script of axe-core lies once it is fetched."""
    return CACHE / f"axe-core-{AXE_VERSION}.min.js"


def axe_script() -> str:
    """The script of axe-core.

    Raises:
        OutilAbsent: it was not fetched.
    """
    if not axe_path().is_file():
        raise OutilAbsent("axe-core absent ; à faire : python3 tests/browser/outils.py")
    return axe_path().read_text(encoding="utf-8")


def chromium() -> tuple[str, str]:
    """Paths of Chromium and of its driver.

    Raises:
        OutilAbsent: one of them is missing.
    """
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        raise OutilAbsent("Chromium ou son pilote absent ; à faire : apt-get install chromium-driver")
    return browser, driver


def fetch_axe() -> Path:
    """Fetch axe-core, unless it is there.

    Raises:
        ValueError: what is received is not what was pinned.
    """
    target = axe_path()
    if target.is_file():
        return target
    with urllib.request.urlopen(AXE_URL, timeout=_TIMEOUT) as answer:
        archive = answer.read(_LIMIT)
    received = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if received != AXE_SHA512:
        raise ValueError(f"{AXE_URL} : sha512 {received}, attendu {AXE_SHA512}")
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
        member = members.extractfile(_MEMBER)
        if member is None:
            raise ValueError(f"{AXE_URL} : {_MEMBER} absent")
        script = member.read()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".partiel")
    temporary.write_bytes(script)
    temporary.rename(target)
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{fetch_axe()}\n")
