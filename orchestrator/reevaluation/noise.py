"""The noise of every target beside its norm: how far values of the same parameters differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.yaml_text import read_mapping
from orchestrator.reevaluation.choosing import BestEvaluations, Key, choose
from orchestrator.reevaluation.spread import Again
from orchestrator.reevaluation.store import again_of

# what a standard deviation between seeds must be of, in degrees of freedom, to be worth more than what a model says
_ENOUGH = 3


@dataclass(frozen=True)
class Noise:
    """The noise of one target.

    Parameters
    ----------
    target : str
        Its label.
    sd : float
        Standard deviation of values of the same parameters, in the target's unit.
    norm : float
        Of the target, in its unit; NaN if that is not known.
    source : str
        Where it is known from, in words.
    measured : bool
        Whether it is known from other seeds, and not from what a model has learnt.
    """

    target: str
    sd: float
    norm: float
    source: str
    measured: bool = True

    @property
    def norms(self) -> float:
        """The standard deviation in norms."""
        return self.sd / self.norm

    @property
    def warning(self) -> str:
        """What is wrong if the norm is below the noise, for people; empty if it is not."""
        if not self.sd > self.norm:
            return ""
        return (
            f"norm below noise: target {self.target} has a norm of {self.norm:.3g}, and values of the same parameters "
            f"differ by {self.sd:.3g} ({self.source}): its score is mostly luck. Raise its norm, or let it be measured "
            "for longer"
        )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        norm = self.norm if math.isfinite(self.norm) else None
        return {"sd": self.sd, "norm": norm, "norms": self.norms if norm else None, "source": self.source}


@dataclass(frozen=True)
class Luck:
    """What is known of a run's luck.

    Parameters
    ----------
    choice : BestEvaluations
        The best, by the mean over other seeds if they were evaluated again.
    noises : mapping of str to Noise
        By the label of the target; none of those of which nothing is known.
    """

    choice: BestEvaluations
    noises: Mapping[str, Noise]

    @classmethod
    def of(cls, run: Checkpoint, top: int, front: Sequence[str] = ()) -> Luck:
        """Return what is known of a run, with so many of its best, or of the Pareto front of some targets.

        Raises
        ------
        orchestrator.errors.UsageError
            If the checkpoint, or what is kept of re-evaluations beside it, cannot be read.
        """
        again = again_of(run)
        choice = choose(run, top, again, front)
        return cls(choice, noises_of(run, again, choice.errors))

    @property
    def warnings(self) -> list[str]:
        """What is wrong with norms, for people."""
        return [each.warning for each in self.noises.values() if each.warning]


def noises_of(
    run: Checkpoint, again: Mapping[Key, Again], errors: Mapping[str, float] | None = None
) -> dict[str, Noise]:
    """Return the noise of the targets, by label; of those alone of which it is known.

    It is the pooled standard deviation within the parameter sets that were evaluated again, each under several seeds
    (the sum of squares over the sum of degrees of freedom); or, where these are fewer than 3, the standard error over
    trials, if there are any, or else what the model of the values has learnt, if there is one.

    Parameters
    ----------
    run : Checkpoint
        Of the run.
    again : mapping of tuple to Again
        What other seeds gave.
    errors : mapping of str to float, optional
        Standard errors of values over trials, by target.
    """
    learnt, of_trials = _learnt(run), errors or {}
    found = {}
    for n, (label, norm) in enumerate(zip(run.target_labels, _norms(run), strict=True)):
        spreads = [each.values[label] for each in again.values()]
        known = [(spread.n - 1, spread.sd) for spread in spreads if spread.sd is not None]
        freedom = sum(degrees for degrees, _ in known)
        otherwise = label in of_trials or math.isfinite(learnt[n])
        if freedom >= _ENOUGH or (freedom and not otherwise):
            sd = math.sqrt(sum(degrees * sd**2 for degrees, sd in known) / freedom)
            found[label] = Noise(label, sd, norm, f"standard deviation between seeds of {len(known)} evaluated again")
        elif label in of_trials:
            found[label] = Noise(label, of_trials[label], norm, "standard error over the trials of the best")
        elif math.isfinite(learnt[n] * norm):
            source = "standard deviation that the model has learnt"
            found[label] = Noise(label, learnt[n] * norm, norm, source, measured=False)
    return found


def _learnt(run: Checkpoint) -> list[float]:
    """Return the noise of each target that the model of the values gave last, in norms; NaN if it gave none."""
    last = run.distribution(max(run.n_generations - 1, 0)).get("model_noise", np.zeros((0, 0)))
    wanted = (1, len(run.target_labels))
    return [float(each) for each in last[0]] if last.shape == wanted else [math.nan] * wanted[1]


def _norms(run: Checkpoint) -> list[float]:
    """Return the norm of each target as it was kept, or as the configuration says; NaN if neither does."""
    try:
        specs = read_mapping(run.config_text).get("targets")
    except ValueError:
        specs = None
    said = specs if isinstance(specs, list) and len(specs) == len(run.target_labels) else [{}] * len(run.target_labels)
    kept = run.described if len(run.described) == len(said) else said
    return [_norm(one, other) for one, other in zip(kept, said, strict=True)]


def _norm(*said: object) -> float:
    for each in said:
        norm = each.get("norm") if isinstance(each, Mapping) else None
        if isinstance(norm, (int, float)) and not isinstance(norm, bool):
            return float(norm)
    return math.nan
