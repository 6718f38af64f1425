"""Optimisers by name: the ``@optimiser`` decorator, and optimisers made from the section of a configuration."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator import __version__
from orchestrator.optimisers.base import Optimiser, Problem
from orchestrator.optimisers.guard import Guarded
from orchestrator.optimisers.polishing import Polished
from orchestrator.references import Cited, Reference

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
    cited : Cited
        What a text calls it, and its publications.
    """

    name: str
    create: Callable[[Any, Problem], Optimiser]
    options: type[OptimiserOptions]
    packages: Sequence[str]
    any_rows: bool
    proposes: bool
    cited: Cited

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
    references: Sequence[Reference] = (),
    called: str = "",
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
    references : sequence of Reference
        Its publications, which the report's methods section cites.
    called : str
        What that calls it, such as ``a random walk``; by default its name.

    Raises
    ------
    targets.plugins.PluginError
        If another class has that name already.
    """

    def register(cls: OptimiserClass) -> OptimiserClass:
        from orchestrator.optimisers.options import OptimiserOptions  # noqa: PLC0415  (pydantic)

        cited = Cited(called or name, tuple(references))
        kind = OptimiserKind(name, cls, options or OptimiserOptions, tuple(packages), any_rows, proposes, cited)
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


def kind_of(name: object) -> OptimiserKind | None:
    """Return the optimiser that a run's record names, None if it is not here; nothing of the user's own is imported.

    Parameters
    ----------
    name : object
        ``optimiser.method`` or ``optimiser.polish``, which may be of another version, or wrong.
    """
    from targets.plugins import PluginError  # noqa: PLC0415

    if not isinstance(name, str) or ":" in name:
        return None
    try:
        return optimisers().find(name)
    except PluginError:
        return None


def recorded_options(section: Mapping[str, Any]) -> OptimiserOptions | None:
    """Return the options of a run from the section ``optimiser`` of its record; None if nobody here knows them.

    Keys that came later are as they were in runs without them; those of other versions are left out.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    if (kind := kind_of(section.get("method"))) is None:
        return None
    given = {**kind.options.before, **section}
    try:
        return kind.options.model_validate({key: given[key] for key in given if key in kind.options.model_fields})
    except ValidationError:
        return None


def sigma_decides(options: OptimiserOptions) -> bool:
    """Return whether the problem's sigma decides anything: another method that polishes begins no wider than that."""
    return options.by_sigma or options.polish != "none"


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
