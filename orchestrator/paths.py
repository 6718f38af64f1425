"""Where every file of a run is; nobody else joins path strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orchestrator
from orchestrator.errors import UsageError

# in the directory of an attempt: which process evaluates it
CLAIM = "claimed"
# in the folder of a generation: what the trials of an offspring have left, if each has a job of its own
TOGETHER = "together"
_SHIPPED = Path(orchestrator.__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """Return a file that comes with the distribution, such as ``slurm_templates/offspring.sh``."""
    return _SHIPPED / name


def run_paths(named: Path) -> RunPaths:
    """Return the files of the run that a user names by its directory or its checkpoint.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no run.
    """
    paths = RunPaths((named.parent if named.name == "checkpoint.h5" else named).resolve())
    if not paths.checkpoint.is_file():
        raise UsageError(f"{named}: is not a run directory, there is no {paths.checkpoint.name} in it")
    return paths


@dataclass(frozen=True)
class AttemptPaths:
    """One submission of one offspring; a repeated one gets a directory of its own.

    Parameters
    ----------
    directory : pathlib.Path
        ``generations/<generation>/<offspring>/<attempt>``.
    result : pathlib.Path
        The job's result file, in a folder shared by the generation so that one listing sees them all.
    """

    directory: Path
    result: Path

    @property
    def task(self) -> Path:
        """What the job has to do: parameters, simulation, targets."""
        return self.directory / "offspring.json"

    @property
    def claim(self) -> Path:
        """Which process evaluates it; made at its start, and not changed any more."""
        return self.directory / CLAIM

    @property
    def overlay(self) -> Path:
        """Root parameter file of the mozaik simulation."""
        return self.directory / "overlay"

    @property
    def script(self) -> Path:
        """Shell script that launches the simulation; runs again by hand."""
        return self.directory / "offspring.sh"

    @property
    def simulation(self) -> Path:
        """What the simulation leaves; large."""
        return self.directory / "simulation"

    def trial(self, number: int) -> Path:
        """What one of several trials leaves, from 0."""
        return self.simulation / f"trial-{number}"

    def trials(self) -> list[Path]:
        """Return what there is of several trials."""
        return list(self.simulation.glob("trial-*"))

    @property
    def progress(self) -> Path:
        """Phases of the job, one JSON object per line."""
        return self.directory / "progress.jsonl"

    @property
    def log(self) -> Path:
        """Output of the simulation."""
        return self.directory / "simulation.log"

    @property
    def prepared(self) -> Path:
        """Folder of what is prepared once for all evaluations: `RunPaths.prepared` of the run."""
        return RunPaths(self.result.parents[3]).prepared


def kept_as(directory: Path, trials: int) -> Path:
    """Return where the simulation of an attempt that has this directory is kept, below the generation's number.

    That is ``<offspring>/<attempt>``. If each trial has a job of its own, that is where all trials are, and one alone
    is in ``<offspring>/trial-<number>/<attempt>``.
    """
    if directory.parent.parent.name == TOGETHER:
        return Path(directory.parent.name, max(directory.name.split("-"), key=int))
    if trials == 1:
        return Path(directory.parent.name, directory.name)
    whole, number = divmod(int(directory.parent.name), trials)
    return Path(str(whole), f"trial-{number}", directory.name)


@dataclass(frozen=True)
class GenerationPaths:
    """Files of one generation while it is in flight."""

    directory: Path

    @property
    def record(self) -> Path:
        """The points that were asked for, written before anything is submitted."""
        return self.directory / "generation.json"

    @property
    def journal(self) -> Path:
        """Submissions, before and after each, one JSON object per line."""
        return self.directory / "jobs.jsonl"

    @property
    def queue(self) -> Path:
        """What the executor said last of the jobs, for those who look on."""
        return self.directory / "queue.json"

    @property
    def workers(self) -> Path:
        """What worker processes that stay up have evaluated, one JSON object per line, as `WorkersLog` reads it."""
        return self.directory / "landed.jsonl"

    @property
    def results(self) -> Path:
        """Folder of the result files."""
        return self.directory / "results"

    @property
    def submitit(self) -> Path:
        """Folder of submitit's scripts, pickles and logs."""
        return self.directory / "submitit"

    def create(self) -> None:
        """Make the folders that jobs and the controller write to.

        A folder of results that is missing although jobs were submitted was moved away: an empty one in its place would
        say that they have left none.
        """
        for folder in (self.submitit,) if self.journal.exists() else (self.results, self.submitit):
            folder.mkdir(parents=True, exist_ok=True)

    def attempt(self, index: int, attempt: int) -> AttemptPaths:
        """Return the files of attempt number `attempt` (from 1) of offspring `index`."""
        return AttemptPaths(self.directory / str(index) / str(attempt), self.results / f"{index}.{attempt}.json")

    def together(self, index: int, attempts: Sequence[int]) -> AttemptPaths:
        """Return the files of the trials of offspring `index` together, if each trial has a job of its own.

        Parameters
        ----------
        index : int
            Of the offspring.
        attempts : sequence of int
            Which attempt at each trial it is: what others have left is never taken for it.
        """
        folder, name = self.directory / TOGETHER, "-".join(map(str, attempts))
        return AttemptPaths(folder / str(index) / name, folder / f"{index}.{name}.json")

    def simulations(self) -> Iterator[tuple[Path, Path]]:
        """Yield the directories of attempts that have left a simulation, each with its result file."""
        for found in self.directory.glob("*/*/simulation"):
            attempt = found.parent
            yield attempt, self.attempt(int(attempt.parent.name), int(attempt.name)).result
        for found in self.directory.glob(f"{TOGETHER}/*/*/simulation"):
            attempt = found.parent
            yield attempt, attempt.parent.parent / f"{attempt.parent.name}.{attempt.name}.json"

    def recordings(self, name: str) -> Path:
        """Return the file of that name that lies beside a result."""
        together = self.directory / TOGETHER / name
        return together if together.exists() else self.results / name


@dataclass(frozen=True)
class RunPaths:
    """Files of a run, ``<model_dir>/<timestamp>_Optimization``."""

    directory: Path

    @property
    def surroundings(self) -> Path:
        """The directory that the run is in, usually the model's: its controllers work there."""
        return self.directory.parent

    @property
    def job_name(self) -> str:
        """Start of the names of the run's jobs; squeue's filter by name takes a comma for the end of a name."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.directory.name)

    @property
    def config(self) -> Path:
        """The frozen configuration."""
        return self.directory / "config.yaml"

    @property
    def model(self) -> Path:
        """Which model the run is of: values of its parameters, digests of its files of code."""
        return self.directory / "model.json"

    @property
    def checkpoint(self) -> Path:
        """Every evaluation so far."""
        return self.directory / "checkpoint.h5"

    @property
    def learnt(self) -> Path:
        """Evaluations of other runs that the run learns from."""
        return self.directory / "learnt.npz"

    @property
    def sets(self) -> Path:
        """The parameter sets that the run evaluates, if these are given, and what was known of them."""
        return self.directory / "sets.json"

    @property
    def data(self) -> Path:
        """The measured recordings that the run began with; its jobs read them there."""
        return self.directory / "data.npz"

    @property
    def log(self) -> Path:
        """The controller's log."""
        return self.directory / "controller.log"

    @property
    def report(self) -> Path:
        """All figures, in one page."""
        return self.directory / "report.html"

    @property
    def posterior(self) -> Path:
        """Samples of the posterior distribution of the parameters."""
        return self.directory / "posterior.npz"

    def exported(self, name: str) -> Path:
        """What ``orchestrator export`` writes for other programs, unless it is told where to."""
        return self.directory / name

    @property
    def lock(self) -> Path:
        """What the name of the lock begins with that the controller holds while it lives, see `orchestrator.lock`."""
        return self.directory / "controller.lock"

    @property
    def holder(self) -> Path:
        """Says who holds the lock, or held it last."""
        return self.directory / "controller.json"

    @property
    def generations(self) -> Path:
        """Folder of the generations in flight."""
        return self.directory / "generations"

    @property
    def prepared(self) -> Path:
        """Folder of what jobs prepare once for all evaluations, such as programs that they compile."""
        return self.directory / "prepared"

    @property
    def kept(self) -> Path:
        """Folder of simulation directories that the configuration keeps."""
        return self.directory / "kept"

    def generation_numbers(self) -> list[int]:
        """Return which generations have files, in their order."""
        folders = self.generations.iterdir() if self.generations.is_dir() else ()
        return sorted(int(folder.name) for folder in folders if folder.name.isdecimal())

    def generation(self, number: int) -> GenerationPaths:
        """Return the files of generation `number`, from 0."""
        return GenerationPaths(self.generations / str(number))


@dataclass(frozen=True)
class ReevaluationPaths(RunPaths):
    """Files of a run's re-evaluations, ``<run>/reevaluation``: a small run, unknown to the optimisation."""

    @classmethod
    def of(cls, run: RunPaths) -> ReevaluationPaths:
        """Return those of a run."""
        return cls(run.directory / "reevaluation")

    @property
    def surroundings(self) -> Path:
        """The directory that the run is in."""
        return RunPaths(self.directory.parent).surroundings

    @property
    def job_name(self) -> str:
        """Start of the names of their jobs."""
        return f"{RunPaths(self.directory.parent).job_name}-reevaluation"

    @property
    def data(self) -> Path:
        """The measured recordings of the run."""
        return RunPaths(self.directory.parent).data

    @property
    def checkpoint(self) -> Path:
        """Every evaluation; of another name than a run's, so that nobody takes it for one."""
        return self.directory / "reevaluation.h5"

    @property
    def request(self) -> Path:
        """What was asked for last."""
        return self.directory / "request.json"
