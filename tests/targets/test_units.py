"""Units of traces, which are texts of users, programs and files."""

from __future__ import annotations

import pytest

from targets.recordings.units import factor


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        ("V", "mV", 1e3),
        ("µV", "mV", 1e-3),
        ("μV", "mV", 1e-3),
        ("Am", "nAm", 1e9),
        ("nA*m", "nAm", 1),
        ("mA/cm2", "uA/cm**2", 1e3),
        ("kg*m**2/(s**3*A)", "mV", 1e3),
        ("(mV)^2", "V^2", 1e-6),
        ("", "mV", 1),
    ],
)
def test_units_as_people_and_libraries_write_them(given: str, wanted: str, expected: float) -> None:
    assert factor(given, wanted) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "unit",
    [
        "1/0",
        "9**9**9**9",
        "s**9**9",
        "(" * 50 + "s",
        "a" * 10_000,
        "\0",
        "mV if 1 else s",
        "1.0 mV",
        "__import__('os')",
    ],
)
def test_a_unit_that_is_none_is_told_and_never_computed(unit: str) -> None:
    with pytest.raises(ValueError, match="expected units that are known, got") as told:
        factor(unit, "mV")
    assert len(str(told.value)) < 150
