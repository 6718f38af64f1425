"""Samples of a posterior distribution as they are kept, in the run directory or as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from orchestrator.errors import UsageError
from orchestrator.files import replacing
from orchestrator.posterior import Method
from orchestrator.posterior.predicted import QUANTILES, Predicted, PredictedTrace
from orchestrator.posterior.ranks import Ranks
from orchestrator.records import FloatArray


@dataclass(frozen=True)
class Quality:
    """How good the model of a target is where the posterior is.

    Parameters
    ----------
    target : str
        Its label.
    error : float
        Root mean square error of predicting each near evaluation by the others, in standard deviations of the data; NaN
        if none is near. It, and the next two, are NaN of networks, which predict no values.
    standard : float
        The same in standard deviations that the model expects, with the noise of a single evaluation: 1 if it is right.
    uncertainty : float
        Root mean square of the standard deviation that the model expects at the samples, likewise.
    misfit : float
        Distance of the nearest evaluation from what is wanted, likewise.
    """

    target: str
    error: float
    standard: float
    uncertainty: float
    misfit: float


@dataclass(frozen=True)
class Samples:
    """Samples of the parameters.

    Parameters
    ----------
    names : sequence of str
        Of the parameters.
    values : ndarray of float, shape (n_samples, n_parameters)
        In the parameters' own units.
    logarithms : ndarray of float, shape (n_samples,)
        Of the posterior density in the unit cube, up to a constant.
    blocks : int
        How many tells of the run were known.
    evaluations, learnt, near : int
        How many evaluations were in them that speak of their parameters, how many of them the model has learnt, and how
        many of these are near.
    times : sequence of float
        Autocorrelation time of each parameter, in steps of the walkers.
    effective : float
        How many independent samples they were drawn from.
    qualities : sequence of Quality
        Of each target.
    warnings : sequence of str
        Why not to trust them.
    predicted : Predicted or None
        What simulations would give at them; None if that is not known.
    calibration : Ranks or None
        Whether posteriors like this one are as wide as they should be; None if that was not asked for.
    method : Method
        What has learnt from the evaluations.
    """

    names: Sequence[str]
    values: FloatArray
    logarithms: FloatArray
    blocks: int
    evaluations: int
    learnt: int
    near: int
    times: Sequence[float]
    effective: float
    qualities: Sequence[Quality]
    warnings: Sequence[str]
    predicted: Predicted | None = None
    calibration: Ranks | None = None
    method: Method = Method.GP

    def write(self, path: Path) -> None:
        """Write them, as arrays and what is known of them (``.npz``), or as a table of the samples alone (``.csv``).

        Raises
        ------
        orchestrator.errors.UsageError
            If it is neither, or cannot be written.
        """
        if path.suffix not in (".npz", ".csv"):
            raise UsageError(f"--out: expected a file .npz or .csv, got {path}")
        try:
            with replacing(path) as temporary:
                if path.suffix == ".npz":
                    with temporary.open("wb") as file:
                        np.savez_compressed(file, **self._arrays())
                else:
                    with temporary.open("w", encoding="utf-8", newline="") as table:
                        rows = np.column_stack([self.values, self.logarithms]).tolist()
                        csv.writer(table).writerows([[*self.names, "log_posterior"], *rows])
        except OSError as error:
            raise UsageError(f"--out: {path} cannot be written: {error.strerror}") from error

    def _arrays(self) -> dict[str, Any]:
        about: dict[str, Any] = {key: getattr(self, key) for key in (*_KEPT, "method")}
        about["qualities"] = [asdict(each) for each in self.qualities]
        arrays: dict[str, Any] = {"values": self.values, "logarithms": self.logarithms}
        if self.predicted is not None:
            about["targets"] = list(self.predicted.targets)
            about["traces"] = [[each.target, each.unit] for each in self.predicted.traces]
            arrays["predicted"] = self.predicted.quantiles
            arrays |= {f"trace_{n}": each.array() for n, each in enumerate(self.predicted.traces)}
        if self.calibration is not None:
            arrays["ranks"] = self.calibration.ranks
            if self.calibration.widths is not None:
                arrays["widths"] = self.calibration.widths
        return {**arrays, "about": json.dumps(about)}

    @classmethod
    def read(cls, path: Path) -> Samples:
        """Return what `write` has written into an ``.npz``.

        Raises
        ------
        OSError
            If it cannot be opened.
        ValueError
            If it is something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                about: Mapping[str, Any] = json.loads(str(arrays["about"]))
                values, logarithms = (np.asarray(arrays[name], dtype=float) for name in ("values", "logarithms"))
                predicted = _predicted(arrays, about) if "predicted" in arrays else None
                ranks, widths = arrays.get("ranks"), arrays.get("widths")
                calibration = Ranks.of(about["names"], ranks, widths) if ranks is not None else None
            kept = {key: about[key] for key in _KEPT} | {"method": Method(about.get("method", Method.GP))}
            qualities = [Quality(**each) for each in about["qualities"]]
            if values.shape != (len(logarithms), len(kept["names"])) or not np.isfinite(values).all():
                raise ValueError(f"unexpected samples of shape {values.shape}")
            if not all(isinstance(kept[key], int) for key in ("blocks", "evaluations", "learnt", "near")):
                raise ValueError("expected how many evaluations they are of")
            return cls(
                values=values,
                logarithms=logarithms,
                qualities=qualities,
                predicted=predicted,
                calibration=calibration,
                **kept,
            )
        except (AttributeError, BadZipFile, EOFError, LookupError, TypeError) as error:
            raise ValueError(f"expected samples of a posterior distribution ({error})") from error


_KEPT = ("names", "blocks", "evaluations", "learnt", "near", "times", "effective", "warnings")


def _predicted(arrays: Mapping[str, npt.NDArray[np.generic]], about: Mapping[str, Any]) -> Predicted:
    """Return predictions that were kept; raises errors as `Samples.read` turns into one."""
    targets, quantiles = about["targets"], np.asarray(arrays["predicted"], dtype=float)
    if quantiles.shape != (len(QUANTILES), len(targets)) or np.isinf(quantiles).any():
        raise ValueError(f"unexpected predictions of shape {quantiles.shape}")
    labels = [str(target) for target, _ in about["traces"]]
    if len(set(labels) & set(targets)) < len(labels):
        raise ValueError(f"unexpected traces of {', '.join(labels)}")
    traces = [
        PredictedTrace.of(label, str(unit), arrays[f"trace_{n}"])
        for n, (label, (_, unit)) in enumerate(zip(labels, about["traces"], strict=True))
    ]
    return Predicted(targets, quantiles, traces)
