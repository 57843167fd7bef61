"""Values cut into classes: a distribution, and the colours of a map. Never an order of territories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Class:
    """A class of values.

    Attributes:
        bas, haut: its bounds; the low one is inside, the high one only in the last class.
        nb: values that it holds.
    """

    bas: float
    haut: float
    nb: int


def even_classes(values: Sequence[float], wanted: int = 8) -> tuple[Class, ...]:
    """Classes of one width, whose bounds are round numbers.

    Args:
        values: at least one.
        wanted: about as many classes.
    """
    low, high = min(values), max(values)
    step = _round_step((high - low) / wanted) if high > low else _round_step(abs(high) / wanted or 1.0)
    start = math.floor(low / step)
    # One more when the highest value is a bound: it belongs to the class that it begins, or ends.
    count = max(1, math.ceil(round(high / step, 9)) - start)
    bounds = [round((start + place) * step, 9) for place in range(count + 1)]
    return cut(values, bounds)


def even_counts(values: Sequence[float], wanted: int = 5) -> tuple[Class, ...]:
    """Classes that hold about as many values each, bounds rounded; fewer when values repeat.

    Args:
        values: at least one.
        wanted: at most as many classes.
    """
    ordered = sorted(values)
    step = _round_step((ordered[-1] - ordered[0]) / (wanted * 8)) if ordered[-1] > ordered[0] else 1.0
    inner = (ordered[len(ordered) * place // wanted] for place in range(1, wanted))
    low = round(math.floor(ordered[0] / step) * step, 9)
    high = round(math.ceil(ordered[-1] / step) * step, 9)
    rounded = {round(round(value / step) * step, 9) for value in inner}
    bounds = [low, *sorted(b for b in rounded if low < b < high), high]
    return cut(values, bounds if bounds[0] < bounds[-1] else [bounds[0], bounds[0] + step])


def cut(values: Sequence[float], bounds: Sequence[float]) -> tuple[Class, ...]:
    """The classes between bounds, which hold every value."""
    counts = [0] * (len(bounds) - 1)
    for value in values:
        counts[place_of(value, bounds)] += 1
    return tuple(Class(bounds[i], bounds[i + 1], counts[i]) for i in range(len(counts)))


def place_of(value: float, bounds: Sequence[float]) -> int:
    """Number of the class of a value, from 0."""
    last = len(bounds) - 2
    return min(last, max(0, sum(value >= bound for bound in bounds[1:-1])))


def bounds_of(classes: Sequence[Class]) -> list[float]:
    """The bounds between classes, lowest and highest included."""
    return [*(one.bas for one in classes), classes[-1].haut]


def _round_step(step: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten, the nearest above."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
