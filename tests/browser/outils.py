"""The tools of the browser tests: Chromium and its driver from the system, axe-core from npm's lock file."""

from __future__ import annotations

import shutil
from pathlib import Path

AXE = Path(__file__).resolve().parent / "node_modules" / "axe-core" / "axe.min.js"


class OutilAbsent(Exception):
    """A tool is missing; the message says what to do."""


def axe_script() -> str:
    """The script of axe-core.

    Raises:
        OutilAbsent: it was not installed.
    """
    if not AXE.is_file():
        raise OutilAbsent("axe-core absent ; à faire : npm ci --prefix tests/browser --ignore-scripts")
    return AXE.read_text(encoding="utf-8")


def chromium() -> tuple[str, str]:
    """Paths of Chromium and of its driver.

    Raises:
        OutilAbsent: one of them is missing.
    """
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        raise OutilAbsent("Chromium ou son pilote absent ; à faire : apt-get install chromium-driver")
    return browser, driver
