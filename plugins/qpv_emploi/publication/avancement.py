"""Progress of long work, told to whoever watches."""

from __future__ import annotations

from collections.abc import Callable

# What was just finished, how many steps are done, how many there are.
Progress = Callable[[str, int, int], None]


def silent(label: str, done: int, total: int) -> None:
    """A watcher who does not watch."""


class Steps:
    """Counts the steps of one work and tells each as it is done.

    Args:
        progress: the watcher.
        total: number of steps.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self.total = total
        self.done = 0

    def step(self, label: str) -> None:
        """One more step is done."""
        self.done += 1
        self._progress(label, self.done, self.total)
