"""The run script as a program of its own: lines before mozaik is imported, and models that build in processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.run

SCRIPT = Path(__file__).resolve().parents[4] / "param_optim" / "run_optimization_experiment.py"
# what the run script imports; of what mozaik is, nothing matters here
STAND_INS = {
    "mozaik/__init__.py": "mpi_comm = None",
    "mozaik/controller.py": "def run_workflow(*_):\n    pass",
    "mozaik/experiments.py": "class NoStimulation:\n    pass",
    "parameters.py": "ParameterSet = dict",
    "mpi4py.py": "raise ImportError",
}
# as mozaik's connectors do: the processes have two queues each, which are emptied one after the other
PROGRAM = """
import importlib.util, multiprocessing, os, queue, struct, sys, threading, time

spec = importlib.util.spec_from_file_location("script", {script!r})
script = importlib.util.module_from_spec(spec)
sys.modules["script"] = script
spec.loader.exec_module(script)
script.CHECKS, script.BETWEEN_CHECKS = 4, 0.05
multiprocessing.Process = script.BuildingProcess
LONG = 0.8  # four times as long as it takes to give up


def collected(build, number=3):
    queues = [(multiprocessing.Queue(), multiprocessing.Queue()) for _ in range(number)]
    processes = [multiprocessing.Process(target=build, args=(k, *pair)) for k, pair in enumerate(queues)]
    for each in processes:
        each.start()
    connections, numbers = [], 0
    for process, (connections_of, number_of) in zip(processes, queues):
        connections.extend(connections_of.get())
        numbers += number_of.get()
        process.join()
    return len(connections), numbers


def connections():
    return [0.5] * 100_000  # more than a pipe holds


"""
FAILS = {
    "the last raises": (
        """
        def build(k, connections_of, number_of):
            assert k < 2, "V1AffConnection: 10 20"
            connections_of.put(connections())
            number_of.put(1)
        """,
        1,
        "ended with exit code 1",
    ),
    "the first raises while the others go on, which then wait for their queues to be emptied": (
        """
        def build(k, connections_of, number_of):
            assert k > 0, "V1AffConnection: 10 20"
            connections_of.put(connections())
            number_of.put(1)
        """,
        1,
        "ended with exit code 1",
    ),
    "one is killed before it puts anything": (
        """
        def build(k, connections_of, number_of):
            if k == 1:
                os.kill(os.getpid(), 9)
            connections_of.put(connections())
            number_of.put(1)
        """,
        128 + signal.SIGKILL,
        "was killed by SIGKILL",
    ),
    "one is killed while it puts": (
        """
        def build(k, connections_of, number_of):
            if k == 1:
                os.write(connections_of._writer.fileno(), struct.pack("!i", 1000) + b"0" * 10)
                os.kill(os.getpid(), 9)
            connections_of.put(connections())
            number_of.put(1)
        """,
        128 + signal.SIGKILL,
        "was killed by SIGKILL",
    ),
    "one crashes between its two queues": (
        """
        def build(k, connections_of, number_of):
            connections_of.put([])
            if k == 1:
                connections_of.close()
                connections_of.join_thread()
                os.kill(os.getpid(), 11)
            number_of.put(1)
        """,
        1,
        "was killed by SIGSEGV",
    ),
    "two have one queue, and both fail": (
        """
        def both(shared):
            ended = [multiprocessing.Process(target=lambda q: sys.exit(3), kwargs={"q": shared}) for _ in range(2)]
            for each in ended:
                each.start()
            shared.get()
        collected = lambda _: both(multiprocessing.Queue())
        build = None
        """,
        1,
        "ended with exit code 3",
    ),
    "two have one queue, one of them in a list, and both fail": (
        """
        def both(shared):
            for given in (shared, [shared]):
                multiprocessing.Process(target=lambda q: sys.exit(3), args=(given,)).start()
            shared.get()
        collected = lambda _: both(multiprocessing.Queue())
        build = None
        """,
        1,
        "ended with exit code 3",
    ),
    "one fails that has the queue in a list, and those that live have others": (
        """
        def collected(_):
            mine, other = multiprocessing.Queue(), multiprocessing.Queue()
            multiprocessing.Process(target=lambda _, q: time.sleep(60), args=([0] * 10**6, other), daemon=True).start()
            multiprocessing.Process(target=lambda q: sys.exit(3), args=([mine],)).start()
            return mine.get()
        build = None
        """,
        1,
        "ended with exit code 3",
    ),
}
HEALTHY = {
    "all goes well": """
        def build(k, connections_of, number_of):
            connections_of.put(connections())
            number_of.put(1)
        """,
    "one fails after it has put everything, and its queues are emptied late": """
        def build(k, connections_of, number_of):
            connections_of.put([0.5] * 100_000)
            number_of.put(1)
            if k == 0:
                time.sleep(LONG)
            for each in (connections_of, number_of):
                each.close()
                each.join_thread()
            os._exit(7)
        """,
    "a time limit is the model's own care": """
        def collected(_):
            mine = multiprocessing.Queue()
            multiprocessing.Process(target=lambda q: sys.exit(3), args=(mine,)).start()
            try:
                mine.get(timeout=LONG)
            except queue.Empty:
                return 300_000, 3
        build = None
        """,
    "one is ended by the model, and the queue is filled by another": """
        def collected(_):
            mine = multiprocessing.Queue()
            for end in ("terminate", "kill"):
                process = multiprocessing.Process(target=lambda q: time.sleep(60), args=(mine,))
                process.start()
                getattr(process, end)()
                process.join()
            threading.Timer(LONG, lambda: mine.put((300_000, 3))).start()
            return mine.get()
        build = None
        """,
    "one of two that have a queue fails, and the other takes its time": """
        def put_late(q):
            time.sleep(LONG)
            q.put((300_000, 3))
        def collected(_):
            mine = multiprocessing.Queue()
            for target in (lambda q: sys.exit(3), put_late):
                multiprocessing.Process(target=target, args=(mine,)).start()
            return mine.get()
        build = None
        """,
    "one of two fails, and the other has the queue in a list": """
        def put_late(given):
            time.sleep(LONG)
            given[0].put((300_000, 3))
        def collected(_):
            mine = multiprocessing.Queue()
            for target, given in ((lambda q: sys.exit(3), mine), (put_late, [mine])):
                multiprocessing.Process(target=target, args=(given,)).start()
            return mine.get()
        build = None
        """,
    "one of two fails, and the other has the queue in a list, and one of its own": """
        def put_late(own, given):
            time.sleep(LONG)
            given["queues"][0].put((300_000, 3))
        def collected(_):
            mine, own = multiprocessing.Queue(), multiprocessing.Queue()
            for target, given in ((lambda q: sys.exit(3), (mine,)), (put_late, (own, {"queues": [mine]}))):
                multiprocessing.Process(target=target, args=given).start()
            return mine.get()
        build = None
        """,
    "one of two fails, and the other is of a context of the model's": """
        def put_late(q):
            time.sleep(LONG)
            q.put((300_000, 3))
        def collected(_):
            mine = multiprocessing.Queue()
            multiprocessing.Process(target=lambda q: sys.exit(3), args=(mine,)).start()
            multiprocessing.get_context("fork").Process(target=put_late, args=(mine,)).start()
            return mine.get()
        build = None
        """,
    "one fails, and another is waited for": """
        def put_late(q):
            time.sleep(LONG)
            q.put((300_000, 3))
        def collected(_):
            failed, mine = multiprocessing.Queue(), multiprocessing.Queue()
            multiprocessing.Process(target=lambda q: sys.exit(3), args=(failed,)).start()
            multiprocessing.Process(target=put_late, args=(mine,)).start()
            return mine.get()
        build = None
        """,
    "one fails, is asked for its exit code, and is started again": """
        def collected(_):
            mine = multiprocessing.Queue()
            first = multiprocessing.Process(target=lambda q: sys.exit(3), args=(mine,))
            first.start()
            first.join()
            assert first.exitcode == 3
            multiprocessing.Process(target=lambda q: q.put((300_000, 3)), args=(mine,)).start()
            time.sleep(LONG)
            return mine.get()
        build = None
        """,
    "one fails, and a thread of the model fills its queue": """
        def collected(_):
            mine = multiprocessing.Queue()
            multiprocessing.Process(target=lambda q: sys.exit(3), args=(mine,)).start()
            threading.Timer(LONG, lambda: mine.put((300_000, 3))).start()
            return mine.get()
        build = None
        """,
    "one has failed, and the model computes": """
        def collected(_):
            mine = multiprocessing.Queue()
            multiprocessing.Process(target=lambda q: sys.exit(3), args=(mine,)).start()
            end = time.monotonic() + LONG
            while time.monotonic() < end:
                pass
            return 300_000, 3
        build = None
        """,
    "processes of programs fail": """
        import subprocess
        def collected(_):
            assert subprocess.run(["false"]).returncode == 1
            mine = multiprocessing.Queue()
            threading.Timer(LONG, lambda: mine.put((300_000, 3))).start()
            return mine.get()
        build = None
        """,
}


def stand_ins(folder: Path) -> None:
    for name, content in STAND_INS.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    stand_ins(folder)
    program = folder / "program.py"
    end = "print('built', *collected(build), flush=True)\n"
    program.write_text(PROGRAM.replace("{script!r}", repr(str(SCRIPT))) + textwrap.dedent(text) + end)
    return subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize("how", FAILS)
def test_a_model_that_waits_in_vain_is_ended(how: str, tmp_path: Path) -> None:
    text, code, message = FAILS[how]
    done = run(tmp_path, text)
    assert done.returncode == code, done.stderr
    *_, last = done.stderr.splitlines()
    assert message in last
    assert last.endswith("is waited for in vain")
    assert "get()" in done.stderr  # where the model waits
    assert "built" not in done.stdout
    assert ("AssertionError: V1AffConnection: 10 20" in done.stderr) == ("V1Aff" in text)


@pytest.mark.parametrize("how", HEALTHY)
def test_a_model_that_goes_on_by_itself_is_let_alone(how: str, tmp_path: Path) -> None:
    done = run(tmp_path, HEALTHY[how])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "built 300000 3\n"
    assert "in vain" not in done.stderr


def started(folder: Path, before: list[str]) -> subprocess.CompletedProcess[str]:
    """Start the run script as a job does, in a model's directory."""
    stand_ins(folder)
    (folder / "mozaik/__init__.py").write_text("import os\nmpi_comm = None\nprint('sees', os.environ.get('GIVEN'))")
    (folder / "model.py").write_text("class Net:\n    pass\n")
    (folder / "experiments.py").write_text("def create_experiments(model):\n    return []\n")
    (folder / "ours.py").write_text("def fail():\n    raise ValueError('no such module')\n")
    settings = {"model": "model:Net", "experiments": "experiments:create_experiments", "before": before}
    settings |= {"progress": str(folder / "progress.jsonl"), "explosion_check": {}}
    (folder / "offspring.json").write_text(json.dumps(settings))
    arguments = ["nest", "1", "overlay", "results_dir", "'/tmp/'", "offspring"]
    environment = {**os.environ, "ORCHESTRATOR_OFFSPRING": "offspring.json", "PYTHONPATH": str(folder)}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=20)


def test_lines_are_executed_before_mozaik_is_imported(tmp_path: Path) -> None:
    lines = ["import os, sys", "for _ in [0]:", "    os.environ['GIVEN'] = str('mozaik' in sys.modules)"]
    done = started(tmp_path, lines)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "sees False\n"
    assert [json.loads(line)["phase"] for line in (tmp_path / "progress.jsonl").open()] == ["building", "finished"]


def test_a_line_that_exits_is_a_failure(tmp_path: Path) -> None:
    """With exit code 0 it was a simulation that had left no results."""
    done = started(tmp_path, ["import sys", "sys.exit(0)"])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "simulation.before: sys.exit(0): SystemExit: 0"
    assert not (tmp_path / "progress.jsonl").exists()


MPI = """
import os
class COMM_WORLD:
    size = {size}
    def Abort(code):
        print("all ranks end with", code, flush=True)
        os._exit(code)
"""


@pytest.mark.parametrize("size", [1, 2])
def test_a_line_that_fails_on_one_rank_ends_the_others(size: int, tmp_path: Path) -> None:
    """They waited for it in the start of MPI."""
    package = tmp_path / "mpi4py"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "MPI.py").write_text(MPI.format(size=size))
    done = started(tmp_path, ["import mpi4py", "open('nix')"])  # the first is what python -m mpi4py does
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("simulation.before: open('nix'): FileNotFoundError")
    assert done.stdout == ("all ranks end with 1\n" if size > 1 else "")


def test_a_line_that_fails_is_named_before_anything_is_built(tmp_path: Path) -> None:
    done = started(tmp_path, ["import ours", "ours.fail()  # of a module of the model"])
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last == "simulation.before: ours.fail()  # of a module of the model: ValueError: no such module"
    assert not (tmp_path / "progress.jsonl").exists()
