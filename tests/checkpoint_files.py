"""Checkpoints as earlier versions wrote them, and others whose rows are changed by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from orchestrator.records import Evaluation

_TEXTS = ("outcome", "job_id", "host", "message", "log_tail", "reasons", "versions")
_SECONDS = ("build", "check", "protocols", "measuring")


def write_first_format(
    path: Path,
    generations: Sequence[Sequence[Evaluation]],
    state: Mapping[str, Any],
    *,
    parameters: Sequence[str],
    targets: Sequence[str],
    config: str = "a: 1\n",
    totals: bool = True,
) -> None:
    """Write a checkpoint of format 1; the first of them had no column of total scores."""
    rows = [_row(evaluation) for evaluations in generations for evaluation in evaluations]
    with h5py.File(path, "w") as file:
        file.attrs.update(format=1, config=config, versions=json.dumps({"cma": "4"}))
        file.attrs.update(parameters=json.dumps(list(parameters)), targets=json.dumps(list(targets)))
        group = file.create_group("evaluations")
        for name in rows[0]:
            if totals or name != "total_score":
                column = [row[name] for row in rows]
                kind = {"dtype": h5py.string_dtype()} if name in _TEXTS else {}
                group.create_dataset(name, data=column, compression="gzip", shuffle=True, chunks=True, **kind)
        optimiser = file.create_group("optimiser")
        for name, value in state.items():
            optimiser[name] = np.array([value] * len(generations))


def _row(evaluation: Evaluation) -> dict[str, Any]:
    offspring, result = evaluation.offspring, evaluation.result
    return {
        "generation": offspring.generation,
        "offspring": offspring.index,
        "attempts": evaluation.attempts,
        "peak_memory": result.peak_memory,
        "submitted": evaluation.submitted,
        "started": result.started,
        "finished": result.finished,
        **{name: result.seconds.get(name, math.nan) for name in _SECONDS},
        "outcome": result.outcome.value,
        "job_id": result.job_id,
        "host": result.host,
        "message": result.message,
        "log_tail": result.log_tail,
        "reasons": json.dumps(dict(result.reasons)),
        "versions": json.dumps(dict(result.versions)),
        "points": offspring.point,
        "parameters": tuple(offspring.parameters.values()),
        "values": evaluation.values,
        "scores": evaluation.scores,
        "total_score": evaluation.total_score,
    }


def change_rows(path: Path, change: Callable[[h5py.Group], None]) -> None:
    """Change the rows of every tell in place, as no program of ours does."""
    with h5py.File(path, "r+") as file:
        for hundred in file["tells"].values():
            for tell in hundred.values():
                change(tell)
