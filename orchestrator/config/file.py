"""Reading a configuration: validation of a file once, and errors that name file, line and key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from orchestrator.config.model import Config
from orchestrator.config.moved_keys import MOVED, given_twice
from orchestrator.config.plugin_sections import Reading
from orchestrator.config.source import PREDECESSOR_SECTIONS, Location, Source
from orchestrator.config.words import PAIR, message_of
from orchestrator.config.yaml_text import write_yaml
from orchestrator.data import DataError, DataSource, DataSources, load_data
from orchestrator.errors import ConfigError, ConfigProblem
from orchestrator.lease import run_of_restarted_job
from orchestrator.paths import RunPaths
from orchestrator.text import command_line
from targets import Events, Target, TargetError, Trace, create_targets

_SOURCES: TypeAdapter[Mapping[str, DataSource]] = TypeAdapter(DataSources)


def load_config(path: Path, overrides: Sequence[str] = (), *, looking: bool = False) -> Config:
    """Read and validate a configuration; its paths become absolute.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    overrides : sequence of str
        ``dotted.key=value`` each, the value in YAML: ``jobs.ntasks=8``, ``targets.0.norm=2``.
    looking : bool
        Whether somebody only looks at a run: targets are not made, and no file of the user's own is imported.

    Raises
    ------
    ConfigError
        With all problems at once.
    """
    return read_config(Source(path), overrides, looking=looking, targets=not looking)


@dataclass(frozen=True)
class TargetList:
    """What a configuration says of its targets: no file of the user's own is imported before `create`.

    Parameters
    ----------
    source : Source
        The file.
    specs : tuple
        What it says of each target, as it is there: `create` tells what is wrong with it.
    model_dir : pathlib.Path
        Where files of the user's own are.
    data : mapping of str to DataSource, optional
        The section ``data``; None if there is none.
    """

    source: Source
    specs: tuple[Any, ...]
    model_dir: Path
    data: Mapping[str, DataSource] | None = None

    def class_of(self, target: Target) -> str:
        """Return what the file calls the class of a target."""
        return str(self.specs[target.entry]["class"])

    def read_data(self, made: Mapping[str, Trace | Events] | None = None) -> dict[str, Trace | Events]:
        """Return the recordings that targets may compare with, as they are in the files now; no function is called.

        Classes of the user's own may compare with any of the section ``data``, others with that of their key ``data``.

        Parameters
        ----------
        made : mapping of str to Trace or Events
            Those that functions have made.

        Raises
        ------
        ConfigError
            If one cannot be read, or would have to be made.
        """
        made = made or {}
        specs = [spec for spec in self.specs if isinstance(spec, Mapping)]
        named = {str(spec.get("data")) for spec in specs}
        every = any(":" in str(spec.get("class")) for spec in specs)
        data = {name: source for name, source in (self.data or {}).items() if every or name in named}
        functions = [name for name, source in data.items() if source.file is None and name in named - made.keys()]
        message = "is made by a function, which is not called to score: name a file, or leave the section data away"
        problems = [self.source.problem(("data", name, "function"), message) for name in functions]
        files = {name: source for name, source in data.items() if source.file is not None}
        found: dict[str, Trace | Events] = {name: made[name] for name in data if name in made}
        try:
            found |= load_data(replace(self, data=files))
        except DataError as error:
            problems += [self.source.problem(at, text) for at, text in error.problems]
        if problems:
            raise ConfigError(self.source.path, problems)
        return found

    def create(
        self, numbers: Sequence[int] | None = None, data: Mapping[str, Trace | Events] | None = None
    ) -> list[Target]:
        """Make the targets, or some of them.

        Parameters
        ----------
        numbers : sequence of int, optional
            Which, counted from 0; all if left out.
        data : mapping of str to Trace or Events, optional
            Measured recordings that they compare with; None if they are not at hand.

        Raises
        ------
        ConfigError
            With all problems of these targets at once.
        """
        numbers = range(len(self.specs)) if numbers is None else numbers
        try:
            made = create_targets([self.specs[n] for n in numbers], directory=self.model_dir, data=data)
        except TargetError as error:
            raise ConfigError(self.source.path, _of_targets(self.source, error, numbers)) from error
        return [target.for_entry(numbers[target.entry]) for target in made]


def load_targets(path: Path, overrides: Sequence[str] = ()) -> TargetList:
    """Read what a configuration says of its targets and data; nothing else need be in it, and nothing is looked at.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    overrides : sequence of str
        As `load_config` takes them.

    Raises
    ------
    ConfigError
        If there is no list of targets, or the section ``data`` is wrong.
    """
    source = Source(path)
    data = source.with_overrides(overrides)
    specs: Any = data.get("targets")
    model_dir = data["model_dir"]
    problems = [each for each in source.repeated if each.key.startswith(("targets", "model_dir", "data"))]
    sources = None
    try:
        sources = None if data.get("data") is None else _SOURCES.validate_python(data["data"])
    except ValidationError as error:
        problems += [explain(source, {**each, "loc": ("data", *each["loc"])}) for each in error.errors()]
    if not isinstance(specs, list) or not specs:
        message = f"expected a list of targets, {{class, target_value, norm}} and more, got {specs!r}"
        problems.append(source.problem(("targets",), message))
    if not isinstance(model_dir, str):
        problems.append(source.problem(("model_dir",), f"expected a path, got {model_dir!r}"))
    if problems:
        raise ConfigError(path, problems)
    return TargetList(source, tuple(specs), Reading(path.resolve().parent).directory(Path(model_dir)), sources)


def load_frozen(path: Path, text: str, overrides: Sequence[str] = (), *, looking: bool = False) -> Config:
    """Read the configuration that a run was made with, which is in its checkpoint: its targets are not made.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint, for messages; paths in the configuration are relative to its directory.
    text : str
        The configuration in it.
    overrides, looking
        As `load_config` takes them.

    Raises
    ------
    ConfigError
        With all problems at once.
    """
    return read_config(Source(path, text), overrides, looking=looking, targets=False)


def read_config(
    source: Source, overrides: Sequence[str] = (), *, looking: bool = False, targets: bool = True
) -> Config:
    """Validate a configuration file that was read, as `load_config`, and make its targets, if wanted."""
    data = source.with_overrides(overrides)
    reading = Reading(source.path.resolve().parent, looking)
    try:
        config = Config.model_validate(data, context=reading)
    except ValidationError as error:
        raise ConfigError(source.path, _problems(source, data, error, reading)) from error
    paths = {"model_dir": reading.directory(config.model_dir)}
    if config.cp_filename is not None:
        paths["cp_filename"] = (reading.folder / config.cp_filename.expanduser()).resolve()
    config = config.model_copy(update=paths)
    run = _run_of(source.path, config)
    config = config if run is None else config.of_run(run)
    problems = list(source.repeated)
    if targets:
        unreadable = _of_data(source, config)
        try:
            if unreadable:
                create_targets(config.targets, directory=config.model_dir)
            else:
                config.create_targets()
        except TargetError as error:
            problems += _of_targets(source, error)
        problems += unreadable
    if problems:
        raise ConfigError(source.path, problems)
    return config


def _run_of(path: Path, config: Config) -> RunPaths | None:
    """Return the run that a configuration is of, or that it continues, if that has begun."""
    continued = config.cp_filename if config.continue_cp else None
    run = RunPaths((continued or path).parent)
    return run if run.checkpoint.is_file() else run_of_restarted_job(config.model_dir, os.environ)


def _of_data(source: Source, config: Config) -> list[ConfigProblem]:
    """Return what is wrong with the recordings that a configuration names."""
    try:
        len(config.measured)
    except DataError as error:
        return [source.problem(at, message) for at, message in error.problems]
    return []


def _problems(source: Source, data: Mapping[str, Any], error: ValidationError, reading: Reading) -> list[ConfigProblem]:
    """Return all that is wrong with a configuration, its targets included."""
    targets: list[ConfigProblem] = []
    if isinstance(data.get("targets"), list) and isinstance(data["model_dir"], str) and not reading.looking:
        try:
            create_targets(data["targets"], directory=reading.directory(Path(data["model_dir"])))
        except TargetError as wrong:
            targets = _of_targets(source, wrong)
    told = {problem.key for problem in targets}
    others = [explain(source, details) for details in error.errors()]
    return [*source.repeated, *(problem for problem in others if problem.key not in told), *targets]


def _of_targets(source: Source, error: TargetError, numbers: Sequence[int] | None = None) -> list[ConfigProblem]:
    """Return what is wrong with targets, of which only those of some numbers may have been made."""
    problems = []
    for (number, *key), message in error.problems:
        place = number if numbers is None else numbers[int(number)]
        problems.append(source.problem(("targets", place, *key), message.replace(*PAIR)))
    return problems


def dump_config(config: Config, folder: Path) -> str:
    """Return the whole configuration, defaults included, as YAML that `load_config` reads in `folder`.

    The model's directory is relative to it, so that a model can be moved together with its runs.
    """
    data = config.model_dump(mode="json")
    data["model_dir"] = os.path.relpath(config.model_dir, folder)
    return write_yaml(data, width=120)


def explain(source: Source, details: Mapping[str, Any]) -> ConfigProblem:
    """Return one of pydantic's findings in the user's words."""
    location: Location = tuple(details["loc"])
    if location == ("simulation",) and details["type"] == "missing":
        return source.problem(location, _no_simulation(source))
    if details["type"] == "extra_forbidden" and (twice := given_twice(location)) is not None:
        return source.problem(location, twice)
    moved = MOVED.get(str(location[0]), {}) if len(location) == 2 else ()
    return source.problem(location, message_of(details, _section_at(location[:-1]), moved))


def _no_simulation(source: Source) -> str:
    message = "is missing: how offspring are simulated, such as simulation: {model: 'model:VisualModel'}"
    if source.data.keys() <= set(PREDECESSOR_SECTIONS):
        to_import = command_line("orchestrator", "prepare", "--import", source.path)
        message += f". For a file of the predecessor: {to_import}"
    return message


def _section_at(location: Location) -> type[BaseModel] | None:
    """Return the section that the keys at `location` belong to; those of plug-ins explain themselves."""
    if not location:
        return Config
    if location[0] == "data":
        return DataSource
    annotation: Any = Config.model_fields[str(location[0])].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
