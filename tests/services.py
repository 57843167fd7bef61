"""The services of ``docker-compose.yml`` as processes of this machine: its commands, environment and checks.

No engine runs containers here. What a container would bring is put in place of it: addresses of services
become ports of the loopback interface, folders of the image become folders of the test; PostgreSQL and Redis
are those of Debian. Everything else is read from the file.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "docker-compose.yml"
HOST = "127.0.0.1"
# Seconds.
STOP_LIMIT = 15

_INTERPOLATION = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def interpolate(text: str, variables: dict[str, str]) -> str:
    """What Compose makes of ``${NAME:?message}``, ``${NAME:-default}`` and ``$$``."""

    def value(found: re.Match[str]) -> str:
        dollar, name, kind, rest = found.groups()
        if dollar:
            return "$"
        if variables.get(name):
            return variables[name]
        if kind == "?":
            raise KeyError(f"{name} : {rest}")
        return rest or ""

    return _INTERPOLATION.sub(value, text)


@dataclass
class Service:
    """A process of a service.

    Attributes:
        check: the health check of the file, as a command; None when there is none.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    environment: dict[str, str]
    check: list[str] | None

    def tree(self) -> list[psutil.Process]:
        """The process and all that it started."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process.pid)
            return [process, *process.children(recursive=True)]
        return []

    def die(self) -> None:
        """SIGKILL to everything at once, as when a container or its machine disappears."""
        victims = self.tree()
        for process in victims:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        for process in {*victims, *self.tree()}:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_LIMIT)

    def is_healthy(self) -> bool:
        """Run the health check of the file."""
        assert self.check is not None
        done = subprocess.run(self.check, env=self.environment, capture_output=True, timeout=120, check=False)
        return done.returncode == 0


@dataclass
class Deployment:
    """The services of the file, with replacements for what containers bring.

    Attributes:
        folder: logs, data and home of the processes.
        secrets: the content of ``.env``.
        replacements: text of the file -> text of this machine.
        overrides: variables that replace those of the file; only ports, bind addresses and delays.
    """

    folder: Path
    secrets: dict[str, str]
    replacements: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)
    running: dict[str, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]

    def _here(self, text: str) -> str:
        for there, here in self.replacements.items():
            text = text.replace(there, here)
        return text

    def environment(self, service: str) -> dict[str, str]:
        """Environment of a service: that of the image, then that of the file."""
        home = self.folder / "accueil"
        home.mkdir(exist_ok=True)
        of_the_image = {
            "AIRFLOW_HOME": str(home),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "GX_ANALYTICS_ENABLED": "false",
            "HOME": str(home),
            "HOSTNAME": socket.gethostname(),
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT / "plugins"),
            "PYTHONUNBUFFERED": "1",
            "QPV_PROJECT_DIR": str(ROOT),
        }
        declared = {
            name: self._here(interpolate(str(value), self.secrets))
            for name, value in self.content[service].get("environment", {}).items()
            # Without a value: passed on only when .env has it.
            if value is not None
        }
        return {**of_the_image, **declared, **self.overrides}

    def command(self, service: str) -> list[str]:
        return [self._here(interpolate(part, self.secrets)) for part in self.content[service]["command"]]

    def check(self, service: str) -> list[str] | None:
        said = self.content[service].get("healthcheck", {}).get("test")
        if said is None:
            return None
        words = [self._here(interpolate(part, self.secrets)) for part in said]
        return words[1:] if words[0] == "CMD" else ["sh", "-c", words[1]]

    def run(self, service: str, limit: float) -> str:
        """Run a service that ends; returns what it says.

        Raises:
            AssertionError: it failed, with what it said.
        """
        done = subprocess.run(
            self.command(service),
            env=self.environment(service),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
            check=False,
        )
        (self.folder / f"{service}.log").write_text(done.stdout, encoding="utf-8")
        assert done.returncode == 0, f"{service} : code {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout

    def start(self, service: str, name: str = "", *more: str, **variables: str) -> Service:
        """Start a service that lasts.

        Args:
            name: that of the process, when a service has several.
            more: arguments added to its command.
            variables: added to its environment.
        """
        name = name or service
        environment = {**self.environment(service), **variables}
        log = self.folder / f"{name}.log"
        with log.open("ab") as flux:
            process = subprocess.Popen(
                [*self.command(service), *more],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=flux,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running[name] = Service(name, process, log, environment, self.check(service))
        return self.running[name]

    def assert_alive(self) -> None:
        """Fail with the end of its log when a service died on its own."""
        for service in self.running.values():
            code = service.process.poll()
            assert code is None, f"{service.name} s'est arrêté ({code})\n{self.tail(service.log)}"

    @staticmethod
    def tail(log: Path, length: int = 4000) -> str:
        return log.read_text(encoding="utf-8", errors="replace")[-length:] if log.exists() else ""

    def stop(self) -> None:
        """Stop every service and whatever it started; the stores last."""
        trees = {name: service.tree() for name, service in self.running.items()}
        services = [s for name, s in self.running.items() if name != "redis"]
        for service in services:
            with suppress(ProcessLookupError):
                service.process.terminate()
        limit = time.monotonic() + STOP_LIMIT
        for service in services:
            with suppress(subprocess.TimeoutExpired):
                service.process.wait(max(0.1, limit - time.monotonic()))
        for tree in trees.values():
            for process in reversed(tree):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        for service in self.running.values():
            service.process.wait(STOP_LIMIT)
        self.running.clear()

    def secrets_in(self, *paths: Path) -> list[str]:
        """``file: variable`` for each secret of ``.env`` that these files, or those below, hold."""
        found = []
        secrets = {
            name: value.encode()
            for name, value in self.secrets.items()
            if re.search(r"PASSWORD|SECRET|_KEY", name)
        }
        files = [file for path in paths for file in ((path,) if path.is_file() else path.rglob("*"))]
        for path in sorted(file for file in files if file.is_file()):
            content = path.read_bytes()
            found += [f"{path}: {name}" for name, value in secrets.items() if value in content]
        return found


def as_json(value: object) -> str:
    """For messages."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)
