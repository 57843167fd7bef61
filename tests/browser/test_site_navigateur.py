"""The site in a browser: search, sort, traces, print, accessibility, and nothing asked from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests.browser.conftest import Navigateur

pytestmark = pytest.mark.navigateur

PHONE, SCREEN = 390, 1280
MAX_PRINTED = 6


def _one_of_each_kind(site: Path) -> list[Path]:
    """The index of each folder and one page of it, the heaviest."""
    pages = [site / "index.html"]
    for folder in sorted(path for path in site.iterdir() if path.is_dir() and path.name != "statique"):
        found = sorted(folder.glob("*.html"), key=lambda path: (path.stat().st_size, path.name))
        pages += sorted({folder / "index.html", found[-1]} & set(found))
    return pages


def _printed_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@pytest.fixture
def without_script(navigateur: Navigateur) -> Iterator[Navigateur]:
    """The browser with JavaScript off."""
    navigateur.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    yield navigateur
    navigateur.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.depot
def test_the_search_finds_roubaix(navigateur: Navigateur, site_32: Path) -> None:
    navigateur.open(site_32 / "index.html")
    field = navigateur.driver.find_element(By.ID, "q")
    field.send_keys("roubaix")
    found = [item.text for item in navigateur.driver.find_elements(By.CSS_SELECTOR, "#resultats li")]
    assert found[0].startswith("Roubaix commune")
    assert any("quartier" in text and "QP059083" in text for text in found)
    assert navigateur.driver.find_element(By.ID, "etat").text.endswith("résultats.")
    field.send_keys(Keys.ENTER)
    assert navigateur.driver.current_url.endswith("communes/index.html#a-59512")
    assert "Nouveau Roubaix" in navigateur.driver.find_element(By.ID, "a-59512").text


@pytest.mark.depot
def test_the_search_needs_no_accent_and_finds_a_contract(navigateur: Navigateur, site_32: Path) -> None:
    navigateur.open(site_32 / "index.html")
    navigateur.driver.find_element(By.ID, "q").send_keys("METROPOLE europeenne")
    found = navigateur.driver.find_elements(By.CSS_SELECTOR, "#resultats a")
    assert {link.get_attribute("href").rsplit("/", 1)[1] for link in found} >= {"CV192.html", "CN05911M.html"}


def test_an_unknown_word_is_said_not_found(navigateur: Navigateur, site_fictif: Path) -> None:
    navigateur.open(site_fictif / "index.html")
    navigateur.driver.find_element(By.ID, "q").send_keys("<img src=x onerror=alert(1)>")
    assert navigateur.driver.find_element(By.ID, "etat").text == "Aucun résultat."
    assert navigateur.driver.find_elements(By.CSS_SELECTOR, "#resultats li") == []


@pytest.mark.depot
@pytest.mark.parametrize("code", ["CV192", "CV219", "CN05911M"])
def test_a_fiche_prints_on_few_pages(navigateur: Navigateur, site_32: Path, code: str) -> None:
    # The contracts with the most neighbourhoods.
    navigateur.open(site_32 / "contrats" / f"{code}.html")
    pdf = navigateur.pdf()
    assert 2 <= _printed_pages(pdf) <= MAX_PRINTED
    # A4, in points.
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][.0-9]* 84[12][.0-9]*\]", pdf)


@pytest.mark.parametrize("width", [SCREEN, PHONE])
def test_no_page_asks_for_anything_nor_complains(
    navigateur: Navigateur, site_fictif: Path, width: int
) -> None:
    inside = (site_fictif.resolve().as_uri(), "data:,")
    too_wide = {}
    for page in _one_of_each_kind(site_fictif):
        navigateur.open(page, width=width)
        asked = navigateur.asked()
        assert asked, page
        assert [url for url in asked if not url.startswith(inside)] == [], page
        assert navigateur.errors() == [], page
        # Wide tables scroll in their own frame.
        wide = navigateur.driver.execute_script("return document.documentElement.scrollWidth")
        if wide > width:
            too_wide[page.relative_to(site_fictif).as_posix()] = wide
    assert too_wide == {}


def test_a_request_and_an_error_are_seen(navigateur: Navigateur, tmp_path: Path) -> None:
    # The two checks above can fail.
    page = tmp_path / "mauvaise.html"
    page.write_text('<img src="http://127.0.0.1:9/x.png"><script>throw new Error("vu")</script>')
    navigateur.open(page)
    assert "http://127.0.0.1:9/x.png" in navigateur.asked()
    assert any("vu" in message for message in navigateur.errors())


@pytest.mark.parametrize("width", [SCREEN, PHONE])
def test_no_serious_barrier(navigateur: Navigateur, site_fictif: Path, axe: str, width: int) -> None:
    found = {}
    for page in _one_of_each_kind(site_fictif):
        navigateur.open(page, width=width)
        found[page.relative_to(site_fictif).as_posix()] = navigateur.axe(axe)
    assert {page: findings for page, findings in found.items() if findings} == {}


@pytest.mark.depot
def test_no_serious_barrier_on_the_heaviest_fiches(navigateur: Navigateur, site_32: Path, axe: str) -> None:
    for page in ("contrats/CV192.html", "contrats/CN05911M.html", "quartiers/QP059082.html"):
        navigateur.open(site_32 / page)
        assert navigateur.axe(axe) == [], page


def test_a_barrier_is_seen(navigateur: Navigateur, tmp_path: Path, axe: str) -> None:
    page = tmp_path / "mauvaise.html"
    page.write_text('<html lang="fr"><title>x</title><main><img src="data:,"><button></button></main></html>')
    navigateur.open(page)
    found = navigateur.axe(axe)
    assert any(line.startswith("image-alt") for line in found)
    assert any(line.startswith("button-name") for line in found)


def test_every_page_shows_the_fictional_banner(navigateur: Navigateur, site_fictif: Path) -> None:
    for page in _one_of_each_kind(site_fictif):
        navigateur.open(page)
        banner = navigateur.driver.find_element(By.CLASS_NAME, "banniere")
        assert banner.is_displayed(), page
        assert banner.text.startswith("DONNÉES FICTIVES"), page


def test_pages_are_whole_without_script(without_script: Navigateur, site_fictif: Path) -> None:
    without_script.open(site_fictif / "index.html")
    driver = without_script.driver
    assert not driver.find_element(By.CLASS_NAME, "recherche").is_displayed()
    driver.find_element(By.LINK_TEXT, "Contrats de ville").click()
    driver.find_element(By.CSS_SELECTOR, "tbody th a").click()
    assert len(driver.find_elements(By.CSS_SELECTOR, "main h2[id^=b]")) == 9
    trace = driver.find_element(By.CSS_SELECTOR, "#diagnostic .trace")
    assert not trace.find_element(By.TAG_NAME, "p").is_displayed()
    trace.find_element(By.TAG_NAME, "summary").click()
    assert trace.find_element(By.TAG_NAME, "p").is_displayed()


def test_a_table_is_sorted_and_put_back_with_the_keyboard(navigateur: Navigateur, site_fictif: Path) -> None:
    navigateur.open(site_fictif / "contrats" / "index.html")
    table = navigateur.driver.find_element(By.CSS_SELECTOR, "table[data-triable]")

    def column(place: int) -> list[str]:
        return [cell.text for cell in table.find_elements(By.CSS_SELECTOR, f"tbody tr > :nth-child({place})")]

    before = column(2)
    counts = column(5)
    heading = table.find_element(By.CSS_SELECTOR, "thead th:nth-child(5)")
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") == "ascending"
    assert column(5) == sorted(counts, key=int)
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.SPACE)
    assert heading.get_attribute("aria-sort") == "descending"
    assert column(5) == sorted(counts, key=int, reverse=True)
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") is None
    assert column(2) == before


def test_the_first_key_leads_past_the_menu(navigateur: Navigateur, site_fictif: Path) -> None:
    navigateur.open(site_fictif / "contrats" / "index.html")
    driver = navigateur.driver
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    first = driver.switch_to.active_element
    assert first.text == "Aller au contenu"
    first.send_keys(Keys.ENTER)
    assert driver.switch_to.active_element.get_attribute("id") == "contenu"
