"""Bounds that follow from other parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.parameters.expressions import Expression, NoNumber, Number, Numbers
from orchestrator.parameters.given import Given


@dataclass(frozen=True, eq=False)
class Bounds:
    """Two expressions between which a parameter is searched.

    Parameters
    ----------
    low, high : Expression
        As they are written: which of them is the smaller one is not known.
    given : Given
        What the names in them are.
    """

    low: Expression
    high: Expression
    given: Given

    @classmethod
    def of(cls, given: Given) -> dict[str, Bounds]:
        """Return the bounds of every parameter that has such, by its name."""
        return {name: cls(low, high, given) for name, (low, high) in given.bounds.items()}

    def __str__(self) -> str:
        return f"[{self.low.text}, {self.high.text}]"

    @property
    def names(self) -> tuple[str, ...]:
        """The searched parameters that they depend on, by the bounds of these too."""
        return self.given.searched_in(*self.low.names, *self.high.names)

    def ends(self, searched: Numbers) -> tuple[Number, Number]:
        """Return both in numbers.

        Parameters
        ----------
        searched : mapping of str to float or int
            A value for each of `names`.

        Raises
        ------
        orchestrator.parameters.expressions.NoNumber
            If one of them has no value.
        """
        low, high = self.given.value(self.low, searched), self.given.value(self.high, searched)
        # a name alone may be what was not recorded
        if not (math.isfinite(low) and math.isfinite(high)):
            raise NoNumber(f"{self} has no value")
        return low, high
