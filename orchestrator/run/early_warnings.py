"""Warnings about what the first evaluations show: what is wrong from the start is told before a generation is lost."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from orchestrator.records import Evaluation, Origin, Outcome
from orchestrator.status.described import START_EXPLODED
from targets import Target

_LOG = logging.getLogger(__name__)


class EarlyWarnings:
    """Says in the log if the start values explode, and which targets the first simulation has no value of.

    Parameters
    ----------
    targets : sequence of Target
        In the order of the evaluations' values.
    """

    def __init__(self, targets: Sequence[Target]):
        self._targets = targets
        self._measured = False

    def look(self, evaluation: Evaluation) -> None:
        """Take an evaluation that has just landed."""
        result, offspring = evaluation.result, evaluation.offspring
        if offspring.origin is Origin.START and result.outcome is Outcome.EXPLODED:
            _LOG.warning("%s (%s)", START_EXPLODED, result.message)
        if self._measured or result.outcome is not Outcome.OK:
            return
        self._measured = True
        where = f"offspring {offspring.index} of generation {offspring.generation}"
        for target, value in zip(self._targets, evaluation.values, strict=True):
            if math.isnan(value):
                label, reason = target.label, result.reasons.get(target.label, "no reason was given")
                _LOG.warning("target %s has no value in the first simulation, %s: %s", label, where, reason)
                if (option := result.unfit.get(label)) is not None:
                    key = f"targets[{target.entry}].{option}"
                    _LOG.warning("%s: no parameters change that. Stop the run, correct it and start another run", key)
