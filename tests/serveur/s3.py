"""An S3-compatible server on 127.0.0.1 (moto's), which can be told to fail.

It answers one request at a time, so that a conditional write is as atomic as S3 promises.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

SEAU = "entrepot-qpv"
SECRET = "cle-tres-secrete-que-nul-ne-doit-lire"

Answer = Callable[..., Iterable[bytes]]
# From a request (method, path), the status line and S3 code of a failure; None to serve it.
Fault = Callable[[str, str], tuple[str, str] | None]


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """No line per request."""


class ServeurS3:
    """The server, with an empty bucket ``SEAU``.

    Attributes:
        requetes: method and path of each request, in order.
        faute: what to answer instead of serving a request.
    """

    def __init__(self) -> None:
        # One memory per process: what another server held goes.
        self._backend.reset()
        self.requetes: list[tuple[str, str]] = []
        self.faute: Fault | None = None
        self._application = DomainDispatcherApplication(create_backend_app)
        self._serveur = make_server("127.0.0.1", 0, self._serve, request_handler=_Silent)
        self._fil = threading.Thread(target=self._serveur.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def adresse(self) -> str:
        return f"http://127.0.0.1:{self._serveur.server_port}"

    @property
    def options(self) -> str:
        """What ``QPV_STOCKAGE_OPTIONS`` must hold."""
        return json.dumps(
            {
                "key": "AKIAFICTIF",
                "secret": SECRET,
                "client_kwargs": {"endpoint_url": self.adresse, "region_name": "us-east-1"},
            }
        )

    def __enter__(self) -> ServeurS3:
        self._fil.start()
        with urlopen(Request(f"{self.adresse}/{SEAU}", method="PUT")):
            return self

    def __exit__(
        self, genre: type[BaseException] | None, erreur: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer no more: connections are refused from now on."""
        self._serveur.shutdown()
        self._fil.join()
        self._serveur.server_close()

    def objects(self, prefixe: str = "") -> dict[str, bytes]:
        """Name -> bytes of what the bucket holds."""
        seau = self._backend.buckets[SEAU]
        return {nom: cle.value for nom, cle in sorted(seau.keys.items()) if nom.startswith(prefixe)}

    def lose(self, nom: str) -> None:
        """Remove an object, as an accident would."""
        self._backend.delete_object(SEAU, nom)

    @property
    def _backend(self) -> Any:
        return s3_backends["123456789012"]["global"]

    def _serve(self, environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
        methode, chemin = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requetes.append((methode, chemin))
        refus = self.faute(methode, chemin) if self.faute else None
        if refus is None:
            return self._application(environ, start_response)
        # What the client sends is read, else it would see a broken pipe rather than the answer.
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        statut, code = refus
        corps = f"<Error><Code>{code}</Code><Message>refus de l'essai</Message></Error>".encode()
        start_response(statut, [("Content-Type", "application/xml"), ("Content-Length", str(len(corps)))])
        return [] if methode == "HEAD" else [corps]
