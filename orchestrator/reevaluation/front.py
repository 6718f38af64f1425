"""The Pareto front of a run: no other evaluation is better in a target without being worse in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.reevaluation.choosing import BestEvaluations, Candidate, choose
from orchestrator.reevaluation.store import again_of
from targets.plugins import nearest


@dataclass(frozen=True)
class Front:
    """The Pareto front of some targets of a run.

    Parameters
    ----------
    choice : BestEvaluations
        All its members, that of the least total score first.
    targets : tuple of str
        Labels of the targets that count, at least one.

    Examples
    --------
    >>> from orchestrator import Run
    >>> Run("20261120-104608_Optimization").front("ReturnedValue(rate)").targets
    ('ReturnedValue(rate)',)
    """

    choice: BestEvaluations
    targets: tuple[str, ...]

    @classmethod
    def of(cls, run: Checkpoint, targets: Sequence[str] = ()) -> Front:
        """Return that of a run.

        Parameters
        ----------
        run : Checkpoint
            Of the run.
        targets : sequence of str
            Labels of the targets that count; none for all.

        Raises
        ------
        orchestrator.errors.UsageError
            If the run has no such target.
        """
        labels = front_targets(run, targets)
        choice = choose(run, len(run.evaluations()), again_of(run), labels)
        return cls(replace(choice, wanted=len(choice.best)), labels)

    @property
    def options(self) -> tuple[str, ...]:
        """The options of ``orchestrator best`` that mean this front."""
        return front_options(self.targets, tuple(self.members[0].scores) if self.members else self.targets)

    @property
    def members(self) -> tuple[Candidate, ...]:
        """Best total score first.

        Examples
        --------
        >>> from orchestrator import Run
        >>> [each.name for each in Run("20261120-104608_Optimization").front().members]
        ['generation 1 offspring 2', 'generation 2 offspring 2']
        """
        return self.choice.best

    @property
    def knee(self) -> Candidate | None:
        """The member that gives up little in every target for what it has in the others; None if there are no members.

        Scores count as shares of the front's extent in each target, 0 its best and 1 its worst; the knee has the least
        sum of them. Of a front of two targets it is the farthest from the line between the ends (Das 1999, Structural
        Optimization 18:107).

        Examples
        --------
        >>> from orchestrator import Run
        >>> Run("20261120-104608_Optimization").front().knee.scores
        {'ReturnedValue(rate)': 0.5, 'ReturnedValue(cv)': 0.0}
        """
        if not self.members:
            return None
        scores = np.array([[each.scores[label] for label in self.targets] for each in self.members])
        extent = np.ptp(scores, axis=0)
        shares = (scores - scores.min(axis=0)) / np.where(extent > 0, extent, 1.0)
        return self.members[int(shares.sum(axis=1).argmin())]


def front_targets(run: Checkpoint, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the targets that count: all, or those that are wanted, in the order of the run.

    Raises
    ------
    orchestrator.errors.UsageError
        If the run has no such target.
    """
    labels = run.target_labels
    for name in wanted:
        if name not in labels:
            known = f"there are {', '.join(labels)}"
            raise UsageError(f"--target {name}: expected a target of {run.path}{nearest(name, labels)}; {known}")
    return tuple(label for label in labels if not wanted or label in wanted)


def front_options(targets: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """Return the options of ``orchestrator best`` that mean the front of some targets of a run.

    Parameters
    ----------
    targets : sequence of str
        Labels of those that count; none if the front does not matter.
    labels : sequence of str
        Of all targets of the run.
    """
    if not targets:
        return ()
    some = targets if len(targets) < len(labels) else ()
    return ("--front", *(word for label in some for word in ("--target", label)))
