"""The model's class and its experiments, as ``prepare`` finds them in run.py without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare_models import bare_model, small_model

from orchestrator.checking.problems import load_checked_config
from orchestrator.errors import UsageError
from orchestrator.prepare import prepare_model

RUN = "from mozaik.controller import run_workflow\n"
CLASS = "from mozaik.models import Model\n\nclass Net(Model):\n    pass\n"
CREATE = (
    "from mozaik.experiments import NoStimulation\n"
    "def create_experiments(model):\n    return [NoStimulation(model, duration=100.0)]\n"
)


def test_without_a_script_that_runs_the_model_the_candidates_are_listed(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    (model / "run.py").unlink()
    with pytest.raises(UsageError, match=r"no run\.py, and its scripts: .*Candidates: model:Net, experiments:cre"):
        list(prepare_model(model))
    list(prepare_model(model, model="model:Net", experiments="experiments:create_experiments"))


CALLS = {
    "modules": """
import mozaik.controller
import model
import experiments as e
mozaik.controller.run_workflow('x', model.Net, e.create_experiments)
""",
    "package": """
from .model import Net
from .experiments import create_experiments
if True:
    data_store, model = run_workflow('x', Net, create_experiments)
else:
    data_store = None
""",
    "stars": """
from model import *
from experiments import *
run_workflow(name(), Net, create_experiments)
""",
    "keywords": """
from model import Net as N
from experiments import create_experiments as c
def main():
    run_workflow('x', create_experiments=c, model_class=N)
main()
""",
    "twice the same": """
from experiments import create_experiments
from model import Net
run_workflow('x', Net, create_experiments)
run_workflow('y', Net, create_experiments)
""",
    "another encoding": """# -*- coding: latin-1 -*-
# \xe9
from model import Net
from experiments import create_experiments
run_workflow('x', Net, create_experiments)
""",
}


@pytest.mark.parametrize("script", CALLS.values(), ids=CALLS)
def test_ways_to_call_run_workflow(tmp_path: Path, script: str) -> None:
    model = small_model(tmp_path)
    (model / "run.py").write_bytes(script.encode("latin-1"))
    said = "\n".join(prepare_model(model))
    assert "Model model:Net, experiments experiments:create_experiments, root param/defaults." in said


TWO = CREATE + CREATE.replace("create_experiments", "create_short")
UNDECIDED = {
    "assigned later": """
from experiments import create_experiments, create_short
if True:
    create_experiments = create_short
""",
    "imported in two branches": """
if not SHORT:
    from experiments import create_experiments
else:
    from experiments import create_short as create_experiments
""",
    "two modules with everything": """
from experiments import *
from others import *
""",
}


@pytest.mark.parametrize("lines", UNDECIDED.values(), ids=UNDECIDED)
def test_experiments_with_more_than_one_meaning_are_asked_for(tmp_path: Path, lines: str) -> None:
    script = f"from model import Net\n{lines}\nrun_workflow('x', Net, create_experiments)\n"
    model = small_model(tmp_path, run__py=script, experiments__py=TWO, others__py=TWO)
    message = (
        r"run\.py:\d+: create_experiments gets its meaning in more than one way.*; say which with --experiments mod"
    )
    with pytest.raises(UsageError, match=message):
        list(prepare_model(model))
    said = "\n".join(prepare_model(model, experiments="experiments:create_short"))
    assert "Model model:Net, experiments experiments:create_short" in said


@pytest.mark.parametrize(
    "lines",
    [
        "try:\n    from .experiments import *\nexcept ImportError:\n    from experiments import create_experiments\n",
        "if PACKAGE:\n    from .experiments import create_experiments\nfrom experiments import create_experiments\n",
        "create_experiments = None\nfrom experiments import create_experiments\n",
        "from experiments import create_experiments\ndef other():\n    create_experiments = 3 + 4\n",
        "from analysis import *\nfrom experiments import *\n",
    ],
)
def test_experiments_with_one_meaning_are_taken(tmp_path: Path, lines: str) -> None:
    script = f"from model import Net\n{lines}\nrun_workflow('x', Net, create_experiments)\n"
    files = {"experiments__py": TWO, "analysis__py": "from experiments import create_experiments\n"}
    said = "\n".join(prepare_model(small_model(tmp_path, run__py=script, **files)))
    assert "experiments experiments:create_experiments" in said


def test_a_class_in_a_guarded_script_and_a_script_of_another_name(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    (model / "run.py").unlink()
    main = "if __name__ == '__main__':\n    run_workflow('x', Net, create_experiments)\n"
    (model / "simulate.py").write_text(RUN + "from experiments import create_experiments\n" + CLASS + main)
    assert "Model simulate:Net, experiments experiments:create_experiments" in "\n".join(prepare_model(model))


def test_the_configuration_has_what_run_py_does_besides_and_prepare_says_so(tmp_path: Path) -> None:
    model = bare_model("current_style", tmp_path)
    said = "\n".join(prepare_model(model))
    effects = "matplotlib.use('Agg'); nest.Install('stepcurrentmodule'); UNITS_MAP.update({'g_ex': 'nS', 'g_in': 'nS'})"
    assert f"Note: simulation.before has what run.py does before it runs the model: {effects}." in said
    assert "not carried over" not in said
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert config.simulation.model_dump()["before"] == (
        "import matplotlib",
        "matplotlib.use('Agg')",
        "from mpi4py import MPI",
        "import nest",
        "nest.Install('stepcurrentmodule')",
        "from pyNN.nest.cells import UNITS_MAP",
        "UNITS_MAP.update({'g_ex': 'nS', 'g_in': 'nS'})",
    )


def test_the_script_is_read_where_model_and_experiments_are_named_by_hand(tmp_path: Path) -> None:
    model = small_model(
        tmp_path, run__py="import nest\nnest.Install('a')\nstart()\n" + "run_workflow('x', Net, create_experiments)\n"
    )
    said = "\n".join(prepare_model(model, model="model:Net", experiments="experiments:create_experiments"))
    assert "not carried over from run.py, because it may do more than prepare a simulation: line 3, start()" in said
    assert "    nest.Install('a')\n" in (model / "param_optim/config_optimisation.yaml").read_text()
