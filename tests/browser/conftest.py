"""A Chromium that sees nothing but the files of a site, and tells what its pages ask for."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from tests.browser.outils import OutilAbsent, axe_script, chromium
from tests.exigences import absent

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--lang=fr-FR",
)


def _found(tool: Callable[[], Any]) -> Any:
    try:
        return tool()
    except OutilAbsent as absence:
        absent(str(absence))


class Navigateur:
    """A browser on one folder.

    Attributes:
        driver: Selenium's.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, *, width: int = 1280, anchor: str = "") -> None:
        """Open a file, forgetting what the former pages asked for."""
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        self.driver.get(page.resolve().as_uri() + anchor)

    def asked(self) -> list[str]:
        """Addresses that the page asked for, itself included."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def errors(self) -> list[str]:
        """What the console says."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def pdf(self) -> bytes:
        """The page as it prints."""
        printed = self.driver.execute_cdp_cmd(
            "Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True}
        )
        return base64.b64decode(printed["data"])

    def axe(self, script: str) -> list[str]:
        """Serious and critical findings of axe-core: rule, element."""
        self.driver.execute_script(script)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
            ".then(done, (error) => "
            "done({violations: [{id: String(error), impact: 'critical', nodes: []}]}));"
        )
        return [
            f"{rule['id']} : {node['html'][:200]}"
            for rule in found["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in (rule["nodes"] or [{"html": ""}])
        ]


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    script: str = _found(axe_script)
    return script


@pytest.fixture(scope="session")
def navigateur(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Navigateur]:
    """A browser for the session, with a profile of its own."""
    browser, driver = _found(chromium)
    options = Options()
    options.binary_location = browser
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profil')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_page_load_timeout(60)
    chrome.set_script_timeout(120)
    # What the page of a new tab asks for is not a site's.
    chrome.get("about:blank")
    try:
        yield Navigateur(chrome)
    finally:
        chrome.quit()


@pytest.fixture(scope="session")
def site_fictif(publication_fictive: Path) -> Path:
    """Folder of the site of the fictional release."""
    return publication_fictive / "site"


@pytest.fixture(scope="session")
def site_32(publication_32: tuple[Path, float]) -> Path:
    """Folder of the site of Hauts-de-France."""
    return publication_32[0] / "site"
