"""A threaded HTTP server on 127.0.0.1, fed with replies per path and per call.

The last reply of a path is played again; an unknown path answers 404. Nothing here sleeps longer than a
reply says.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Recorded:
    """A request as received: path with its query, headers under lower-case names, body of a POST."""

    chemin: str
    en_tetes: Mapping[str, str]
    corps: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What to answer.

    Attributes:
        corps: body; sent whole, unless ``coupe`` or ``morceaux`` says otherwise.
        en_tetes: headers besides ``Content-Length`` and those the fields below imply.
        delai_s: silence before the status line.
        longueur: ``Content-Length`` to announce instead of the true one; -1 for none.
        coupe: bytes of the body after which the connection is closed.
        par_blocs: send in chunks; with ``coupe``, the last chunk never comes.
        compresse: send gzip.
        goutte: size of the pieces of the body, ``pause_s`` apart; 0 for one piece.
    """

    statut: int = 200
    corps: bytes = b""
    en_tetes: Mapping[str, str] = field(default_factory=dict)
    delai_s: float = 0.0
    longueur: int | None = None
    coupe: int | None = None
    par_blocs: bool = False
    compresse: bool = False
    goutte: int = 0
    pause_s: float = 0.0


Script = Reply | Callable[[Recorded], Reply]


def conditional(corps: bytes, *, etag: str = "", last_modified: str = "") -> Callable[[Recorded], Reply]:
    """A file with validators: 304 when the request holds one of them, 200 otherwise."""
    valides = {nom: v for nom, v in (("ETag", etag), ("Last-Modified", last_modified)) if v}

    def answer(requete: Recorded) -> Reply:
        connu = requete.en_tetes.get("if-none-match"), requete.en_tetes.get("if-modified-since")
        if (etag and connu[0] == etag) or (last_modified and connu[1] == last_modified):
            return Reply(304, en_tetes=valides)
        return Reply(corps=corps, en_tetes=valides)

    return answer


class Server:
    """The server, in a ``with``. ``requetes`` holds what was received, in order."""

    def __init__(self) -> None:
        self.requetes: list[Recorded] = []
        self.simultanees_max = 0
        self._scripts: dict[str, tuple[Script, ...]] = {}
        self._appels: Counter[str] = Counter()
        self._en_cours = 0
        self._verrou = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.scene = self
        self._fil = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Server:
        self._fil.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, valeur: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._fil.join()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def url(self, chemin: str = "", hote: str = "127.0.0.1") -> str:
        """Address of a path; ``hote`` may be ``localhost``, which is another host to a client."""
        return f"http://{hote}:{self.port}{chemin}"

    def play(self, chemin: str, *scripts: Script) -> None:
        """Set what a path answers, call after call. A path with a query answers that query alone."""
        self._scripts[chemin] = scripts

    def paths(self) -> list[str]:
        """Paths asked for, without their queries, in order."""
        return [urlsplit(requete.chemin).path for requete in self.requetes]

    def calls(self) -> dict[str, int]:
        """Number of requests per path."""
        comptes: dict[str, int] = defaultdict(int)
        for chemin in self.paths():
            comptes[chemin] += 1
        return dict(comptes)

    def answer(self, requete: Recorded) -> Reply:
        """Record a request and give its reply."""
        with self._verrou:
            self.requetes.append(requete)
            for cle in (requete.chemin, urlsplit(requete.chemin).path):
                if cle in self._scripts:
                    scripts = self._scripts[cle]
                    script = scripts[min(self._appels[cle], len(scripts) - 1)]
                    self._appels[cle] += 1
                    break
            else:
                script = Reply(404, b"absent")
        return script if isinstance(script, Reply) else script(requete)

    def enter(self, pas: int) -> None:
        """Count the requests in progress."""
        with self._verrou:
            self._en_cours += pas
            self.simultanees_max = max(self.simultanees_max, self._en_cours)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    # A client that hangs must not hang the end of a test.
    block_on_close = False
    scene: Server

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise each reply waits 40 ms for the acknowledgement of its headers.
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        scene = self.server.scene
        scene.enter(1)
        try:
            en_tetes = {nom.lower(): valeur for nom, valeur in self.headers.items()}
            corps = self.rfile.read(int(en_tetes.get("content-length", 0)))
            self._send(scene.answer(Recorded(self.path, en_tetes, corps)))
        finally:
            scene.enter(-1)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _send(self, reponse: Reply) -> None:
        if reponse.delai_s:
            time.sleep(reponse.delai_s)
        corps = gzip.compress(reponse.corps, mtime=0) if reponse.compresse else reponse.corps
        self.send_response(reponse.statut)
        for nom, valeur in reponse.en_tetes.items():
            self.send_header(nom, valeur)
        if reponse.compresse:
            self.send_header("Content-Encoding", "gzip")
        if reponse.par_blocs:
            self.send_header("Transfer-Encoding", "chunked")
        elif reponse.statut != 304 and reponse.longueur != -1:
            self.send_header("Content-Length", str(reponse.longueur or len(corps)))
        fermer = reponse.coupe is not None or (reponse.longueur is not None and not reponse.par_blocs)
        if fermer:
            self.send_header("Connection", "close")
        self.end_headers()
        entier = corps
        corps = corps if reponse.coupe is None else corps[: reponse.coupe]
        pas = reponse.goutte or max(1, len(corps))
        for debut in range(0, len(corps), pas):
            morceau = corps[debut : debut + pas]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(morceau), morceau) if reponse.par_blocs else morceau)
            self.wfile.flush()
            if reponse.pause_s:
                time.sleep(reponse.pause_s)
        if reponse.par_blocs and (reponse.coupe is None or len(corps) == len(entier)):
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = fermer
