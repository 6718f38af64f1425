"""An optimisation in a notebook: of a function of its cells, interrupted, and continued."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import nbformat
import pytest

from orchestrator import Run

pytestmark = pytest.mark.notebooks

SIMULATE = f"""
def simulate(parameters, directory):
    once = Path("interrupted")
    if parameters["x"] != 0.5 and not once.exists():  # the start is evaluated first
        once.touch()
        with open(once) as nothing:  # IPython has one of its own
            nothing.read()
        for _ in range(2):
            os.kill(int(os.environ["KERNEL"]), {int(signal.SIGINT)})
    return {{"rate": Cell(parameters["x"]).rate()}}
"""
OPTIMISE = """
run = orchestrator.optimise(simulate, {"x": (0, 1), "y": (0, 1)}, {"rate": 3}, executor="local",
                            local={"stay": True, "workers": 1}, offspring_size=4, max_ngen=2, report=False)
"""
CELLS = [
    "import os\nfrom dataclasses import dataclass\nfrom pathlib import Path\nimport orchestrator",
    "os.environ['KERNEL'] = str(os.getpid())\nGAIN = 10",
    "@dataclass\nclass Cell:\n    x: float\n    def rate(self):\n        return GAIN * self.x",
    SIMULATE,
    OPTIMISE,
    "GAIN = 0",
    "run = orchestrator.Run(next(Path().glob('*_Optimization'))).continue_(max_ngen=3)\nrun",
    "run.figures['score_by_generation']",
    "orchestrator.optimise(simulate, {'x': 'a'}, {'rate': 3}, executor='local')",
    "orchestrator.optimise(lambda parameters, directory: {}, {'x': (0, 1)}, {'rate': 3})",
]


def outputs(notebook: Any, number: int, kind: str) -> list[Any]:
    return [each for each in notebook.cells[number].outputs if each.output_type == kind]


def test_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient  # noqa: PLC0415  (the core has this module too, and executes nothing)

    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    here = tmp_path / "here"
    here.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(here)}}
    ).execute()

    (interrupted,) = outputs(notebook, 4, "error")
    assert interrupted.ename == "Stopped"
    (message,) = interrupted.traceback  # and no traceback
    assert message.startswith("orchestrator: stopped in generation ")
    assert message.endswith(".continue_()")

    (run,) = here.glob("*_Optimization")
    frame = Run(run).evaluations()
    assert len(frame) == 12
    assert (frame["value:ReturnedValue(rate)"] == 10 * frame["parameter:x"]).all(), "with the constant of its start"
    assert outputs(notebook, 6, "error") == []
    shown = [each.data["text/html"] for each in outputs(notebook, 6, "display_data") if "text/html" in each.data]
    assert "3 of 3 complete" in shown[0]
    (value,) = outputs(notebook, 6, "execute_result")
    assert "12 evaluations, best total score" in value.data["text/plain"]
    assert "image/png" in outputs(notebook, 7, "execute_result")[0].data
    for number, words in ((8, "optimise(): parameters.x: expected"), (9, "expected a function with a name of its own")):
        (refused,) = outputs(notebook, number, "error")
        (message,) = refused.traceback
        assert words in message
