"""A mail server on 127.0.0.1 that keeps what it receives: as much of SMTP as ``smtplib`` speaks."""

from __future__ import annotations

import base64
import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: MailServer = self.server.keeper  # type: ignore[attr-defined]
        self.say(b"220 essai")
        while line := self.rfile.readline().strip():
            verb = line.split(b" ")[0].upper()
            if verb == b"EHLO":
                self.say(b"250-essai")
                self.say(b"250 AUTH PLAIN")
            elif verb == b"AUTH":
                _, login, password = base64.b64decode(line.split(b" ")[2]).split(b"\0")
                server.identifiants.append((login.decode(), password.decode()))
                self.say(b"235 ok")
            elif verb == b"RCPT" and server.refuse:
                self.say(b"550 destinataire inconnu")
            elif verb == b"DATA":
                self.say(b"354 suite")
                body = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    body += part
                mail = message_from_bytes(body, policy=policy.default)
                assert isinstance(mail, EmailMessage)
                server.courriels.append(mail)
                self.say(b"250 ok")
            elif verb == b"QUIT":
                self.say(b"221 fin")
                return
            else:
                self.say(b"250 ok")

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


class MailServer:
    """The server, in a ``with``. ``courriels`` holds the mails, ``identifiants`` the logins, in order.

    Args:
        refuse: refuse every recipient.
    """

    def __init__(self, *, refuse: bool = False) -> None:
        self.refuse = refuse
        self.courriels: list[EmailMessage] = []
        self.identifiants: list[tuple[str, str]] = []
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session)
        self._server.daemon_threads = True
        self._server.keeper = self  # type: ignore[attr-defined]

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> MailServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
