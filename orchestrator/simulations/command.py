"""Simulation by any program: what it gets, and what it leaves."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from orchestrator.files import tail, write_json
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import Finding, Identity, Simulation, SimulationFailed, digests
from orchestrator.simulations.phases import seconds_noted
from orchestrator.simulations.programs.before import prepared
from orchestrator.simulations.programs.ending import last_line
from orchestrator.simulations.programs.launching import PARAMETERS_FILE, Launch
from orchestrator.simulations.programs.looking import FilesModel
from orchestrator.simulations.programs.options import ProgramOptions
from orchestrator.simulations.programs.placeholders import Value, filled, names_in
from orchestrator.simulations.registry import simulation
from orchestrator.simulations.returned import recordings_of, refuse_explosion

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from targets import Recordings

# what placeholders stand for besides parameters; the launcher only in lines of a shell
_PLACES = ("model_dir", "directory", "parameters", "prepared")
_LAUNCHER = "launcher"
_KEY = ("simulation", "command")
_LONGEST = 80


class CommandOptions(ProgramOptions):
    """Any program: a line of words in which ``{name}`` stands for a parameter."""

    stand_ins: ClassVar[dict[str, object]] = {"command": "true"}

    type: str = Field("command", description="name of the kind of simulation, or file.py:Class for one of your own")
    command: str | tuple[str, ...] = Field(
        description="the program and its arguments: a text, which is split at spaces as a shell does, or a list. "
        "{name} and {name:.3f} stand for a parameter, {model_dir}, {directory}, {parameters}, {prepared} for paths"
    )
    shell: bool = Field(
        False, description="whether the command is lines of bash, with values quoted and {launcher} where it belongs"
    )
    exit_codes: dict[int, Literal["exploded", "no_value"]] = Field(
        default_factory=dict,
        description="exit codes that are no failure: of a simulation that has exploded, or has nothing to measure",
    )

    @field_validator("exit_codes")
    @classmethod
    def _are_failures(cls, codes: dict[int, str]) -> dict[int, str]:
        if wrong := [code for code in codes if not 1 <= code <= 125]:
            raise ValueError(f"expected exit codes from 1 to 125, got {wrong[0]}")
        return codes

    @model_validator(mode="after")
    def _is_a_command(self) -> CommandOptions:
        try:
            words = self.words
        except ValueError as error:
            raise ValueError(f"command: cannot be split into words: {error}") from error
        if not any(word.strip() for word in words):
            raise ValueError("command: expected a program, got nothing")
        return self

    @property
    def text(self) -> str:
        """The command in one text, for people and for a shell."""
        separator = "\n" if self.shell else " "
        return self.command if isinstance(self.command, str) else separator.join(self.command)

    @property
    def words(self) -> tuple[str, ...]:
        """Program and arguments, before values are put in; of a shell, its lines.

        Raises
        ------
        ValueError
            If a quotation mark is not closed.
        """
        if self.shell:
            return tuple(self.text.splitlines())
        return tuple(shlex.split(self.command)) if isinstance(self.command, str) else self.command


class CommandModel(FilesModel[CommandOptions]):
    """A program, and the files that it is made of."""

    essential = ("command",)

    def describe(self) -> str:
        """Return the beginning of the command."""
        line = " ".join(self.options.text.split())
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."

    def problems(self, config: Config) -> list[Finding]:
        """Return placeholders that stand for nothing, names that are taken, and a program that is not there."""
        if found := super().problems(config):
            return found
        given = config.given().values_or_nan(config.space().middle)
        values = {**self.options.seeds, **given}
        taken = [(("parameters", name), _taken(name)) for name in values if name in (*_PLACES, _LAUNCHER)]
        return [*taken, *self._unfilled(values), *self._alike(values), *self._not_there()]

    def unknown(self, config: Config) -> list[Finding]:
        """Return that the program is not on this machine, if so."""
        program = self.options.words[0]
        known_here = self.options.shell or self.options.setup or self.context.launcher_for(self.options.launcher)
        if known_here or "{" in program or shutil.which(program):
            return []
        return [(_KEY, f"whether nodes have {program}, which is not here: let a node try it (--on-node)")]

    def notes(self, config: Config) -> list[Finding]:
        """Return the arguments that are names of the model's files, and are looked for elsewhere."""
        if self.options.working_directory == "model_dir" or self.options.shell:
            return []
        message = "is a file of the model, and the program works in another directory: {{model_dir}}/{0} is meant?"
        words = [word for word in self.options.words if word and (self.model_dir / word).is_file()]
        return [(_KEY, f"{word} {message.format(word)}") for word in words if not Path(word).is_absolute()]

    def identity(self) -> Identity:
        """Return the digests of the model's files that the command names, and of what else is named."""
        names = [word.partition("{model_dir}/")[2] for word in self.options.text.split()]
        files = digests(self.model_dir, [name.strip("\"';") for name in names if name])
        return Identity({}, {**super().identity().files, **files})

    def launch_script(self, attempt: AttemptPaths) -> str | None:
        """Return the script that starts the program, with 1 for every parameter."""
        launch = Launch(self.options, self.model_dir, self.context, attempt, attempt.simulation, attempt.prepared)
        texts = (*self.options.words, *self.options.environment.values())
        used = {name for text in texts for name in names_in(text)} - {*_PLACES, _LAUNCHER}
        return starting_script(launch, self.options, dict.fromkeys(sorted(used), 1))

    def launch_script_source(self) -> tuple[str, str]:
        """Return the key of what people write into the script."""
        return "command" if self.options.shell else "setup", "the script that starts it"

    def _unfilled(self, values: Mapping[str, Value]) -> Iterator[Finding]:
        known = {**values, **dict.fromkeys(_PLACES, "/path"), **({_LAUNCHER: ""} if self.options.shell else {})}
        if self.options.before is None:
            del known["prepared"]
        environment = (
            (("simulation", "environment", name), (text,)) for name, text in self.options.environment.items()
        )
        for key, texts in ((_KEY, self.options.words), *environment):
            for text in texts:
                try:
                    filled(text, known)
                except ValueError as error:
                    yield key, str(error)

    def _alike(self, values: Mapping[str, Value]) -> Iterator[Finding]:
        """Yield parameters that are the same as environment variables."""
        counts = Counter(map(_variable, values))
        for name in values:
            if counts[_variable(name)] > 1:
                message = f"is {_variable(name)} in the program's environment, as another parameter is; rename one"
                yield ("parameters", name), message

    def _not_there(self) -> Iterator[Finding]:
        program = self.options.words[0]
        if self.options.shell or not program.startswith("{model_dir}/"):
            return
        file = self.model_dir / program.removeprefix("{model_dir}/")
        if not file.is_file():
            yield _KEY, f"there is no {file}; what is compiled first is made by simulation.before, in {{prepared}}"
        elif not os.access(file, os.X_OK):
            yield _KEY, f"{file} may not be executed: chmod +x it, or name its interpreter before it"


def _taken(name: str) -> str:
    return f"{{{name}}} stands for something else in commands: {', '.join((*_PLACES, _LAUNCHER))}; rename it"


def _variable(name: str) -> str:
    return f"PARAMETER_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"


def starting_script(launch: Launch, options: CommandOptions, parameters: Mapping[str, float | int]) -> str:
    """Return the script that starts the program with these parameters.

    Raises
    ------
    ValueError
        If a placeholder stands for nothing.
    """
    places: dict[str, Value] = {
        "model_dir": str(launch.model_dir),
        "directory": str(launch.directory),
        "parameters": str(launch.directory / PARAMETERS_FILE),
        "prepared": str(launch.prepared or ""),
    }
    values = {**parameters, **places}
    variables = {_variable(name): str(value) for name, value in parameters.items()}
    variables |= {name: filled(text, values) for name, text in options.environment.items()}
    if options.shell:
        # the launcher is words of the shell's own
        lines = filled(options.text.replace(f"{{{_LAUNCHER}}}", launch.launcher), values, shlex.quote).splitlines()
    else:
        words = shlex.join(filled(word, values) for word in options.words)
        lines = [f"exec {launch.launcher} {words}"]
    return launch.script([launch.noting_start(), *lines], variables)


def _own_word(directory: Path) -> SimulationFailed | None:
    """Return that a program has exploded if it says so itself, however it has ended."""
    try:
        refuse_explosion(directory)
    except SimulationFailed as said:
        return said if said.outcome is Outcome.EXPLODED else None
    return None


@simulation("command", options=CommandOptions, model=CommandModel)
class CommandSimulation(Simulation[CommandOptions]):
    """Runs any program, which gets its parameters as JSON, as environment variables, and in its arguments.

    It works in a directory of its own, and leaves ``returned.json`` with numbers, ``returned.npz`` with traces and
    events as well, or files that targets of the user's own read. What ``simulation.seeds`` names is a parameter too.
    With several ``trials`` it is run that often, in a directory and with seeds of its own each time.
    """

    def simulate(self, parameters: Mapping[str, float | int], attempt: AttemptPaths) -> None:
        """Run the program to its end, once for each trial."""
        made = prepared(self.options, self.model_dir, attempt)
        attempt.simulation.mkdir(exist_ok=True)
        if self.options.trials == 1:
            self._run_in(attempt.simulation, parameters, attempt, made)
            return
        for number in range(self.options.trials):
            attempt.trial(number).mkdir(exist_ok=True)
            self._run_in(attempt.trial(number), self.options.parameters_of_trial(parameters, number), attempt, made)

    def recordings(self, attempt: AttemptPaths) -> Recordings:
        """Return what the program left."""
        return recordings_of(self.options.trials, attempt)

    def _run_in(
        self, directory: Path, parameters: Mapping[str, float | int], attempt: AttemptPaths, made: Path | None
    ) -> None:
        """Run the program once, which leaves what it leaves in a directory that is there."""
        write_json(directory / PARAMETERS_FILE, parameters)
        launch = Launch(self.options, self.model_dir, self.context, attempt, directory, made)
        try:
            script = starting_script(launch, self.options, parameters)
        except ValueError as error:
            raise SimulationFailed(Outcome.SIMULATION_ERROR, f"simulation.command: {error}") from error
        try:
            code = launch.run(script, self.options.exit_codes)
        except SimulationFailed as failure:
            raise _own_word(directory) or failure from None
        if code in self.options.exit_codes:
            self._understand(self.options.exit_codes[code], code, attempt, directory)
        refuse_explosion(directory)
        if {file.name for file in directory.iterdir()} <= {PARAMETERS_FILE}:
            message = "the program ended without an error and left nothing in its directory: expected returned.json, "
            raise SimulationFailed(Outcome.SIMULATION_ERROR, f"{message}returned.npz, or files of its own")

    def seconds(self, attempt: AttemptPaths) -> Mapping[str, float]:
        """Return the wall times of a preparation and of the program."""
        return seconds_noted(attempt)

    @staticmethod
    def _understand(word: str, code: int, attempt: AttemptPaths, directory: Path) -> None:
        """Take an exit code for a word; what the program says itself in its file is more."""
        from targets.recordings.file import JSON, say  # noqa: PLC0415  (most of the time that importing takes)

        refuse_explosion(directory)
        why = f"exit code {code}: {last_line(tail(attempt.log, 20))}"
        if word == "exploded":
            raise SimulationFailed(Outcome.EXPLODED, why)
        if not (directory / JSON).exists():
            say(directory, word, why)
