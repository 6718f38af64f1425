from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from orchestrator.jobs.measuring_pool import available_memory


def test_without_control_groups_it_is_the_machines(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "none", tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.2)


@pytest.mark.parametrize(
    ("line", "mount", "maximum", "used"),
    [
        ("0::/slurm/job_7/step_batch", "", "memory.max", "memory.current"),
        ("4:cpu,memory:/slurm/job_7/step_batch", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ],
)
def test_a_jobs_limit_counts_also_where_it_is_set_above_the_step(
    tmp_path: Path, line: str, mount: str, maximum: str, used: str
) -> None:
    step = tmp_path / mount / "slurm/job_7/step_batch"
    step.mkdir(parents=True)
    (step / maximum).write_text("max\n")
    (step / used).write_text("1000\n")
    (step.parent / maximum).write_text("500000\n")
    (step.parent / used).write_text("200000\n")
    process = tmp_path / "cgroup"
    process.write_text(f"1:name=systemd:/\n{line}\n")
    assert available_memory(process, tmp_path) == 300000
