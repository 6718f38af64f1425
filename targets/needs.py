"""What a target says that it needs of a simulation: variables that are recorded, and stimuli that are presented.

A configuration can then be checked before anything is simulated. Only what a target asks for can be found missing: a
target that says nothing is not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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


@dataclass(frozen=True)
class Needs:
    """What a target needs of a simulation; empty if it does not say.

    Parameters
    ----------
    recorded : tuple of Recorded
        All of these variables.
    presented : tuple of Presented
        All of these stimuli.
    """

    recorded: tuple[Recorded, ...] = ()
    presented: tuple[Presented, ...] = ()

    def __add__(self, other: Needs) -> Needs:
        """Return what both need, each thing once, for a target made of two values."""
        recorded = [each for each in other.recorded if each not in self.recorded]
        presented = [each for each in other.presented if each not in self.presented]
        return Needs((*self.recorded, *recorded), (*self.presented, *presented))


SPIKES = Recorded(("spikes",))
