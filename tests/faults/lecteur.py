"""A consumer of the current release, in a process of its own.

``lecteur.py tenir <publie>`` opens the database, answers, and answers again to each line of its standard
input. ``lecteur.py sonder <publie>`` opens the database and a Parquet file over and over until its standard
input is closed, then says what it met. Answers are JSON, one per line.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import duckdb

QUESTION = "select count(*), min(tour), max(tour) from vue_observation"


def say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def hold(published: Path) -> None:
    with duckdb.connect(str(published / "courant" / "entrepot.duckdb"), read_only=True) as connection:
        say(connection.execute(QUESTION).fetchall())
        for _ in sys.stdin:
            say(connection.execute(QUESTION).fetchall())


def poll(published: Path) -> None:
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    database = published / "courant" / "entrepot.duckdb"
    parquet = published / "courant" / "parquet" / "fct_observation.parquet"
    reads, failures, seen = 0, [], set()
    say("prêt")
    while not ended.is_set():
        try:
            with duckdb.connect(str(database), read_only=True) as connection:
                seen.add(tuple(connection.execute(QUESTION).fetchall()[0]))
            with duckdb.connect() as connection:
                question = QUESTION.replace("vue_observation", f"read_parquet('{parquet}')")
                seen.add(tuple(connection.execute(question).fetchall()[0]))
        except Exception as error:
            failures.append(f"{type(error).__name__} : {error}")
        reads += 1
    say({"lectures": reads, "echecs": failures, "vus": sorted(seen)})


if __name__ == "__main__":
    {"tenir": hold, "sonder": poll}[sys.argv[1]](Path(sys.argv[2]))
