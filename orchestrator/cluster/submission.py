"""Submits jobs: submitit makes the script and carries the task into the job, `run_command` runs sbatch.

submitit would run sbatch without a time limit and believe the first "job <digits>" that a site's sbatch prints. No
other module uses private names of submitit; `tests/orchestrator/cluster/test_submission.py` fails if they change.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from submitit.core.utils import DelayedSubmission, JobPaths
from submitit.slurm.slurm import _make_sbatch_string

from orchestrator.cluster.base import SubmissionFailed, Task
from orchestrator.cluster.commands import CommandFailed, NoAnswer, finish
from orchestrator.cluster.environment import overruled
from orchestrator.config.durations import slurm_time
from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.node.evaluate import evaluate
from orchestrator.node.several import evaluate_several
from orchestrator.simulations.failure_cause import telling_exit_code
from orchestrator.simulations.setup_lines import watched

# where jobs begin with a clean environment (SBATCH_EXPORT=NONE), so would what srun starts in them, without its setup
_SRUN_LIKE_HERE = "unset SLURM_EXPORT_ENV"
# the umask of jobs of whose files nobody else is to know anything
PRIVATE = 0o077
# how long sbatch --test-only may take, in s
_TEST_TIMEOUT = 30.0
# what SLURM itself says if slurmctld is away or overloaded, and the request is not at fault (slurm_errno.c)
_NOT_THERE = re.compile(
    r"unable to contact slurm controller|socket timed out|connection (refused|timed out|reset)|communication|"
    r"temporarily (un)?able|temporarily unavailable|zero bytes were transmitted|resource busy|transport endpoint|"
    r"slurmctld|message (receive|send) failure|backup controller in standby|incomplete message",
    re.IGNORECASE,
)
# how sbatch begins SLURM's own error; what it prints before may be a plug-in's words
_OWN_WORDS = re.compile(r"(?:Batch job submission failed|Unable to allocate resources|allocation failure): (.*)")
# reasons for which fewer jobs may be taken, at once or later; other policies are of the job itself
_SUBMIT_LIMIT = re.compile(r"\b(?:QOS|Assoc)(?:Max|Grp)Submit\w*\b")
_ANY_LIMIT = re.compile(r"\b(?:QOS|Assoc)(?:Max|Min|Grp)\w+\b")
_POLICY = "Job violates accounting/QOS policy"
INVALID_ARRAY = "Invalid job array specification"
_SILENT = re.compile(r"unable to contact|timed out|connection (refused|reset)", re.IGNORECASE)
_START = re.compile(r"to start at (\S+) using (\d+) processors on nodes? (\S+) in partition (\S+)")
_OPTION = re.compile(r"^#SBATCH --([\w-]+)", re.MULTILINE)
# a site's sbatch may print more than SLURM's own line, or add to it; with extra: {parsable: true} the id is alone
_SUBMITTED = (
    re.compile(r"^Submitted batch job (\d+)(?: on cluster \S+)?\s*$", re.MULTILINE),
    re.compile(r"^Submitted batch job (\d+)\b", re.MULTILINE),
    re.compile(r"^(\d+)(?:;\S+)?\s*$", re.MULTILINE),
)


def own_folder(folder: Path, token: str) -> Path:
    """Return the folder of script, logs and pickles of a submission alone.

    A job whose id SLURM had given to another one before, which it has forgotten, finds nothing of that one.
    """
    return folder / token


def job_parameters(
    jobs: JobsSection,
    slurm: SlurmSection,
    token: str,
    folder: Path,
    avoid: Collection[str] = (),
    *,
    umask: int = PRIVATE,
) -> dict[str, Any]:
    """Return submitit's parameters for the jobs of one submission.

    Parameters
    ----------
    jobs, slurm : JobsSection, SlurmSection
        What the configuration asks for.
    token : str
        Name of the jobs.
    folder : pathlib.Path
        Working directory of the jobs: away from the model, because ``python -m`` looks for modules there first.
    avoid : collection of str
        Nodes that are excluded besides those of ``slurm.exclude``.
    umask : int
        What is taken away from the permissions of what the jobs write.
    """
    own = {
        # submitit has defaults of its own for these: five minutes and an accounting key
        "time": None,
        "wckey": None,
        "partition": slurm.partition,
        "account": slurm.account,
        "qos": slurm.qos,
        "cpus_per_task": jobs.cpus_per_task,
        "mem": jobs.mem,
        "nodelist": slurm.nodelist,
        "exclude": ",".join(filter(None, (slurm.exclude, *sorted(avoid)))) or None,
        "constraint": slurm.constraint,
    }
    further = {
        "ntasks": jobs.ntasks,
        # a range, because submitit would ask for one node if it is told none
        "nodes": slurm.nodes or f"1-{jobs.ntasks}",
        "chdir": str(folder),
        "no-requeue": True,  # SLURM would rerun an offspring that was given up; retries are ours
        # submitit asks for USR2 at the end of the time limit, which would reach and end the MPI simulation
        "signal": "B:URG@1",
        **({"time": slurm_time(jobs.time)} if jobs.time else {}),
        **({"hint": slurm.hint} if slurm.hint else {}),
        **slurm.further_options,
    }
    return {
        **own,
        "job_name": token,
        # an srun inside submitit's own srun hangs
        "use_srun": False,
        "stderr_to_stdout": True,
        "setup": [f"umask {umask:03o}", _SRUN_LIKE_HERE, *watched(jobs.setup, "jobs.setup")],
        "array_parallelism": slurm.array_size,
        "additional_parameters": further,
    }


def script_of(parameters: dict[str, Any], folder: Path, size: int) -> str:
    """Return the batch script of one submission.

    Parameters
    ----------
    parameters : dict
        Those of `job_parameters`.
    folder : pathlib.Path
        Takes logs and pickles of the jobs: their `own_folder`.
    size : int
        How many jobs it is; an array if there are several.
    """
    # submitit's own program of a job: it waits for the job's pickle in the folder, and calls what is in it
    program = shlex.join([sys.executable, "-u", "-m", "submitit.core._submit", str(folder)])
    count = size if size > 1 else None
    return _make_sbatch_string(command=telling_exit_code(program), folder=folder, map_count=count, **parameters)


def submit(
    tasks: Sequence[Task],
    parameters: dict[str, Any],
    token: str,
    folder: Path,
    run: Callable[[Sequence[str]], str],
    *,
    listed: Callable[[], str | None],
) -> list[str]:
    """Submit one job, or one array of jobs, and hand them their tasks; return their ids.

    Parameters
    ----------
    tasks : sequence of Task
        One for each job.
    parameters : dict
        Those of `job_parameters`.
    token : str
        Name of the jobs.
    folder : pathlib.Path
        Takes script, logs and pickles of the jobs: their `own_folder`.
    run : callable
        Runs sbatch, given the command, within a time limit; returns what it prints.
    listed : callable
        Returns the id under which the queue lists the name, None if it is not known.

    Raises
    ------
    SubmissionFailed
        If sbatch refuses; `transient` if it did not answer, so that the jobs may exist nevertheless; `too_many` if
        fewer jobs may be taken.
    """
    try:
        text = script_of(parameters, folder, len(tasks))
        folder.mkdir(parents=True, exist_ok=True)
        script = folder / f"submission_file_{token}.sh"
        script.write_text(text, encoding="utf-8")
        found = _job_ids(run(_sbatch(text, str(script))))
        # of several, one is SLURM's and the others are in a site's own words
        base = found[0] if len(found) == 1 else listed() or found[-1]
        script.rename(JobPaths(folder, base).submission_file)
        ids = job_ids(base, len(tasks))
        hand_over(tasks, ids, folder)
    except NoAnswer as error:
        raise SubmissionFailed(f"sbatch: {error}", transient=True) from error
    except (CommandFailed, OSError) as error:
        raise refusal(str(error)) from error
    return ids


def refusal(words: str) -> SubmissionFailed:
    """Return what it means that sbatch fails in these words: SLURM's own error decides, not a plug-in's sentence."""
    own = _OWN_WORDS.findall(words)
    error = own[-1] if own else words
    limited = _SUBMIT_LIMIT.search(words) or (error.startswith(_POLICY) and not _ANY_LIMIT.search(words))
    too_many = bool(limited) or error.startswith(INVALID_ARRAY)
    return SubmissionFailed(words, transient=bool(_NOT_THERE.search(error)), too_many=too_many)


def job_ids(base: str, size: int) -> list[str]:
    """Return the ids of the jobs of a submission, in the order of its tasks."""
    return [base] if size == 1 else [f"{base}_{n}" for n in range(size)]


def hand_over(tasks: Sequence[Task], ids: Sequence[str], folder: Path) -> None:
    """Write the pickles that submitted jobs wait for, up to a minute; one that is there already is replaced."""
    folder.mkdir(parents=True, exist_ok=True)  # jobs of a version before there was one wait elsewhere, and in vain
    for task, job_id in zip(tasks, ids, strict=True):
        pickle = JobPaths(folder, job_id).submitted_pickle
        files = [str(file) for file in task.files]
        submission = DelayedSubmission(evaluate if len(files) == 1 else evaluate_several, *files)
        submission.set_timeout(0, 0)
        # a job must not read the half of it
        unfinished = pickle.with_suffix(".unfinished")
        submission.dump(unfinished)
        unfinished.rename(pickle)


def _sbatch(text: str, *arguments: str) -> list[str]:
    """Return the command that submits a script, without the variables that sbatch would prefer to what is in it."""
    without = [word for name in overruled(_OPTION.findall(text)) for word in ("-u", name)]
    return [*(["env", *without] if without else []), "sbatch", *arguments]


def _job_ids(printed: str) -> list[str]:
    """Return the ids in what sbatch prints, the most likely one last: a site's own words come before SLURM's."""
    for form in _SUBMITTED:
        if found := form.findall(printed):
            return list(dict.fromkeys(reversed(found)))[::-1]
    raise NoAnswer(f"expected 'Submitted batch job' and an id, got {printed.strip()!r}")


@dataclass(frozen=True)
class Answer:
    """What ``sbatch --test-only`` said about a script.

    Parameters
    ----------
    accepted : bool or None
        Whether SLURM would take the job, now or when there are fewer of this user's; None if it did not answer.
    words : str
        Its own words.
    """

    accepted: bool | None
    words: str

    @property
    def limited(self) -> bool:
        """Whether the job is not taken for now, because there are too many of this user's."""
        return bool(self.accepted) and refusal(self.words).too_many

    @property
    def where(self) -> str:
        """Partition and nodes that SLURM thinks of, for people; empty if it does not say."""
        found = _START.search(self.words)
        return f"partition {found[4]}, such as {found[3]}" if found else ""


def ask_about(script: Path, directory: Path, options: Sequence[str] = ()) -> Answer:
    """Ask whether a batch script of a user would be accepted from a directory, with options before it."""
    return _ask(["sbatch", "--test-only", *options, str(script)], directory)


def _ask(command: Sequence[str], directory: Path) -> Answer:
    try:
        done = finish(command, _TEST_TIMEOUT, directory=directory)
    except CommandFailed as error:
        return Answer(None, str(error))
    words = "\n".join(line.removeprefix("sbatch: ") for line in (done.stderr + done.stdout).strip().splitlines())
    if done.returncode == 0 or refusal(words).too_many:
        return Answer(True, words)
    return Answer(None if _SILENT.search(words) else False, words or f"exit code {done.returncode}")


def ask_about_script(text: str, directory: Path) -> Answer:
    """Ask whether a batch script of `script_of`, which is no file yet, would be accepted from a directory."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "submission.sh"
            script.write_text(text, encoding="utf-8")
            return _ask(_sbatch(text, "--test-only", str(script)), directory)
    except OSError as error:
        return Answer(None, f"no room for a temporary file to ask with: {error}")
