"""Optimisers by name: the ``@optimiser`` decorator, and optimisers made from the section of a configuration."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator import __version__
from orchestrator.optimisers.base import Optimiser, Problem
from orchestrator.optimisers.guard import Guarded
from orchestrator.optimisers.polishing import Polished

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from orchestrator.optimisers.options import OptimiserOptions
    from targets.plugins import Registry

OptimiserClass = TypeVar("OptimiserClass", bound=type[Any])


@dataclass(frozen=True)
class OptimiserKind:
    """A registered optimiser.

    Parameters
    ----------
    name : str
        What a configuration calls it.
    create : callable
        The class; takes options and `Problem`.
    options : type of OptimiserOptions
        The keys of its section.
    packages : sequence of str
        Distributions whose versions decide about a replay.
    any_rows : bool
        Whether it may be asked again before it was told, and told of any points that it has asked for.
    proposes : bool
        Whether a model may propose points: `Optimiser.ask` has its two parameters then.
    """

    name: str
    create: Callable[[Any, Problem], Optimiser]
    options: type[OptimiserOptions]
    packages: Sequence[str]
    any_rows: bool = False
    proposes: bool = False

    @property
    def documentation(self) -> str:
        """What the optimiser is: the first paragraph of the docstring of its class."""
        return (inspect.getdoc(self.create) or "").partition("\n\n")[0]


def optimiser(
    name: str,
    *,
    options: type[OptimiserOptions] | None = None,
    packages: Sequence[str] = ("numpy",),
    any_rows: bool = False,
    proposes: bool = False,
) -> Callable[[OptimiserClass], OptimiserClass]:
    """Register the decorated class, which takes options and `Problem`, as an optimiser.

    Parameters
    ----------
    name : str
        What a configuration calls it, in ``optimiser.method``.
    options : type of OptimiserOptions, optional
        The keys of its section; by default only ``method``.
    packages : sequence of str
        Distributions whose versions decide about a replay; the checkpoint keeps them.
    any_rows : bool
        Whether it may be asked again before it was told, and told of any points that it has asked for; schedules that
        do not wait for whole generations need that.
    proposes : bool
        Whether a model may propose points: `Optimiser.ask` takes what was asked for in a replay, and what is pending.

    Raises
    ------
    targets.plugins.PluginError
        If another class has that name already.
    """

    def register(cls: OptimiserClass) -> OptimiserClass:
        from orchestrator.optimisers.options import OptimiserOptions  # noqa: PLC0415  (pydantic)

        kind = OptimiserKind(name, cls, options or OptimiserOptions, tuple(packages), any_rows, proposes)
        cls.plugin = kind
        optimisers().add(name, kind, cls)
        return cls

    return register


def create_optimiser(options: OptimiserOptions, problem: Problem) -> Guarded:
    """Return a new optimiser, guarded against being asked and told in a wrong order.

    Parameters
    ----------
    options : OptimiserOptions
        The section ``optimiser`` of a configuration.
    problem : Problem
        What it is to solve.
    """
    kind: OptimiserKind = options._plugin or optimisers().find(options.method)
    method = kind.create(options, problem)
    guarded = Guarded(method, problem.start, any_rows=kind.any_rows, proposes=kind.proposes)
    if options.polish == "none":
        return guarded
    polished = Polished(guarded, _polisher(options.polish), problem, options.polish_after)
    return Guarded(polished, problem.start, any_rows=kind.any_rows, proposes=True)


def _polisher(name: str) -> Callable[[Problem], Optimiser]:
    """Return how a method is made with the options that it has by default."""
    kind = optimisers().find(name)
    return partial(kind.create, kind.options(method=name))


def versions_of(config: Config) -> dict[str, str]:
    """Return the versions that decide whether a run can be replayed, by name of the program or package."""
    kind: OptimiserKind = config.optimiser._plugin or optimisers().find(config.optimiser.method, config.model_dir)
    found = {"orchestrator": __version__, "python": platform.python_version()}
    polish = config.optimiser.polish
    others = () if polish == "none" else optimisers().find(polish).packages
    for package in dict.fromkeys([*kind.packages, *config.optimiser.packages, *others]):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def optimisers() -> Registry[OptimiserKind]:
    """Return the registry of optimisers."""
    from targets.plugins import Registry, decorated  # noqa: PLC0415  (of targets, which take longer to import than optimisers)

    return Registry(
        "optimiser",
        package="orchestrator.optimisers",
        group="orchestrator.optimisers",
        adopt=decorated(OptimiserKind, "optimiser"),
    )
