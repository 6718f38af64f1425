"""What simulations got besides the searched parameters: not stored, but computed from the run's configuration."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.config.yaml_text import read_mapping
from orchestrator.parameters.given import Given
from orchestrator.records import FloatArray


def given_in(config_text: str, names: Sequence[str]) -> Given:
    """Return what a run's configuration says of its parameters; that all is searched if it does not fit what is stored.

    Parameters
    ----------
    config_text : str
        The configuration as YAML; nothing that is wrong with it is an error, because what is stored is there all the
        same.
    names : sequence of str
        The parameters that are stored.
    """
    try:
        given = Given.of({str(name): spec for name, spec in read_mapping(config_text)["parameters"].items()})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        given = None
    fits = given is not None and set(given.searched) <= set(names)
    return given if given and fits else Given.of(dict.fromkeys(names))


def derived_columns(given: Given, names: Sequence[str], parameters: FloatArray) -> dict[str, list[float]]:
    """Return ``parameter:<name>`` of all that follows from the stored parameters, NaN if it has no value.

    Parameters
    ----------
    given : Given
        How it follows.
    names : sequence of str
        Of the columns of `parameters`.
    parameters : ndarray, shape (n_evaluations, n_parameters)
        In their own units.
    """
    if not given.derived:
        return {}
    rows = [given.values_or_nan(dict(zip(names, row, strict=True))) for row in parameters.tolist()]
    return {f"parameter:{name}": [float(row[name]) for row in rows] for name in given.derived}
