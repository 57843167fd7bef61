"""Classes of values: every value in one class, bounds that a person can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qpv_emploi.publication.site.classes import bounds_of, even_classes, even_counts, place_of

VALUES = st.lists(
    st.floats(min_value=-1e6, max_value=1e6, allow_nan=False).map(lambda x: round(x, 3)),
    min_size=1,
    max_size=80,
)


def test_bounds_are_round() -> None:
    classes = even_classes([21.3, 34.0, 48.9, 54.9])
    assert [(one.bas, one.haut, one.nb) for one in classes] == [
        (20, 25, 1),
        (25, 30, 0),
        (30, 35, 1),
        (35, 40, 0),
        (40, 45, 0),
        (45, 50, 1),
        (50, 55, 1),
    ]


def test_one_value_is_one_class() -> None:
    (only,) = [one for one in even_classes([43.0, 43.0]) if one.nb]
    assert only.nb == 2
    assert only.bas <= 43 <= only.haut


def test_classes_of_like_counts() -> None:
    classes = even_counts(list(range(100)))
    assert len(classes) == 5
    assert all(15 <= one.nb <= 25 for one in classes)


@given(VALUES)
def test_every_value_is_in_its_class(values: list[float]) -> None:
    for classes in (even_classes(values), even_counts(values)):
        assert sum(one.nb for one in classes) == len(values)
        bounds = bounds_of(classes)
        assert bounds == sorted(set(bounds))
        for value in values:
            one = classes[place_of(value, bounds)]
            assert one.bas - 1e-6 <= value <= one.haut + 1e-6


@pytest.mark.parametrize(("value", "place"), [(0, 0), (1, 1), (1.5, 1), (2, 1), (-3, 0), (9, 1)])
def test_a_bound_belongs_to_the_class_it_opens(value: float, place: int) -> None:
    assert place_of(value, [0, 1, 2]) == place
