"""The parameter sets that a run evaluates (``optimiser.method: table``), as they were read when it began."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.config.model import Config
from orchestrator.errors import RunFailed
from orchestrator.files import read_json, read_text, write_json
from orchestrator.optimisers.table import TableOptions
from orchestrator.paths import RunPaths
from orchestrator.records import FloatArray
from orchestrator.scores.parameter_sets import ParameterSet, sets_in

# what else to do about a parameter that a set lacks
_INSTEAD = "write it as a number, which is a constant"


@dataclass(frozen=True)
class GivenSet:
    """A parameter set that a run evaluates.

    Parameters
    ----------
    name : str
        What it was called where it was found.
    point : tuple of float
        In the unit cube of the run.
    parameters : mapping of str to float or int
        As they are simulated.
    total_score : float
        That it had; NaN if it had none.
    values, scores : mapping of str to float
        That it had, by target.
    """

    name: str
    point: tuple[float, ...]
    parameters: Mapping[str, float | int]
    total_score: float
    values: Mapping[str, float]
    scores: Mapping[str, float]

    @classmethod
    def of(cls, found: ParameterSet, config: Config) -> GivenSet:
        """Return a set as a configuration evaluates it.

        Raises
        ------
        orchestrator.errors.UsageError
            If a parameter is missing, here or there, or outside of its bounds.
        """
        found.require_given(config)
        space = config.space()
        point = tuple(space.encode_exactly(found.values_of(space.names, config, _INSTEAD)).tolist())
        return cls(found.name, point, space.decode(point), found.total_score, found.values, found.scores)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        return {
            "name": self.name,
            "point": self.point,
            "parameters": dict(self.parameters),
            "total_score": None if math.isnan(self.total_score) else self.total_score,
            "values": dict(self.values),
            "scores": dict(self.scores),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GivenSet:
        """Read what `to_json` wrote; raises `ValueError`, `TypeError` or `KeyError` if that is something else."""
        total = data["total_score"]
        values, scores = ({str(k): float(v) for k, v in data[key].items()} for key in ("values", "scores"))
        parameters = {
            str(name): value if isinstance(value, int) else float(value) for name, value in data["parameters"].items()
        }
        point = tuple(map(float, data["point"]))
        if len(point) != len(parameters):
            raise ValueError("a point has other parameters")
        return cls(str(data["name"]), point, parameters, math.nan if total is None else float(total), values, scores)


@dataclass(frozen=True)
class GivenSets:
    """All parameter sets that a run evaluates.

    Parameters
    ----------
    source : str
        Where they were found.
    sets : sequence of GivenSet
        The best first.
    """

    source: str
    sets: Sequence[GivenSet]

    @classmethod
    def of(cls, path: Path, found: Iterable[ParameterSet], config: Config) -> GivenSets:
        """Return the parameter sets that were found in a file or a run, as a configuration evaluates them.

        Raises
        ------
        orchestrator.errors.UsageError
            If they are not those of the configuration's parameters.
        """
        return cls(str(path), [GivenSet.of(each, config) for each in found])

    @property
    def points(self) -> FloatArray:
        """In the unit cube of the run, shape (n_sets, n_parameters)."""
        return np.array([each.point for each in self.sets])

    @property
    def first(self) -> dict[str, float]:
        """The parameters of the best of them."""
        return dict(self.sets[0].parameters)


def given_sets(config: Config) -> GivenSets | None:
    """Return the parameter sets that a configuration names, as it evaluates them; None if it searches for its own.

    Raises
    ------
    orchestrator.errors.UsageError
        If they cannot be read, or are not those of the configuration's parameters.
    """
    options = config.optimiser
    if not isinstance(options, TableOptions):
        return None
    path = config.model_dir / options.file.expanduser()
    return GivenSets.of(path, sets_in(path, options.best, options.front), config)


def freeze_sets(sets: GivenSets | None, paths: RunPaths) -> None:
    """Keep parameter sets with a run, which goes on with them whatever becomes of the file."""
    if sets is not None:
        write_json(paths.sets, {"source": sets.source, "sets": [each.to_json() for each in sets.sets]})


def digest_of_sets(paths: RunPaths) -> str | None:
    """Return the SHA-256 digest of the parameter sets that are kept with a run, None if there are none."""
    try:
        return hashlib.sha256(read_text(paths.sets).encode()).hexdigest()
    except FileNotFoundError:
        return None


def frozen_sets(paths: RunPaths) -> GivenSets | None:
    """Return what `freeze_sets` kept, None if it was nothing.

    Raises
    ------
    orchestrator.errors.RunFailed
        If they are not those that the run began with.
    """
    try:
        began_with = read_json(paths.model).get("sets")
    except (OSError, ValueError, AttributeError):
        began_with = None
    try:
        if digest_of_sets(paths) != began_with:
            raise RunFailed(f"{paths.sets}: expected the parameter sets that the run began with. Restore it")
        if began_with is None:
            return None
        data = read_json(paths.sets)
        sets = [GivenSet.from_json(each) for each in data["sets"]]
        if not sets or any(each.parameters.keys() != sets[0].parameters.keys() for each in sets):
            raise ValueError("there are none, or of different parameters")
        return GivenSets(str(data["source"]), sets)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise RunFailed(
            f"{paths.sets}: expected the parameter sets that the run began with ({error}). Restore it"
        ) from error
