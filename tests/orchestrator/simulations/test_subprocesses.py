"""Simulations end with the job that started them, whatever ends it."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from orchestrator_project import wait_for

from orchestrator.simulations.subprocesses import run_in_own_group

pytestmark = pytest.mark.run

# Runs its arguments as a simulation, in the directory that is its first one.
JOB = """
import signal, sys
from pathlib import Path
from orchestrator.simulations.subprocesses import end_on_signals, run_in_own_group
here = Path(sys.argv[1])
if "{ignored}":
    signal.signal(signal.SIG{ignored}, signal.SIG_IGN)
end_on_signals(lambda number: (here / "note").write_text(str(int(number))))
with open(here / "log", "ab") as log:
    sys.exit(run_in_own_group(sys.argv[2:], cwd=here, log=log))
"""
# Leaves its process id and waits to be killed.
SLEEPER = "import os, signal; open('{name}', 'w').write(f'{{os.getpid()}}\\n'); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
# A simulation with a process of its own, as an MPI launcher has.
LAUNCHER = "import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {inner!r}]); {outer}"


def sleeper(name: str = "pid", before: str = "") -> list[str]:
    return [sys.executable, "-S", "-c", before + SLEEPER.format(name=name)]


def with_child(inner: str, outer: str) -> list[str]:
    return [sys.executable, "-S", "-c", LAUNCHER.format(inner=inner, outer=outer)]


class Jobs:
    """Starts jobs in a directory, and sees them ended."""

    def __init__(self, directory: Path):
        self.directory = directory
        self._started: list[subprocess.Popen[bytes]] = []
        self._seen: list[psutil.Process] = []

    def start(self, *command: str, ignored: str = "") -> subprocess.Popen[bytes]:
        job = JOB.format(ignored=ignored)
        process = subprocess.Popen([sys.executable, "-c", job, str(self.directory), *command], start_new_session=True)
        self._started.append(process)
        return process

    def process(self, name: str = "pid") -> psutil.Process:
        """Wait for the process that leaves its id under `name`."""
        file = self.directory / name
        wait_for(lambda: file.exists() and file.read_text().endswith("\n"), 20)
        self._seen.append(psutil.Process(int(file.read_text())))
        return self._seen[-1]

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        for left in self._seen:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    started = Jobs(tmp_path)
    yield started
    started.close()


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_simulation_dies_with_a_job_that_is_killed(jobs: Jobs) -> None:
    job = jobs.start(*sleeper())
    simulation = jobs.process()
    job.kill()
    wait_for(lambda: gone(simulation), 10)
    assert job.wait() == -9


def test_the_children_of_a_simulation_die_with_a_job_that_is_killed(jobs: Jobs) -> None:
    job = jobs.start(*with_child(SLEEPER.format(name="child"), SLEEPER.format(name="pid")))
    simulation, child = jobs.process(), jobs.process("child")
    job.kill()
    wait_for(lambda: gone(simulation), 10)
    wait_for(lambda: gone(child), 2)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_whole_group_and_is_noted(jobs: Jobs, how: signal.Signals) -> None:
    job = jobs.start(*with_child(SLEEPER.format(name="child"), SLEEPER.format(name="pid")))
    simulation, child = jobs.process(), jobs.process("child")
    job.send_signal(how)
    assert job.wait(20) == 128 + how
    assert (jobs.directory / "note").read_text() == str(int(how))
    wait_for(lambda: gone(simulation) and gone(child), 10)


def test_a_signal_that_another_thread_gets_ends_the_job_as_well(tmp_path: Path) -> None:
    """Linux gives it SIGTERM where the main thread has not yet seen the SIGCONT that scancel sends first."""
    script = f"""
import signal, threading, time
from pathlib import Path
from orchestrator.simulations.subprocesses import end_on_signals
end_on_signals(lambda number: Path({str(tmp_path / "note")!r}).write_text(str(int(number))))
threading.Timer(0.5, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)).start()
time.sleep(60)
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=20, check=False).returncode == 143
    assert (tmp_path / "note").read_text() == "15"


def test_a_signal_to_a_forked_child_is_the_childs_affair(tmp_path: Path) -> None:
    """A pool of the model's own ends its workers with SIGTERM."""
    script = f"""
import multiprocessing
from pathlib import Path
from orchestrator.simulations.subprocesses import end_on_signals
end_on_signals(lambda number: Path({str(tmp_path / "note")!r}).touch())
for _ in range(5):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0
    assert not (tmp_path / "note").exists()


def test_a_group_that_does_not_listen_is_killed(jobs: Jobs) -> None:
    inner, outer = (STUBBORN + SLEEPER.format(name=name) for name in ("child", "pid"))
    job = jobs.start(*with_child(inner, outer))
    simulation, child = jobs.process(), jobs.process("child")
    job.terminate()
    assert job.wait(20) == 143
    wait_for(lambda: gone(simulation) and gone(child), 10)


def test_a_job_that_was_started_not_to_hear_of_ctrl_c_does_not(jobs: Jobs) -> None:
    job = jobs.start(*sleeper(), ignored="INT")
    simulation = jobs.process()
    ignored = re.search(r"^SigIgn:\s*(\w+)$", Path(f"/proc/{job.pid}/status").read_text(), re.MULTILINE)
    assert ignored is not None
    assert int(ignored[1], 16) & 1 << (signal.SIGINT - 1)
    job.send_signal(signal.SIGINT)
    job.terminate()
    assert job.wait(20) == 143
    assert (jobs.directory / "note").read_text() == "15"
    wait_for(lambda: gone(simulation), 10)


def test_what_a_simulation_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    inner = STUBBORN + SLEEPER.format(name="child")
    outer = "import os\nwhile not os.path.exists('child') or os.path.getsize('child') < 2: pass"
    with (tmp_path / "log").open("ab") as log:
        assert run_in_own_group(with_child(inner, outer), cwd=tmp_path, log=log) == 0
    pid = int((tmp_path / "child").read_text())
    wait_for(lambda: not psutil.pid_exists(pid) or gone(psutil.Process(pid)), 10)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("print('said')", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9)],
)
def test_the_exit_code_is_the_simulations(tmp_path: Path, code: str, expected: int) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    with (tmp_path / "log").open("ab") as log:
        command = [sys.executable, "-S", "-c", f"import sys; print('error', file=sys.stderr); {code}"]
        assert run_in_own_group(command, cwd=tmp_path, log=log) == expected
    assert "error" in (tmp_path / "log").read_text()
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_program_that_is_not_there_is_a_failed_simulation(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as log:
        assert run_in_own_group(["no-such-launcher"], cwd=tmp_path, log=log) != 0
    assert "no-such-launcher" in (tmp_path / "log").read_text() or "No such file" in (tmp_path / "log").read_text()


def test_files_of_the_model_are_no_modules_of_what_starts_it(tmp_path: Path) -> None:
    """A model's struct.py was imported in the place of the standard library's, and nothing was simulated."""
    for name in ("ctypes", "struct", "os"):
        (tmp_path / f"{name}.py").write_text("raise SystemError('mine')\n")
    with (tmp_path / "log").open("wb") as log:
        assert run_in_own_group(["/bin/echo", "simulated"], cwd=tmp_path, log=log) == 0
    assert (tmp_path / "log").read_text() == "simulated\n"
