"""Kinds of simulation by name: the ``@simulation`` decorator, and what is made from the section of a configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.simulations.base import Model, Simulation

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from orchestrator.simulations.options import SimulationContext, SimulationOptions
    from targets.plugins import Registry

SimulationClass = TypeVar("SimulationClass", bound=type[Simulation[Any]])


@dataclass(frozen=True)
class SimulationKind:
    """A registered kind of simulation.

    Parameters
    ----------
    name : str
        What a configuration calls it.
    simulation : type of Simulation
        Runs on the node.
    options : type of SimulationOptions
        The keys of its section.
    model : type of Model, or str
        Is asked by the controller; ``module:Class`` so that nodes do not import it.
    """

    name: str
    simulation: type[Simulation[Any]]
    options: type[SimulationOptions]
    model: type[Model[Any]] | str

    @property
    def documentation(self) -> str:
        """What the kind is: the first paragraph of the docstring of its class."""
        return (inspect.getdoc(self.simulation) or "").partition("\n\n")[0]

    def model_class(self) -> type[Model[Any]]:
        """Return the class that the controller asks, imported."""
        if isinstance(self.model, str):
            from targets.plugins import import_from  # noqa: PLC0415

            module, _, name = self.model.partition(":")
            found: type[Model[Any]] = getattr(import_from(module), name)
            return found
        return self.model


def simulation(
    name: str, *, options: type[SimulationOptions] | None = None, model: type[Model[Any]] | str = Model
) -> Callable[[SimulationClass], SimulationClass]:
    """Register the decorated subclass of `Simulation` as a kind of simulation.

    Parameters
    ----------
    name : str
        What a configuration calls it, in ``simulation.type``.
    options : type of SimulationOptions, optional
        The keys of its section; by default only ``type`` and ``seeds``.
    model : type of Model, or str, optional
        What the controller asks; ``module:Class`` so that nodes do not import it.

    Raises
    ------
    targets.plugins.PluginError
        If another class has that name already.
    """

    def register(cls: SimulationClass) -> SimulationClass:
        from orchestrator.simulations.options import SimulationOptions  # noqa: PLC0415  (pydantic)

        cls.plugin = SimulationKind(name, cls, options or SimulationOptions, model)
        simulations().add(name, cls.plugin, cls)
        return cls

    return register


def simulation_kind(section: SimulationOptions | str, model_dir: Path | None = None) -> SimulationKind:
    """Return a kind of simulation.

    Parameters
    ----------
    section : SimulationOptions or str
        Options, or the name of a kind: registered, ``module:Class``, or ``file.py:Class``.
    model_dir : pathlib.Path, optional
        Where files are looked for, and modules besides the usual places.

    Raises
    ------
    targets.plugins.PluginError
        If there is none of that name, or it cannot be imported.
    """
    if isinstance(section, str):
        return simulations().find(section, model_dir)
    found: SimulationKind = section._plugin or simulations().find(section.type, model_dir)
    return found


def simulation_options(section: Mapping[str, Any], model_dir: Path) -> SimulationOptions:
    """Return the options that a task file carries.

    Parameters
    ----------
    section : mapping
        What ``options.model_dump(mode="json")`` returned.
    model_dir : pathlib.Path
        Absolute path of the model.
    """
    kind = simulation_kind(str(section["type"]), model_dir)
    options = kind.options.model_validate(section)
    options._plugin = kind
    return options


def create_simulation(options: SimulationOptions, model_dir: Path, context: SimulationContext) -> Simulation[Any]:
    """Return the simulation that a node runs.

    Parameters
    ----------
    options : SimulationOptions
        The section ``simulation``.
    model_dir : pathlib.Path
        Absolute path of the model.
    context : SimulationContext
        What else of the configuration concerns it.
    """
    return simulation_kind(options, model_dir).simulation(options, model_dir, context)


def model_of(config: Config) -> Model[Any]:
    """Return the model that a configuration describes, for the controller."""
    kind = simulation_kind(config.simulation, config.model_dir)
    return kind.model_class()(config.simulation, config.model_dir, context_of(config))


def describe(section: object) -> str:
    """Return the model of a run's section ``simulation`` in a few words; nothing of the user's own is imported.

    Parameters
    ----------
    section : object
        As it is in the file, which may be of another version, or wrong.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    from orchestrator.simulations.options import SimulationContext  # noqa: PLC0415
    from targets.plugins import PluginError  # noqa: PLC0415

    name = section.get("type") if isinstance(section, Mapping) else None
    if not isinstance(section, Mapping) or not isinstance(name, str) or ":" in name:
        return str(name or "")
    try:
        kind = simulation_kind(name)
        return kind.model_class()(kind.options.model_validate(section), Path(), SimulationContext()).describe()
    except (PluginError, ValidationError):
        return name


def context_of(config: Config) -> SimulationContext:
    """Return what besides its own section concerns the simulations of a configuration."""
    from orchestrator.simulations.options import SimulationContext  # noqa: PLC0415  (pydantic)

    parallel = config.executor == "slurm" and config.jobs.ntasks > 1
    launcher = f"srun --ntasks={config.jobs.ntasks} --mpi={config.slurm.mpi}" if parallel else ""
    if launcher and config.jobs.cpus_per_task:
        # from SLURM 22.05 srun does not take it over from the job
        launcher += f" --cpus-per-task={config.jobs.cpus_per_task}"
    return SimulationContext(
        explosion_check=config.explosion_check, launcher=launcher, jobs=config.jobs, slurm=config.slurm
    )


@cache
def simulations() -> Registry[SimulationKind]:
    """Return the registry of kinds of simulation."""
    from targets.plugins import Registry, decorated  # noqa: PLC0415  (of targets, which take longer to import than a job's rest)

    return Registry(
        "simulation",
        package="orchestrator.simulations",
        group="orchestrator.simulations",
        adopt=decorated(SimulationKind, "simulation"),
    )
