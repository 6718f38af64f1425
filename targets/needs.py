"""What a target says that it needs of a simulation: variables that are recorded, stimuli, and where neurons are.

A configuration can then be checked before anything is simulated. Only what a target asks for can be found missing: a
target that says nothing is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.stimuli import SPONTANEOUS, is_spontaneous, is_stimulus


@dataclass(frozen=True)
class Recorded:
    """A variable that a sheet has to record.

    Parameters
    ----------
    variables : tuple of str
        Its names, of which one is enough, because simulators name it differently: ``("gsyn_exc", "g_ex")``.
    option : str
        The target's option to change if it is not recorded: the one that names the variable, or the sheet.
    sheet_name : str, optional
        The sheet; by default the target's ``sheet_name``.
    """

    variables: tuple[str, ...]
    option: str = "sheet_name"
    sheet_name: str | None = None


@dataclass(frozen=True)
class Presented:
    """A stimulus that has to be presented.

    Parameters
    ----------
    name : str
        Its class, as recordings call it: ``FullfieldDriftingSinusoidalGrating``.
    parameters : mapping of str to float
        The values that it must have, in the stimulus' own units: contrast in %, orientation in rad with period pi,
        radius in degrees, duration in ms. Those that are not here may have any value.
    options : mapping of str to str
        The target's options that give parameters, by parameter: what to change if the stimulus is not presented.
    """

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    def is_among(self, stimuli: Iterable[Mapping[str, Any]]) -> bool:
        """Whether one of these stimuli is such a one; of spontaneous activity only one without direct stimulation."""
        return any(
            is_stimulus(each, self.name, self.parameters) and (self.name != SPONTANEOUS or is_spontaneous(each))
            for each in stimuli
        )


@dataclass(frozen=True)
class Located:
    """Neurons of a sheet near the centre of the visual field.

    Parameters
    ----------
    within : float
        Largest distance from the centre in degrees.
    round : bool
        Whether the distance is Euclidean and smaller than `within`, as in a disk, or the larger one of ``|x|`` and
        ``|y|`` and at most `within`, as in a square.
    least : int
        How many there have to be.
    option : str
        The target's option that says how near.
    sheet_name : str, optional
        The sheet; by default the target's ``sheet_name``.
    """

    within: float
    round: bool
    least: int
    option: str
    sheet_name: str | None = None

    def selects(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.bool_]:
        """Return which of N neurons at these positions, in degrees, they are, (N,)."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if self.round:
            return np.asarray(x**2 + y**2 < self.within**2)
        # half a nano-degree: positions on the edge are in, whatever the rounding
        return np.asarray(np.maximum(np.abs(x), np.abs(y)) <= self.within + 5e-10)

    @property
    def words(self) -> str:
        """Where they are, for people."""
        if self.round:
            return f"within {self.within:g} degrees of the centre"
        return f"in the centred square of {2 * self.within:g} degrees"


def extent(x: ArrayLike, y: ArrayLike) -> str:
    """Return between what the positions of neurons are, for people."""
    if not np.size(x):
        return "none"
    return ", ".join(f"{name} from {np.min(each):.4g} to {np.max(each):.4g}" for name, each in (("x", x), ("y", y)))


@dataclass(frozen=True)
class Needs:
    """What a target needs of a simulation; empty if it does not say.

    Parameters
    ----------
    recorded : tuple of Recorded
        All of these variables.
    presented : tuple of Presented
        All of these stimuli.
    located : tuple of Located
        Neurons at all of these places.
    """

    recorded: tuple[Recorded, ...] = ()
    presented: tuple[Presented, ...] = ()
    located: tuple[Located, ...] = ()

    def __add__(self, other: Needs) -> Needs:
        """Return what both need, each thing once, for a target made of two values."""
        recorded = [each for each in other.recorded if each not in self.recorded]
        presented = [each for each in other.presented if each not in self.presented]
        located = [each for each in other.located if each not in self.located]
        return Needs((*self.recorded, *recorded), (*self.presented, *presented), (*self.located, *located))


SPIKES = Recorded(("spikes",))
