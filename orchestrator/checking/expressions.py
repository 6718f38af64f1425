"""Whether what is computed from the searched parameters has a value: where the search begins, and at the bounds."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.config.model import Config
from orchestrator.optimisers.widest import corners
from orchestrator.parameters.expressions import NoNumber
from orchestrator.simulations import Finding


def expression_findings(config: Config) -> list[Finding]:
    """Return why an expression has no value at the start, where then nothing could be simulated."""
    try:
        config.given().values(config.start)
    except NoNumber as error:
        message = f"{error}. This is at the start: give other start values, or another expression"
        return [(("parameters", error.name), message)]
    return []


def expression_notes(config: Config) -> Iterator[Finding]:
    """Yield where at the bounds an expression has no value; the configuration has a start value for everything."""
    given, space, start = config.given(), config.space(), config.start
    for name in given.expressions:
        for numbers in corners(space, given.searched_in(name), start):
            try:
                given.values(numbers)
            except NoNumber as error:
                if error.name == name:
                    message = f"{error}. An evaluation there fails (SIMULATION_ERROR); the search learns to avoid it"
                    yield ("parameters", name), message
                    break
