"""The web server of docker-compose.yml, run as a process of this machine with its own configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
import requests
from tests.exigences import absent
from tests.services import HOST, ROOT, free_port

pytestmark = [pytest.mark.distribue, pytest.mark.enable_socket]

CONFIGURATION = ROOT / "deploiement" / "nginx.conf"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the server, on a publication of three files."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        absent("nginx absent ; à faire : apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("site")
    publications = folder / "publications"
    for name, content in {
        "site/index.html": "<title>Quartiers</title>",
        "site/statique/site.js": "1",
        "fichiers/LISEZMOI.txt": "à lire",
        "fichiers/.garder": "secret",
    }.items():
        path = publications / "v1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (publications / "courante").symlink_to("v1")
    (folder / "brut").mkdir()
    (folder / "brut" / "x").write_text("octets", encoding="utf-8")
    port = free_port()
    text = CONFIGURATION.read_text(encoding="utf-8")
    for there, here in {
        "listen 8080": f"listen {HOST}:{port}",
        "/var/lib/qpv/data": str(folder),
        "/tmp/nginx": f"{folder}/nginx",
    }.items():
        assert there in text
        text = text.replace(there, here)
    # Started by root, nginx would lend its pages to an account that cannot enter the folders of the tests.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(user + text, encoding="utf-8")
    process = subprocess.Popen(
        [program, "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"],
        stdin=subprocess.DEVNULL,
        stderr=(folder / "journal").open("wb"),
    )
    address = f"http://{HOST}:{port}"
    try:
        for _ in range(100):
            assert process.poll() is None, (folder / "journal").read_text(encoding="utf-8")
            try:
                ask(f"{address}/sante")
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield address
        # Nothing to complain about, except the file that a test asks for and that does not exist.
        complaints = (folder / "journal").read_text(encoding="utf-8").splitlines()
        assert [line for line in complaints if "No such file" not in line and "forbidden" not in line] == []
    finally:
        process.terminate()
        process.wait(10)


def ask(url: str, method: str = "GET") -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.request(method, url, timeout=10, allow_redirects=False)


def test_the_root_leads_to_the_site_of_the_current_publication(site: str) -> None:
    assert ask(f"{site}/sante").text == "ok\n"
    home = ask(f"{site}/")
    assert (home.status_code, home.headers["Location"]) == (302, "/site/")
    page = ask(f"{site}/site/")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Quartiers" in page.text
    text = ask(f"{site}/fichiers/LISEZMOI.txt")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.content.decode() == "à lire"


@pytest.mark.parametrize("path", ["/site/", "/site/statique/site.js", "/fichiers/LISEZMOI.txt", "/absent"])
def test_every_answer_carries_the_headers(site: str, path: str) -> None:
    headers = ask(site + path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert ("script-src 'self'" in policy) == path.startswith("/site/")
    assert ("'unsafe-inline'" in policy) == (not path.startswith("/site/"))
    # No version: it would tell which faults to try.
    assert headers["Server"] == "nginx"


@pytest.mark.parametrize("path", ["/fichiers/.garder", "/../../brut/x", "/..%2f..%2fbrut/x", "/fichiers/"])
def test_nothing_else_is_served(site: str, path: str) -> None:
    answer = ask(site + path)
    assert answer.status_code in (400, 403, 404)
    assert "octets" not in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(site: str, method: str) -> None:
    assert ask(f"{site}/site/", method).status_code in (403, 405)
