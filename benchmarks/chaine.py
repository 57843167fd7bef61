"""Times of each step of the chain on a fictional region of a given size.

    python benchmarks/chaine.py --qpv 10000

Nothing is asserted: the figures are printed, to be compared from one commit to the next on one machine.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qpv_emploi import pipeline
from qpv_emploi.fictif import generate
from qpv_emploi.settings import Settings


@contextmanager
def timed(label: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"{label:<28} {time.perf_counter() - start:8.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qpv", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with timed(f"fictional region, {arguments.qpv} QPV"):
            generate(root / "depot", nb_qpv=arguments.qpv)
        settings = Settings(data_dir=root / "data", depot=root / "depot", region="99")
        with timed("ingestion, first"):
            pipeline.ingest_all(settings)
        with timed("ingestion, unchanged"):
            pipeline.ingest_all(settings)
        with timed("dbt build"):
            candidate = pipeline.build(settings)
        assert candidate is not None
        for node in sorted(pipeline.node_results(settings, candidate), key=lambda n: -n.secondes)[:5]:
            print(f"    {node.nom:<24} {node.secondes:8.1f} s")
        with timed("audit"):
            pipeline.audit(settings, candidate)
        with timed("publication"):
            release = pipeline.publish(settings, candidate)
        print(f"{release.comptes['fct_observation']} observations")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of this process  {peak:8.0f} MiB (dbt runs in another)")


if __name__ == "__main__":
    main()
