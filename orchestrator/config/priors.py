"""How the prior of a parameter is written: a normal or lognormal distribution, or the values that it may have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from orchestrator.optimisers.priors import Choice, Prior

_FORMS = (
    "expected {normal: [mean, sd]}, in the parameter's unit, {lognormal: [median, sd of the natural logarithm]}, or "
    "{choice: [value, value, ...]}, with weights: [weight, weight, ...] beside it or without"
)


def read_prior(value: object) -> Prior | Choice:
    """Return a ``prior`` as it is written; used as a validator."""
    if isinstance(value, Prior | Choice):
        return value
    if (choice := read_choice(value)) is not None:
        return choice
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, numbers),) = value.items()
        if kind in ("normal", "lognormal") and isinstance(numbers, list | tuple) and len(numbers) == 2:
            return Prior(kind, *_centre_and_deviation(kind, numbers))
    raise ValueError(f"{_FORMS}, got {value!r}")


def read_choice(value: object) -> Choice | None:
    """Return a ``prior`` if it is written as a choice; raises ValueError if it is a wrong one."""
    if isinstance(value, Choice):
        return value
    if not isinstance(value, Mapping) or "choice" not in value:
        return None
    if value.keys() - {"choice", "weights"}:
        raise ValueError(f"{_FORMS}, got {dict(value)!r}")
    numbers, weights = _numbers(value["choice"]), value.get("weights")
    if numbers is None or len(set(numbers)) < max(len(numbers), 2):
        raise ValueError(f"expected choice: two or more finite numbers, all different, got {value['choice']!r}")
    if weights is None:
        return Choice(tuple(sorted(numbers)))
    shares = _numbers(weights)
    if shares is None or len(shares) != len(numbers) or min(shares) <= 0:
        raise ValueError(f"expected weights: {len(numbers)} numbers above 0, one for each value, got {weights!r}")
    pairs = sorted(zip(numbers, map(float, shares), strict=True))
    return Choice(tuple(number for number, _ in pairs), tuple(share for _, share in pairs))


def finite_number(value: object) -> int | float | None:
    """Return a finite number as it is written, None if it is none."""
    try:
        # YAML 1.1 takes 1e-3 for text
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return number if math.isfinite(number) else None


def _centre_and_deviation(kind: str, numbers: Sequence[object]) -> tuple[float, float]:
    centre, deviation = (finite_number(each) for each in numbers)
    if centre is None or deviation is None:
        raise ValueError(f"expected two finite numbers, got {list(numbers)!r}")
    if deviation <= 0:
        raise ValueError(f"expected a standard deviation above 0, got {deviation:g}")
    if kind == "lognormal" and centre <= 0:
        raise ValueError(f"expected a median above 0, got {centre:g}")
    return float(centre), float(deviation)


def _numbers(values: object) -> list[int | float] | None:
    """Return finite numbers, None if there are others or this is no list."""
    found = [finite_number(each) for each in values] if isinstance(values, list | tuple) else [None]
    return None if None in found else [each for each in found if each is not None]


def _written(prior: Prior | Choice) -> dict[str, Any]:
    if isinstance(prior, Prior):
        return {prior.kind: [prior.centre, prior.deviation]}
    written = {"choice": list(prior.values)}
    return {**written, "weights": list(prior.weights)} if prior.weights else written


ReadPrior = Annotated[Prior | Choice, PlainValidator(read_prior), PlainSerializer(_written)]
