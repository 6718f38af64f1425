"""Parameter sets that were found elsewhere, the best of which a search starts from: ``optimiser.start_from``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.config.model import Config
from orchestrator.scores.parameter_sets import sets_in


def file_of(config: Config) -> Path | None:
    """Return what ``optimiser.start_from`` names, relative to the model's directory; None if it names nothing."""
    named = config.optimiser.start_from
    return None if named is None else config.model_dir / named.expanduser()


def start_from(config: Config, names: Sequence[str]) -> dict[str, float]:
    """Return the values of these parameters in the best parameter set that ``optimiser.start_from`` names.

    Of a run that is the evaluation that ``orchestrator best`` lists first; of a table or a JSON file the one with the
    least ``total_score``, or the first if none has one.

    Parameters
    ----------
    config : Config
        That names something.
    names : sequence of str
        Searched parameters.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be read, lacks a parameter, or has it outside of its bounds.
    """
    path = file_of(config)
    if path is None:
        return {}
    (best,) = sets_in(path, best=1)
    return best.values_of(names, config, "give a start value of it", config.optimiser_centroid)
