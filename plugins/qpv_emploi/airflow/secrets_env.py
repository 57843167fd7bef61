"""Secrets of ``docker-compose.yml``: ``python -m qpv_emploi.airflow.secrets_env`` draws them into ``.env``.

There is no default password anywhere: without this file the services refuse to start.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

from qpv_emploi.errors import SettingsError
from qpv_emploi.settings import Settings

HEADER = """\
# Secrets de docker-compose.yml, tirés au hasard par « make env ». Ne pas partager, ne pas versionner.
# Interface d'Airflow : comptes admin (tout), ingenieur (exécuter) et analyste (lire), mots de passe
# AIRFLOW_…_PASSWORD. Base « entrepot » de PostgreSQL : compte lecture, mot de passe LECTURE_DB_PASSWORD.
"""

INSTALLATION = """\
# Dossier <producteur>/<jeu>/<millesime>/<fichier>, monté en lecture seule ; doit exister.
QPV_DEPOT_HOTE=./depot
# Code INSEE de la région, ou « france ».
QPV_REGION=32
"""


def draw() -> dict[str, str]:
    """New random secrets: variable of ``docker-compose.yml`` -> value.

    Passwords are hexadecimal, because they stand inside addresses and on a line of Redis configuration,
    where other characters have a meaning. The Fernet key is 32 bytes in URL-safe base64, as its
    specification asks.
    """
    return {
        # The administrator of the server, which only the initialisation knows.
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "AIRFLOW_DB_PASSWORD": secrets.token_hex(24),
        "ENTREPOT_DB_PASSWORD": secrets.token_hex(24),
        "LECTURE_DB_PASSWORD": secrets.token_hex(16),
        "REDIS_PASSWORD": secrets.token_hex(24),
        "AIRFLOW_ADMIN_PASSWORD": secrets.token_hex(12),
        "AIRFLOW_INGENIEUR_PASSWORD": secrets.token_hex(12),
        "AIRFLOW_ANALYSTE_PASSWORD": secrets.token_hex(12),
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        # RFC 7518 asks of HS512 a key at least as long as its hash, 64 bytes.
        "AIRFLOW_JWT_SECRET": secrets.token_hex(64),
        "AIRFLOW_API_SECRET_KEY": secrets.token_hex(32),
    }


def write_env(chemin: Path) -> None:
    """Write the file of secrets, readable by its owner only (mode 0600 from its first byte on).

    Args:
        chemin: file to create; its folder exists.

    Raises:
        SettingsError: the file exists. It is left as it is, since the database keeps the password of its
            first start and the connections are encrypted with its Fernet key. Or it cannot be written.
    """
    lignes = [f"{nom}={valeur}\n" for nom, valeur in draw().items()]
    try:
        descripteur = os.open(chemin, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SettingsError(
            f"{chemin} existe déjà et n'est pas remplacé : la base et les connexions chiffrées ne s'ouvrent "
            f"qu'avec ses secrets ; à faire : le garder, ou, pour repartir de zéro, le supprimer ainsi que "
            f"les volumes (docker compose down --volumes, qui efface aussi l'entrepôt)"
        ) from None
    except OSError as erreur:
        raise SettingsError(
            f"{chemin} ne peut pas être créé ({erreur.strerror}) ; à faire : voir le dossier et ses droits"
        ) from erreur
    try:
        with os.fdopen(descripteur, "w", encoding="utf-8") as flux:
            flux.write(HEADER + "".join(lignes) + INSTALLATION)
    except BaseException:
        # Half a file would be refused by the next call as an existing one.
        chemin.unlink()
        raise


def main(arguments: list[str]) -> int:
    """``python -m qpv_emploi.airflow.secrets_env [FILE]``; returns the exit code.

    The file is by default ``.env`` at the root of the project, where Compose looks for it.
    """
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.stderr.write("usage : python -m qpv_emploi.airflow.secrets_env [FICHIER]\n")
        return 2
    chemin = Path(arguments[0]) if arguments else Settings().project_dir / ".env"
    try:
        write_env(chemin)
    except SettingsError as erreur:
        sys.stderr.write(f"{erreur}\n")
        return 1
    sys.stdout.write(
        f"{chemin} créé (lisible par vous seul) ; à faire : y vérifier QPV_DEPOT_HOTE et QPV_REGION, "
        "puis docker compose up\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
