"""Physical units of quantities in a file, as factors to the units that the targets compute in."""

from __future__ import annotations

from typing import NamedTuple

from targets.pickles.inert import Array, Instance, Refused


class Unit(NamedTuple):
    """A unit of one physical dimension."""

    dimension: str
    factor: float
    """What to multiply a number by to have it in ms, mV, uS or nA."""


_PREFIXES = {"": 1.0, "milli": 1e-3, "micro": 1e-6, "nano": 1e-9, "pico": 1e-12}
_UNITS = {"minute": Unit("time", 60e3), "hour": Unit("time", 3600e3)}
for _name, _dimension, _scale in (
    ("second", "time", 1e3),
    ("volt", "voltage", 1e3),
    ("siemens", "conductance", 1e6),
    ("ampere", "current", 1e9),
):
    # round() keeps 1e-3 * 1e3 and its like exactly 1.
    _UNITS |= {p + _name: Unit(_dimension, float(f"{f * _scale:.12g}")) for p, f in _PREFIXES.items()}
_SYMBOLS = {
    "s": "second", "ms": "millisecond", "us": "microsecond", "V": "volt", "mV": "millivolt", "uV": "microvolt",
    "S": "siemens", "mS": "millisiemens", "uS": "microsiemens", "nS": "nanosiemens", "A": "ampere",
    "uA": "microampere", "nA": "nanoampere", "pA": "picoampere",
}  # fmt: skip


def unit_of(units: object) -> Unit:
    """Return the unit that a Quantity, a Dimensionality or a text stands for.

    Raises
    ------
    Refused
        If it is a product of units, or one of another dimension than time, voltage, conductance and current.
    """
    if isinstance(units, Array):
        return unit_of(units.units)
    if isinstance(units, str):
        name = units
    elif isinstance(units, Instance):
        if not units.entries:
            return Unit("dimensionless", 1.0)
        names = [unit.args[0] for unit in units.entries if isinstance(unit, Instance) and unit.args]
        if len(units.entries) != 1 or len(names) != 1 or list(units.entries.values()) != [1]:
            raise Refused(f"the unit {' * '.join(map(str, names))!r:.100}, a simple one was expected")
        name = names[0]
    else:
        raise Refused("a quantity without units")
    try:
        return _UNITS[_SYMBOLS.get(name, name)]
    except (KeyError, TypeError):
        raise Refused(f"the unit {name!r:.60}, one of time, voltage, conductance or current was expected") from None


def milliseconds(quantity: object) -> float:
    """Return a scalar quantity of time in ms."""
    if not isinstance(quantity, Array):
        raise Refused("a time that isn't a quantity")
    unit = unit_of(quantity)
    values = quantity.numpy()
    if unit.dimension != "time" or values.size != 1 or values.dtype.kind not in "iuf":
        raise Refused("a time that isn't one number of seconds or the like")
    return float(values.reshape(-1)[0]) * unit.factor
