"""The shell script that starts a program in its surroundings, and the run of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.paths import AttemptPaths
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.phases import Phase, note, noted
from orchestrator.simulations.programs.ending import ended_with
from orchestrator.simulations.programs.options import ProgramOptions
from orchestrator.simulations.setup_lines import watched
from orchestrator.simulations.subprocesses import run_in_own_group

# what a shell exits with that cannot start a program (man bash, EXIT STATUS)
_NOT_STARTED = (126, 127)
# environment variables
MODEL_DIR, PREPARED = "ORCHESTRATOR_MODEL_DIR", "ORCHESTRATOR_PREPARED"
# in the directory of a simulation
PARAMETERS_FILE = "parameters.json"


@dataclass(frozen=True)
class Launch:
    """One start of a program.

    Parameters
    ----------
    options : ProgramOptions
        The section ``simulation``.
    model_dir : pathlib.Path
        Absolute path of the model.
    context : SimulationContext
        What else of the configuration concerns it.
    attempt : AttemptPaths
        Where the script, the log and the progress file are.
    directory : pathlib.Path
        Where the program leaves what it leaves.
    prepared : pathlib.Path or None
        What ``before`` has made.
    """

    options: ProgramOptions
    model_dir: Path
    context: SimulationContext
    attempt: AttemptPaths
    directory: Path
    prepared: Path | None = None

    @property
    def launcher(self) -> str:
        """The command before the program, empty if there is none."""
        return self.context.launcher_for(self.options.launcher)

    def script(self, lines: Sequence[str], variables: Mapping[str, str]) -> str:
        """Return a script of bash that can be run again by hand.

        Parameters
        ----------
        lines : sequence of str
            What starts the program; the last ones.
        variables : mapping of str to str
            Further environment variables.
        """
        exported = {
            "OMP_NUM_THREADS": str(self.options.threads or self.context.jobs.cpus_per_task or 1),
            MODEL_DIR: str(self.model_dir),
            "ORCHESTRATOR_DIRECTORY": str(self.directory),
            "ORCHESTRATOR_PARAMETERS": str(self.directory / PARAMETERS_FILE),
            **({} if self.prepared is None else {PREPARED: str(self.prepared)}),
            **variables,
        }
        return "\n".join(
            [
                "#!/usr/bin/env bash",
                "# How this simulation is started; it can be run again by hand.",
                "set -e",
                f"cd {shlex.quote(str(self.model_dir))}",
                *watched(self.options.setup, "simulation.setup"),
                *(f"export {name}={shlex.quote(value)}" for name, value in exported.items()),
                f"cd {shlex.quote(str(self.options.works_in(self.model_dir, self.directory)))}",
                *lines,
                "",
            ]
        )

    def noting_start(self) -> str:
        """Return a line of shell that notes the begin of the simulation, for programs that cannot."""
        entry = shlex.quote(f'{{"time": %s, "phase": "{Phase.PROTOCOLS.value}"}}\\n')
        return f'printf {entry} "$(date +%s.%N)" >> {shlex.quote(str(self.attempt.progress))} || :'

    def run(self, script: str, told: Collection[int] = ()) -> int:
        """Run a script to its end and return its exit code.

        Parameters
        ----------
        script : str
            What `script` returned.
        told : collection of int
            Exit codes besides 0 that are no failure.

        Raises
        ------
        SimulationFailed
            If the program fails, or is killed.
        """
        attempt = self.attempt
        attempt.script.write_text(script, encoding="utf-8")
        # of one of several trials only what it does itself counts
        before = noted(attempt).get(Phase.PROTOCOLS)
        with attempt.log.open("ab") as log:
            since = log.seek(0, os.SEEK_END)
            code = run_in_own_group(["bash", str(attempt.script)], cwd=self.model_dir, log=log)
        started = noted(attempt).get(Phase.PROTOCOLS) != before
        if code != 0 and not (started and code in told):
            raise ended_with(code, started=started and code not in _NOT_STARTED, log=attempt.log, since=since)
        note(attempt, Phase.FINISHED)
        return code
