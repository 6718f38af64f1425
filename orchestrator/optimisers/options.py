"""What a configuration says about its optimiser, typed: the keys that every method has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from orchestrator.config.section import CIRCUMSTANCE, PluginOptions
from orchestrator.references import Cited

if TYPE_CHECKING:
    from orchestrator.optimisers.base import Problem


class OptimiserOptions(PluginOptions):
    """The section ``optimiser``; a method that has options of its own adds them in a subclass."""

    # fewer than this it cannot use
    least_offspring: ClassVar[int] = 1
    # keys that came later, and what runs of versions without them had
    before: ClassVar[Mapping[str, object]] = {}

    method: str = Field(description="name of the optimiser, or file.py:Class for one of your own")
    start_from: Path | None = Field(
        None,
        description="what the search starts from, relative to model_dir: the best of another run (its directory), of a "
        "table (.csv) or of parameter sets (.json); methods that can learn from its evaluations do",
    )
    polish: Literal["none", "nelder_mead", "gauss_newton"] = Field(
        "none",
        description="a local method that goes on from the best points with the last part of the budget, or as soon as "
        "the optimiser has converged",
    )
    polish_after: float = Field(
        0.6,
        gt=0,
        le=1,
        description="share of the evaluations of the whole run after which it does",
        json_schema_extra=CIRCUMSTANCE,
    )

    @property
    def packages(self) -> Sequence[str]:
        """Distributions that decide about a replay besides those of the method."""
        return ()

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks; methods for which it does say so."""
        return False

    @property
    def parts(self) -> Sequence[Cited]:
        """What the method works with by these options, that a text says and cites beside the method itself."""
        return ()

    def default_offspring(self, n_parameters: int) -> int:
        """Return how many offspring a generation has if the configuration does not say it."""
        return 4 + math.floor(3 * math.log(n_parameters))

    def missing(self) -> str | None:
        """Return what this Python lacks for the method, with the command that installs it; None if nothing."""
        return None

    def problems(self, problem: Problem) -> list[tuple[str, str]]:
        """Return why a search by these options cannot begin, each with the key of the section to fix.

        A user's own code is imported; this is called before a run and by ``orchestrator check``, never where somebody
        only looks.

        Parameters
        ----------
        problem : Problem
            What is to be solved.
        """
        missing = self.missing()
        return [("method", missing)] if missing else []

    def as_it_was(self, frozen: OptimiserOptions) -> OptimiserOptions:
        """Return the options of a run that goes on: keys that came later and are not given are as they were in it.

        Parameters
        ----------
        frozen : OptimiserOptions
            What the run was made with; of the same method.
        """
        left_out = self.before.keys() - self.model_fields_set
        was = {key: getattr(frozen, key) if key in frozen.model_fields_set else self.before[key] for key in left_out}
        return self.model_copy(update=was)


def missing_extra(what: str, module: str, extra: str) -> str | None:
    """Return that a package of an extra is not installed, and how to install it; None if it is.

    Parameters
    ----------
    what : str
        What needs it, for the message.
    module : str
        What is imported.
    extra : str
        The extra of this program's distribution.
    """
    if find_spec(module) is not None:
        return None
    package = module.replace("_", "-")
    return f"{what} needs {package}: pip install 'mozaik-orchestrator[{extra}]'"
