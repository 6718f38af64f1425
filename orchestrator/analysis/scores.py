"""Scores of several datastores as tables: which target fails, why, and what measuring takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from orchestrator.analysis.finding import FoundSimulation
from orchestrator.analysis.measured import Measured, measure_apart
from orchestrator.analysis.rows import sorted_by, table_of
from orchestrator.config.file import load_targets
from orchestrator.errors import UsageError
from targets import Target

_MB = 1024**2


def config_of(where: str | Path | Sequence[str | Path], config: str | Path = "") -> Path:
    """Return the configuration file whose targets are measured: the one that is given, or the run's own.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is none.
    """
    runs = _runs(where)
    if not config and not runs:
        raise UsageError("no configuration is given, and the directory is no run: set `config` to a file with targets")
    file = Path(config).expanduser() if config else runs[0] / "config.yaml"
    if not file.is_file():
        raise UsageError(f"{file}: there is no such configuration file")
    return file


def wanted_targets(where: str | Path | Sequence[str | Path], config: str | Path = "") -> list[Target]:
    """Return the targets of the configuration that is given, or of the run; none where there is neither.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such file.
    orchestrator.errors.ConfigError
        If its targets are not valid.
    """
    return load_targets(config_of(where, config)).create() if config or _runs(where) else []


def score_all(simulations: Sequence[FoundSimulation], config: Path) -> dict[str, Measured]:
    """Measure one simulation after the other, each in a process of its own.

    Parameters
    ----------
    simulations : sequence of FoundSimulation
        As `orchestrator.analysis.find_simulations` returns them.
    config : pathlib.Path
        A configuration, of which only the targets are read.

    Returns
    -------
    dict
        By the simulation's name; one that cannot be read has no values, and the reason.

    Raises
    ------
    orchestrator.errors.ConfigError
        If its targets are not valid.
    """
    wanted = load_targets(config)
    targets = wanted.create()
    classes = [wanted.class_of(target) for target in targets]
    return {each.name: measure_apart(each.path, config, targets, classes) for each in simulations}


def scores_table(measured: dict[str, Measured]) -> pd.DataFrame:
    """Return one row per datastore, the best first: ``datastore``, ``total score``, and the score of every target."""
    rows = []
    for name, each in measured.items():
        scores = {score.target.label: score.score for score in each.scored.scores}
        rows.append({"datastore": name, "total score": each.scored.total_score, **scores})
    return sorted_by(table_of(rows, ["datastore", "total score"]), "total score")


def values_table(measured: dict[str, Measured]) -> pd.DataFrame:
    """Return one row per datastore and target: value, unit, what is wanted, norm, score, and why there is no value."""
    rows = [
        {
            "datastore": name,
            "target": score.target.label,
            "value": math.nan if score.value is None else score.value,
            "unit": score.target.unit,
            "wanted": score.target.wanted_in_words,
            "norm": score.target.norm,
            "score": score.score,
            "why there is no value": score.reason or "",
        }
        for name, each in measured.items()
        for score in each.scored.scores
    ]
    columns = ["datastore", "target", "value", "unit", "wanted", "norm", "score", "why there is no value"]
    return table_of(rows, columns)


def failing_table(measured: dict[str, Measured]) -> pd.DataFrame:
    """Return the rows of `values_table` that are further than 1 norm from what is wanted, the worst first."""
    table = values_table(measured)
    return sorted_by(table[table["score"] > 1], "score", ascending=False)


def memory_table(measured: dict[str, Measured], simulations: Sequence[FoundSimulation]) -> pd.DataFrame:
    """Return what measuring took, sizes and memory in MB, and how long it took in s.

    The memory is that of the whole process, the interpreter and its libraries (about 100 MB) included: what a job needs
    for measuring, besides the simulation.
    """
    rows = []
    for each in simulations:
        sizes = [file.stat().st_size for file in each.path.rglob("*") if file.is_file()]
        found = measured[each.name]
        rows.append(
            {
                "datastore": each.name,
                "size (MB)": sum(sizes) / _MB,
                "largest file (MB)": max(sizes, default=0) / _MB,
                "memory (MB)": found.memory / _MB,
                "seconds": found.seconds,
            }
        )
    return table_of(rows, ["datastore", "size (MB)", "largest file (MB)", "memory (MB)", "seconds"])


def _runs(where: str | Path | Sequence[str | Path]) -> list[Path]:
    given = [where] if isinstance(where, (str, Path)) else list(where)
    return [Path(each) for each in given if (Path(each) / "checkpoint.h5").is_file()]
