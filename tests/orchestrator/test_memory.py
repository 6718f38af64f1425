"""Whether the kernel killed a job for its own memory, or for another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.memory import has_exceeded_limit

JOB = "slurm/uid_7/job_5"


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("group", "files", "own"),
    [
        (
            f"4:memory:/{JOB}/step_batch\n",
            {
                f"memory/{JOB}/step_batch/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
                f"memory/{JOB}/memory.failcnt": "12\n",
            },
            True,
        ),
        (  # the machine's memory was short
            f"4:memory:/{JOB}/step_batch\n",
            {
                f"memory/{JOB}/step_batch/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
                f"memory/{JOB}/memory.failcnt": "0\n",
            },
            False,
        ),
        (
            f"0::/{JOB}/step_batch/user/task_0\n",
            {
                f"{JOB}/step_batch/user/task_0/memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\n",
                f"{JOB}/memory.events": "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n",
            },
            True,
        ),
        (
            f"0::/{JOB}/step_batch/user/task_0\n",
            {
                f"{JOB}/step_batch/user/task_0/memory.events": "oom 0\noom_kill 1\n",
                f"{JOB}/memory.events": "oom 0\noom_kill 1\n",
            },
            False,
        ),
        (f"0::/{JOB}\n", {f"{JOB}/memory.events": "oom 0\noom_kill 0\n"}, False),
        ("0::/user.slice\n", {"user.slice/memory.events": "oom 3\noom_kill 3\n"}, False),  # of whom is not known
        (f"0::/{JOB}\n", {}, False),
    ],
    ids=["version 1", "1, for another's", "version 2", "2, for another's", "none", "no job of SLURM", "no files"],
)
def test_only_a_jobs_own_limit_speaks_of_its_memory(
    group: str, files: dict[str, str], own: bool, tmp_path: Path
) -> None:
    process = tmp_path / "cgroup"
    process.write_text(group)
    assert has_exceeded_limit(process, written(tmp_path / "root", files)) is own
