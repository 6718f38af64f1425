"""What is verifiably of a run: files of a directory may name any process and any job, and cancel ends only these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import psutil

from orchestrator.cluster import Cluster, Job
from orchestrator.cluster.commands import CommandFailed, Place, own_jobs
from orchestrator.paths import RunPaths
from orchestrator.processes import writes_to


def is_controller(paths: RunPaths, process: psutil.Process) -> bool:
    """Return whether a process is the run's controller: it is this user's and writes the run's log."""
    return writes_to(process, paths.log)


def own_controller_jobs(paths: RunPaths, ids: Sequence[str], say: Callable[[str], object]) -> list[str]:
    """Return which of these jobs can be the run's controllers: this user's, in the directory that the run is in.

    Parameters
    ----------
    paths : RunPaths
        The run.
    ids : sequence of str
        Ids of SLURM jobs, as the run's files name them.
    say : callable
        Told which are left alone, and why.
    """
    # whatever else a file names here would be an option of scancel
    ids = [each for each in ids if each.isascii() and each.isdigit()]
    if not ids:
        return []
    try:
        known = own_jobs()
    except CommandFailed as error:
        say(f"whether jobs {' '.join(ids)} are controllers of this run cannot be asked, they are left alone: {error}")
        return []
    foreign = [each for each in ids if each in known and not known[each].is_in(paths.surroundings)]
    for each in foreign:
        say(_left_alone(each, known[each].name, str(known[each].directory), paths))
    return [each for each in ids if each in known and each not in foreign]


def own_of(paths: RunPaths, cluster: Cluster, jobs: Sequence[Job], say: Callable[[str], object]) -> list[Job]:
    """Return which of these jobs, which a journal names, are the run's by their name and working directory.

    Parameters
    ----------
    paths : RunPaths
        The run.
    cluster : Cluster
        Runs them.
    jobs : sequence of Job
        As the run's journals name them.
    say : callable
        Told which are left alone, and why.
    """
    known: Mapping[str, Place] = {}
    try:
        known = cluster.places() if jobs else {}
    except CommandFailed as error:
        # they are asked for by name and owner as well
        say(f"the working directories of the jobs cannot be asked: {error}")
    own = []
    for job in jobs:
        place = known.get(job.id)
        elsewhere = place is not None and place.name == job.token and not place.is_in(paths.directory)
        directory = str(place.directory) if place is not None and elsewhere else ""
        if directory or not job.token.startswith(f"{paths.job_name}-"):
            say(_left_alone(job.id, job.token, directory, paths))
        else:
            own.append(job)
    return own


def _left_alone(job_id: str, name: str, directory: str, paths: RunPaths) -> str:
    where = f" in {directory}" if directory else ""
    return (
        f"job {job_id} ({name}{where}) is named by {paths.directory}, and nothing shows that it is this run's: it is "
        "left alone. If it is, end it with scancel"
    )
