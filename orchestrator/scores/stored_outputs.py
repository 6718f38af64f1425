"""What a run has kept of the way to its values: the measured data, and the outputs that values are computed from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from orchestrator.config.file import TargetList
from orchestrator.config.yaml_text import read_mapping
from orchestrator.data import DataSource, frozen_data
from orchestrator.paths import RunPaths
from orchestrator.records import FloatArray
from targets import Events, Trace

if TYPE_CHECKING:
    from orchestrator.checkpoint import Checkpoint

Data = Mapping[str, Trace | Events]
NOT_KEPT = "the outputs that its value is computed from were not kept, because there are very many"


def data_of(checkpoint: Checkpoint, specs: Sequence[Mapping[str, Any]]) -> Data:
    """Return the measured recordings that a run began with, those at least that its targets name.

    Raises
    ------
    orchestrator.errors.RunFailed
        If they are not there.
    """
    named = {str(spec["data"]) for spec in specs if spec.get("data") is not None}
    return frozen_data(RunPaths(checkpoint.path.parent), named)


def data_for(checkpoint: Checkpoint, wanted: TargetList, frozen: Data) -> Data:
    """Return the measured recordings that targets compare with now: those of their configuration, or of the run.

    What a function has made for the run stands for what the same function would make now.

    Raises
    ------
    orchestrator.errors.ConfigError
        If one cannot be read, or would have to be made by another function.
    """
    if wanted.data is None:
        return frozen
    before = _sources_of(checkpoint)
    made = {
        name: frozen[name]
        for name, source in wanted.data.items()
        if source.function is not None and source == before.get(name) and name in frozen
    }
    return wanted.read_data(made)


def _sources_of(checkpoint: Checkpoint) -> dict[str, DataSource]:
    try:
        listed = read_mapping(checkpoint.config_text).get("data") or {}
        return {str(name): DataSource.model_validate(each) for name, each in listed.items()}
    except (ValidationError, ValueError, AttributeError):
        return {}


def outputs_of(checkpoint: Checkpoint) -> dict[str, list[FloatArray | None]]:
    """Return the outputs of each evaluation in the order of the checkpoint, by target; None where none are kept."""
    rows: dict[str, list[FloatArray | None]] = {label: [] for label in checkpoint.target_labels}
    for told in checkpoint.told():
        for n, label in enumerate(checkpoint.target_labels):
            kept = told.outputs.get(n, np.full((len(told.points), 1), math.nan))
            rows[label] += [None if np.isnan(row).any() else row for row in kept]
    return rows
