"""checkpoint.h5: every evaluation of a run, and the optimiser's distribution by generation.

Layout (format 1). Attributes of the file: ``format``, ``config`` (YAML), ``parameters`` and ``targets`` (JSON lists
of names), ``versions`` (JSON). Group ``evaluations``: one row an evaluation, in the order in which they were told.
Group ``optimiser``: one row a generation. No pickles.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from orchestrator.errors import UsageError
from orchestrator.files import replacing
from orchestrator.optimisers.base import Told
from orchestrator.records import Evaluation, FloatArray, Outcome

FORMAT = 1
_NUMBERS = ("generation", "offspring", "attempts", "peak_memory")
_TIMES = ("submitted", "started", "finished")
_SECONDS = ("build", "check", "protocols", "measuring")
# the sum of the scores, for those who look at a long run: checkpoints of earlier versions do not have it
_TOTAL = "total_score"
_TEXTS = ("outcome", "job_id", "host", "message", "log_tail", "reasons", "versions")
_ROWS = 1024


class Checkpoint:
    """A run's history; any number of readers, one writer.

    Parameters
    ----------
    path : pathlib.Path or str
        The file, or the run directory that holds it.

    Raises
    ------
    orchestrator.errors.UsageError
        Where there is no such file, or it is not a checkpoint.
    """

    def __init__(self, path: Path | str):
        path = Path(path)
        self.path = path / "checkpoint.h5" if path.is_dir() else path
        try:
            with h5py.File(self.path, "r") as file:
                found = file.attrs.get("format")
                if found != FORMAT:
                    raise UsageError(f"{self.path}: expected a checkpoint of format {FORMAT}, got {found}")
                self.config_text = str(file.attrs["config"])
                self.parameter_names: list[str] = json.loads(file.attrs["parameters"])
                self.target_labels: list[str] = json.loads(file.attrs["targets"])
                self.versions: dict[str, str] = json.loads(file.attrs["versions"])
        except FileNotFoundError as error:
            raise UsageError(f"{self.path}: there is no such checkpoint") from error
        except (OSError, KeyError, ValueError) as error:
            raise UsageError(f"{self.path}: is not a readable checkpoint ({error})") from error

    @classmethod
    def create(
        cls, path: Path, *, config: str, parameters: Sequence[str], targets: Sequence[str], versions: Mapping[str, str]
    ) -> Checkpoint:
        """Write an empty checkpoint."""
        n_parameters, n_targets = len(parameters), len(targets)
        with _writing(path, b"") as file:
            file.attrs.update(format=FORMAT, config=config, versions=json.dumps(dict(versions)))
            file.attrs.update(parameters=json.dumps(list(parameters)), targets=json.dumps(list(targets)))
            rows = file.create_group("evaluations")
            for name in _NUMBERS:
                _table(rows, name, (), "i8")
            for name in (*_TIMES, *_SECONDS, _TOTAL):
                _table(rows, name, (), "f8")
            for name in _TEXTS:
                _table(rows, name, (), h5py.string_dtype())
            for name, width in (("points", n_parameters), ("parameters", n_parameters)):
                _table(rows, name, (width,), "f8")
            for name in ("values", "scores"):
                _table(rows, name, (n_targets,), "f8")
            optimiser = file.create_group("optimiser")
            _table(optimiser, "mean", (n_parameters,), "f8")
            _table(optimiser, "sigma", (), "f8")
            _table(optimiser, "covariance", (n_parameters, n_parameters), "f8")
        return cls(path)

    def append(self, evaluations: Sequence[Evaluation], state: Mapping[str, FloatArray | float]) -> None:
        """Add a generation, and the distribution that it was drawn from.

        The new file takes the old one's place in one step: readers see the one or the other.

        Raises
        ------
        OSError
            Where the disk is full; the checkpoint is then as it was.
        """
        with _writing(self.path, self.path.read_bytes()) as file:
            columns = [_row(evaluation) for evaluation in evaluations]
            for name, dataset in file["evaluations"].items():
                _extend(dataset, [row[name] for row in columns])
            for name, dataset in file["optimiser"].items():
                _extend(dataset, [state[name]])

    def set_config(self, config: str) -> None:
        """Replace the configuration, where a continued run has changed what may be changed."""
        with _writing(self.path, self.path.read_bytes()) as file:
            file.attrs["config"] = config
        self.config_text = config

    def evaluations(self) -> pd.DataFrame:
        """Return a row an evaluation.

        Returns
        -------
        pandas.DataFrame
            Columns ``generation``, ``offspring``, ``outcome``, ``total_score``, ``attempts``, ``job_id``, ``host``,
            ``submitted``, ``started``, ``finished`` (Unix times in s), then ``parameter:<name>``, ``value:<target>``
            (NaN where there is none), ``score:<target>``.
        """
        with h5py.File(self.path, "r") as file:
            rows = file["evaluations"]
            frame: dict[str, Any] = {name: rows[name][:] for name in ("generation", "offspring")}
            frame["outcome"] = _strings(rows["outcome"])
            # the sum that the optimiser was told, rounded in the same way
            frame["total_score"] = np.array([math.fsum(row) for row in rows["scores"][:]])
            frame["attempts"] = rows["attempts"][:]
            frame.update({name: _strings(rows[name]) for name in ("job_id", "host")})
            frame.update({name: rows[name][:] for name in _TIMES})
            for prefix, dataset, names in (
                ("parameter", "parameters", self.parameter_names),
                ("value", "values", self.target_labels),
                ("score", "scores", self.target_labels),
            ):
                matrix = rows[dataset][:]
                frame.update({f"{prefix}:{name}": matrix[:, n] for n, name in enumerate(names)})
        table: pd.DataFrame = pd.DataFrame(frame)
        return table

    def details(self) -> pd.DataFrame:
        """Return what `evaluations` leaves out, a row an evaluation in the same order.

        Returns
        -------
        pandas.DataFrame
            Columns ``message``, ``log_tail``, ``reasons`` (dict), ``versions`` (dict), ``peak_memory`` (bytes) and the
            wall times ``build``, ``check``, ``protocols``, ``measuring`` in s.
        """
        with h5py.File(self.path, "r") as file:
            rows = file["evaluations"]
            frame: dict[str, Any] = {name: _strings(rows[name]) for name in ("message", "log_tail")}
            frame.update({name: [json.loads(t) for t in _strings(rows[name])] for name in ("reasons", "versions")})
            frame.update({name: rows[name][:] for name in ("peak_memory", *_SECONDS)})
        table: pd.DataFrame = pd.DataFrame(frame)
        return table

    def distribution(self) -> dict[str, FloatArray]:
        """Return ``mean`` (n_generations, n_parameters), ``sigma``, ``covariance`` by generation, in the unit cube."""
        with h5py.File(self.path, "r") as file:
            return {name: dataset[:] for name, dataset in file["optimiser"].items()}

    def told(self) -> list[Told]:
        """Return what the optimiser was told, a generation each, bit for bit."""
        with h5py.File(self.path, "r") as file:
            rows = file["evaluations"]
            generations = rows["generation"][:]
            outcomes = [Outcome(text) for text in _strings(rows["outcome"])]
            points, values, scores = (rows[name][:] for name in ("points", "values", "scores"))
        return [
            Told(points[own], values[own], scores[own], [outcomes[n] for n in np.flatnonzero(own)])
            for own in (generations == number for number in np.unique(generations))
        ]

    @property
    def n_generations(self) -> int:
        """How many generations are complete."""
        with h5py.File(self.path, "r") as file:
            return int(file["optimiser/sigma"].shape[0])


@contextlib.contextmanager
def _writing(path: Path, before: bytes) -> Iterator[h5py.File]:
    """Yield the file in memory, and let it take the place of the one at `path`.

    HDF5 itself crashes where the disk is full.
    """
    content = io.BytesIO(before)
    with replacing(path) as temporary:
        with h5py.File(content, "r+" if before else "w") as file:
            yield file
        temporary.write_bytes(content.getbuffer())


def _table(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any) -> None:
    rows = max(1, _ROWS // max(1, math.prod(shape)))
    group.create_dataset(
        name,
        shape=(0, *shape),
        maxshape=(None, *shape),
        dtype=dtype,
        chunks=(rows, *shape),
        compression="gzip",
        shuffle=True,
    )


def _extend(dataset: h5py.Dataset, rows: Sequence[Any]) -> None:
    before = dataset.shape[0]
    dataset.resize(before + len(rows), axis=0)
    if rows:
        dataset[before:] = rows


def _strings(dataset: h5py.Dataset) -> list[str]:
    return [str(text) for text in dataset.asstr()[:]]


def _storable(text: str) -> str:
    """Return what HDF5 can keep: a crashed simulation may print NULs, and bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "")


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
        "job_id": _storable(result.job_id),
        "host": _storable(result.host),
        "message": _storable(result.message),
        "log_tail": _storable(result.log_tail),
        "reasons": json.dumps(dict(result.reasons)),
        "versions": json.dumps(dict(result.versions)),
        "points": offspring.point,
        "parameters": tuple(offspring.parameters.values()),
        "values": evaluation.values,
        "scores": evaluation.scores,
        _TOTAL: evaluation.total_score,
    }
