"""What the controller knows of a mozaik model: its parameter files, modules, recorders and launch script."""

from __future__ import annotations

import ast
import functools
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.paths import AttemptPaths
from orchestrator.simulations.base import (
    Finding,
    Identity,
    Model,
    ModelUnreadable,
    ParameterFolder,
    RecordingSize,
    digests,
)
from orchestrator.simulations.mozaik.check import model_notes, model_problems
from orchestrator.simulations.mozaik.launch_script import launch_script
from orchestrator.simulations.mozaik.modules import module_file
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.mozaik.parameters import ParameterFileError, as_text, flatten, lookup, read_parameter_tree
from orchestrator.simulations.mozaik.presented import (
    position_problems,
    presented_problems,
    stimulus_problems,
    unknown_presentations,
)
from orchestrator.simulations.mozaik.protocol import protocol_of
from orchestrator.simulations.mozaik.recording_size import recorded_by
from orchestrator.simulations.mozaik.short_protocol import made_on_node, short_protocol
from orchestrator.simulations.surroundings import Surroundings, imported_by, required_by

if TYPE_CHECKING:
    from orchestrator.config.model import Config

# what param_optim/run_optimization_experiment.py imports
_OF_RUN_SCRIPT = ("mozaik", "numpy", "parameters", "pyNN")


class MozaikModel(Model[MozaikOptions]):
    """A mozaik model in its directory."""

    essential = ("parameters_url",)

    def describe(self) -> str:
        """Return the reference of the model's class."""
        return self.options.model

    def problems(self, config: Config) -> list[Finding]:
        """Return missing files, and parameters, seeds and sheets that the model does not have."""
        if not self.model_dir.is_dir():
            return [(("model_dir",), f"there is no directory {self.model_dir}; it is relative to this file")]
        return model_problems(self.options, self.model_dir, config, lambda: self._parameters)

    def unmeasurable(self, config: Config) -> list[Finding]:
        """Return the targets of stimuli that the source of the experiments never presents."""
        experiments = self.options.experiments
        return list(presented_problems(config, experiments, protocol_of(self.model_dir, experiments)))

    def notes(self, config: Config) -> list[Finding]:
        """Return what is worth a look in a configuration without problems."""
        return model_notes(self.options, self.model_dir, config, self._parameters)

    def unknown(self, config: Config) -> list[Finding]:
        """Return what the source of the experiments does not say, and that there is no mozaik to build the model."""
        protocol = protocol_of(self.model_dir, self.options.experiments)
        presentations = list(unknown_presentations(config, protocol))
        if self.options.python or self.options.setup or find_spec("mozaik") is not None:
            return presentations
        message = (
            f"whether the model can be built: mozaik is not importable by {sys.executable}, which the jobs would take "
            "too. Check again where it is, name the jobs' Python in simulation.python, or let a node try it (--on-node)"
        )
        return [(("simulation",), message), *presentations]

    def surroundings(self) -> Surroundings | None:
        """Return that another Python needs what the run script and the modules of model and experiments import."""
        options = self.options
        if options.launch_script or not (options.python or options.setup):
            return None
        own = required_by(
            self.model_dir,
            [each.partition(":")[0] for each in (options.model, options.experiments)],
            self._before,
        )
        mpi = ("mpi4py",) if self.context.launcher_for(options.launcher) else ()
        simulator = ("nest",) if options.simulator == "nest" else ()
        modules = tuple(dict.fromkeys((*_OF_RUN_SCRIPT, *mpi, *simulator, *own)))
        return Surroundings(options.python, self.model_dir, options.setup, {}, modules)

    def identity(self) -> Identity:
        """Return all parameters, and digests of the run script and of the model's modules that it imports."""
        try:
            tree = read_parameter_tree(self.options.parameters_url, self.model_dir)
            references = (self.options.model, self.options.experiments)
            modules = [f"{reference.partition(':')[0].replace('.', '/')}.py" for reference in references]
            before = [module_file(self.model_dir, name) for name in imported_by(self._before)]
            modules += [file.relative_to(self.model_dir).as_posix() for file in before if file]
            files = digests(self.model_dir, [str(self.options.run_script), *dict.fromkeys(modules)])
        except (ParameterFileError, OSError) as error:
            raise ModelUnreadable(str(error)) from error
        return Identity({name: as_text(value) for name, value in flatten(tree)}, files)

    def start_values(self, names: Sequence[str]) -> Mapping[str, float]:
        """Return the values of these parameters in the model's parameter files, without those that are no numbers."""
        values = {name: lookup(self._parameters, name) for name in names}
        return {n: float(v) for n, v in values.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}

    def recorded(self) -> RecordingSize | None:
        """Return an estimate of what the recorders of all sheets leave."""
        return recorded_by(self._parameters)

    def launch_script(self, attempt: AttemptPaths) -> str | None:
        """Return the rendered launch script."""
        return launch_script(self.options, self.model_dir, self.context, attempt)

    def launch_script_source(self) -> tuple[str, str]:
        """Return the key that the script comes from: a template of the user's own, or lines in the shipped one."""
        own = self.options.launch_script
        return ("launch_script", str(own)) if own else ("setup", "offspring.sh")

    def task(self) -> Mapping[str, Any]:
        """Return what the run script reads from the task file."""
        return {
            "model": self.options.model,
            "experiments": self.options.experiments,
            "before": list(self.options.before),
            "explosion_check": self.context.explosion_check.model_dump(mode="json"),
        }

    def shortened(self, attempt: AttemptPaths) -> MozaikModel:
        """Return a model that is built, makes its protocol and presents one slice of the explosion check."""
        experiments = short_protocol(self.options.experiments, attempt, self.model_dir)
        check = self.context.explosion_check
        # of so short a time, which is the transient's, only a rate that no transient has tells anything
        threshold = max(check.threshold, check.certain_threshold)
        short = {"enabled": True, "settle": 0.0, "slices": 1, "duration": check.judged / check.slices}
        one_slice = check.model_copy(update={**short, "threshold": threshold})
        options = self.options.model_copy(update={"experiments": experiments})
        return MozaikModel(options, self.model_dir, self.context.model_copy(update={"explosion_check": one_slice}))

    def counted(self, attempt: AttemptPaths) -> tuple[int, float] | None:
        """Return number of stimuli and seconds of the whole protocol, None if they could not be counted."""
        made = made_on_node(attempt)
        return None if made is None else (made.presentations, made.duration)

    def tried(self, attempt: AttemptPaths, config: Config) -> list[Finding]:
        """Return which targets need a stimulus that is not presented, or neurons where there are none."""
        made = made_on_node(attempt)
        if made is None:
            return []
        # one that could not be read may be the one that is missing
        stimuli = [] if made.unread else stimulus_problems(config, made.stimuli)
        return [*stimuli, *position_problems(config, made.positions)]

    def parameter_folder(self) -> ParameterFolder | None:
        """Return the folder of the optimisation's parameter files."""
        return ParameterFolder(self.options.parameters_url, self._command)

    @property
    def _before(self) -> ast.Module:
        """The lines that are executed before mozaik is imported."""
        return ast.parse("\n".join(self.options.before))

    @functools.cached_property
    def _parameters(self) -> dict[str, Any]:
        """The parameters as they were when a question about them was first asked; `identity` looks again."""
        return read_parameter_tree(self.options.parameters_url, self.model_dir)

    def _command(self, root: Path) -> str:
        options = self.options
        launcher = self.context.launcher_for(options.launcher)
        python = options.python or "python"
        script = "run.py" if (self.model_dir / "run.py").is_file() else "YOUR_RUN_SCRIPT.py"
        words = f"{python} -m mpi4py {script}" if launcher else f"{python} {script}"
        # a line of its own each: a block of text may hold comments, and commands of several lines
        setup = "".join(f"{line}\n" for line in options.setup)
        arguments = shlex.join([options.simulator, str(options.threads), str(root), "best"])
        return f"{setup}{f'{launcher} ' if launcher else ''}{words} {arguments}"
