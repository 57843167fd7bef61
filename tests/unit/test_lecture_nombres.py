"""Numbers: what French and English files write, and what is not a number."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qpv_emploi.lecture.nombres import number_text, parse_number, parse_numbers


@pytest.mark.parametrize(
    ("texte", "attendu"),
    [
        ("42", 42.0),
        ("42,0", 42.0),
        ("100,0", 100.0),
        (" 7 ", 7.0),
        ("1\u202f508", 1508.0),
        ("1\u00a0508,5", 1508.5),
        ("1 234 567", 1234567.0),
        ("-3,2", -3.2),
        ("\u22123,2", -3.2),
        ("+4", 4.0),
        ("007", 7.0),
        ("0", 0.0),
    ],
)
def test_french_number(texte: str, attendu: float) -> None:
    assert parse_number(texte) == attendu


@pytest.mark.parametrize(
    "texte",
    [
        None,
        "",
        "  ",
        "s",
        "nd",
        "///",
        "1.5",
        "12\u202f34",
        "1,2,3",
        "1e3",
        "inf",
        "NaN",
        "QP059001",
        "1,",
        "9" * 400,
    ],
)
def test_not_a_number(texte: str | None) -> None:
    assert parse_number(texte) is None


def test_english_number_refuses_the_french_mark() -> None:
    assert parse_number("1.5", ".") == 1.5
    assert parse_number("1,5", ".") is None


def test_vector_keeps_length_order_and_nulls() -> None:
    lus = parse_numbers(pa.array(["5", None, "x", "5", "6,5"], pa.string()), ",")
    assert lus.type == pa.float64()
    assert lus.to_pylist() == [5.0, None, None, 5.0, 6.5]


def _formatted(nombre: float, decimales: int, separateur: str, decimale: str) -> str:
    return f"{nombre:,.{decimales}f}".replace(",", "_").replace(".", decimale).replace("_", separateur)


@given(
    st.integers(-(10**14), 10**14),
    st.integers(0, 4),
    st.sampled_from(["", " ", "\u00a0", "\u202f", "\u2009"]),
    st.sampled_from([",", "."]),
)
def test_formatted_number_round_trips(
    entier: int, decimales: int, separateur: str, decimale: Literal[",", "."]
) -> None:
    nombre = float(f"{entier / 10**decimales:.{decimales}f}")
    assert parse_number(_formatted(nombre, decimales, separateur, decimale), decimale) == nombre


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([",", "."]))
def test_number_held_as_number_round_trips(nombre: float, decimale: Literal[",", "."]) -> None:
    texte = number_text(nombre, decimale)
    assert "e" not in texte
    assert parse_number(texte, decimale) == nombre


@given(st.text(max_size=12))
def test_any_text_gives_a_finite_number_or_nothing(texte: str) -> None:
    lu = parse_number(texte)
    assert lu is None or abs(lu) < float("inf")


@pytest.mark.parametrize(
    ("nombre", "attendu"),
    [(42.0, "42"), (-0.0, "0"), (44.4, "44,4"), (1e-7, "0,0000001"), (245900410, "245900410")],
)
def test_number_text(nombre: float, attendu: str) -> None:
    assert number_text(nombre, ",") == attendu


def test_number_text_of_infinity() -> None:
    with pytest.raises(ValueError, match="écriture décimale"):
        number_text(float("inf"))
