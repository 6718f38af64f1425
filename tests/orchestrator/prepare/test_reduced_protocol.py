"""The predecessor's run_optimization_experiment.py, offered and taken in place of run.py's experiments."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from bare_models import small_model

from orchestrator.checking.problems import load_checked_config
from orchestrator.errors import UsageError
from orchestrator.prepare import prepare_model
from orchestrator.simulations.mozaik.modules import defined_in
from orchestrator.simulations.mozaik.protocol import protocol_of

SCRIPT = """\
from mpi4py import MPI
from model import Net

from mozaik.controller import run_workflow
from mozaik.experiments import *
from mozaik.experiments.vision import *
from parameters import ParameterSet
import numpy

import nest

GRATING = 2 * 143 * 7  # ms
CONTRASTS = [10, 100]
UNUSED = MPI.COMM_WORLD


def spontaneous(duration):
    # of its own
    return ParameterSet({'duration': duration})


def create_experiments_optimization(model):
    return [
        NoStimulation(model, ParameterSet({'duration': 500})),
        NoStimulation(model, ParameterSet({'duration': 5 * 1001})),
        MeasureOrientationTuningFullfield(
            model, ParameterSet({
                'num_orientations': 2,
                'spatial_frequency': 0.8,
                'temporal_frequency': 2,
                'grating_duration': GRATING_OF,
                'contrasts': [10, 100],
                'num_trials': 1,
                'shuffle_stimuli': True
            })
        ),
        MeasureSizeTuning(
            model, ParameterSet({
                'num_sizes': 1, 'max_size': 1.25, 'log_spacing': False, 'orientations': [numpy.pi / 2],
                'positions': [(0.0, 0.0)], 'with_flat': False, 'spatial_frequency': 0.8, 'temporal_frequency': 2,
                'grating_duration': 2 * 143 * 7, 'contrasts': [100], 'num_trials': 1
            })
        ),
    ]


mpi_comm = MPI.COMM_WORLD

nest.Install("stepcurrentmodule")
nest.Install("nestmlmodule")

data_store, model = run_workflow('SelfSustainedPushPull', Net, create_experiments_optimization)
"""
# 500 + 5005 + 4 * 2002 + 2002 ms, and a blank of 150 ms before each of 7
OWN, RUN_PYS = "16.6 s", "0.2 s"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    script = SCRIPT.replace("GRATING_OF", "model.parameters.grating")
    root = "{'results_dir': '', 'pynn_seed': 1, 'grating': 2002.0, 'null_stimulus_period': 150.0,"
    return small_model(
        tmp_path,
        run_optimization_experiment__py=script,
        param__defaults=f"{root} 'sheets': {{'exc': url('param/exc')}}}}",
    )


def prepare(model: Path, **options: Any) -> str:
    return "\n".join(prepare_model(model, **options))


def test_it_is_offered_with_both_costs(model: Path) -> None:
    said = prepare(model)
    assert (
        f"Note: run_optimization_experiment.py is the predecessor's reduced protocol: {OWN} of biological time in each "
        f"simulation, experiments:create_experiments {RUN_PYS}; prepare with --reduced --force takes it." in said
    )
    assert (
        'experiments: "experiments:create_experiments"' in (model / "param_optim/config_optimisation.yaml").read_text()
    )
    assert not (model / "param_optim/reduced_protocol.py").exists()


def test_it_is_taken_without_what_runs_the_model(model: Path) -> None:
    said = prepare(model, reduced=True)
    assert "the experiments are those of run_optimization_experiment.py, the predecessor's reduced protocol: " in said
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    simulation: Any = config.simulation
    assert simulation.experiments == "param_optim.reduced_protocol:create_experiments_optimization"
    assert simulation.before[-2:] == ("nest.Install('stepcurrentmodule')", "nest.Install('nestmlmodule')")
    text = (model / "param_optim/reduced_protocol.py").read_text()
    tree = ast.parse(text)
    assert [type(node).__name__ for node in tree.body] == [
        "Expr",
        *["ImportFrom"] * 3,
        "Import",
        "FunctionDef",
    ]
    assert "'shuffle_stimuli': True\n" in text  # word for word
    assert "run_workflow" not in text
    assert {"NoStimulation", "MeasureSizeTuning"} <= set(protocol_of(model, simulation.experiments).experiments)
    assert {spec["class"] for spec in config.targets} >= {"OrientationTuningOrthoLowTarget", "SizeTuning"}
    assert "is prepared already" in prepare(model, reduced=True)


def test_what_its_function_needs_of_the_script_comes_along(model: Path) -> None:
    script = model / "run_optimization_experiment.py"
    text = script.read_text().replace("ParameterSet({'duration': 500})", "spontaneous(GRATING)")
    script.write_text(text)
    prepare(model, reduced=True)
    copy = (model / "param_optim/reduced_protocol.py").read_text()
    assert "GRATING = 2 * 143 * 7  # ms\n" in copy
    assert "    # of its own\n" in copy
    assert "CONTRASTS" not in copy
    assert "UNUSED" not in copy
    assert {"spontaneous", "create_experiments_optimization"} <= set(defined_in(ast.parse(copy)))


CHANGES = {
    "a method": "VALUES = [500]\nVALUES.append(30)\n",
    "an item": "VALUES = {0: 500}\nVALUES[1] = 2\n",
    "an attribute": "VALUES = ParameterSet({})\nVALUES.a = 2\n",
    "what is deleted": "VALUES = [500, 3]\ndel VALUES[1]\n",
    "in a block": "VALUES = [500]\nfor each in [1, 2]:\n    VALUES.append(each)\n",
    "by another name": "VALUES = [500]\nOTHER = VALUES\nOTHER.append(3)\n",
    "a function": "VALUES = [500]\nnumpy.random.shuffle(VALUES)\n",
    "a function of its own": "VALUES = [500]\ndef grow(by):\n    VALUES.append(by)\n\ngrow(30)\n",
    "as a program alone": "VALUES = [500]\nif __name__ == '__main__':\n    VALUES.append(30)\n",
}


def with_values(model: Path, lines: str) -> Path:
    """Write a script with lines before its function, which uses VALUES."""
    script = model / "run_optimization_experiment.py"
    text = script.read_text().replace("def create_exp", f"{lines}\n\ndef create_exp")
    script.write_text(text.replace("'duration': 500", "'duration': VALUES[0]"))
    return script


@pytest.mark.parametrize("how", CHANGES)
def test_a_value_that_is_changed_later_is_refused(how: str, model: Path) -> None:
    """The value was copied as it was at first."""
    script = with_values(model, CHANGES[how])
    changing = next(line for line in CHANGES[how].splitlines()[1:] if "VALUES" in line)
    number = script.read_text().splitlines().index(changing) + 1
    said = rf"--reduced: .*py:{number}: create_exp.* needs VALUES, which this line may change, expected a value that st"
    with pytest.raises(UsageError, match=said):
        prepare(model, reduced=True)
    assert not (model / "param_optim").exists()


def test_what_changes_no_value_is_no_reason_to_refuse(model: Path) -> None:
    number = "LENGTH = 5 * 100\nTWICE = LENGTH * 2\n"
    read = "print(VALUES)\nif len(UNUSED) > 3 or VALUES[0] > 3:\n    print(VALUES)\n"
    functions = "def other():\n    VALUES.append(1)\n\ndef own(VALUES):\n    VALUES.append(1)\n\nown([3])\n"
    with_values(model, f"{number}VALUES = [LENGTH]\n{read}\n{functions}")
    prepare(model, reduced=True)
    copy = (model / "param_optim/reduced_protocol.py").read_text()
    assert "LENGTH = 5 * 100\nVALUES = [LENGTH]\n" in copy
    assert "TWICE" not in copy


def test_an_argument_of_a_method_is_not_what_the_script_calls_the_same(model: Path) -> None:
    """`model` of the method is not that of `data_store, model = run_workflow(...)`."""
    method = "    kept = GRATING\n\n    def of(self, model):\n        return [model.parameters.length]\n"
    with_values(model, f"class Values(dict):\n{method}\n\nVALUES = Values()\n")
    prepare(model, reduced=True)
    copy = ast.parse((model / "param_optim/reduced_protocol.py").read_text())
    assert {"Values", "VALUES", "GRATING"} <= set(defined_in(copy))


def test_a_script_in_another_encoding_is_copied(model: Path) -> None:
    script = model / "run_optimization_experiment.py"
    text = script.read_text().replace("def create_exp", "LENGTH: float = 500  # für\n\n\ndef create_exp")
    text = text.replace("'duration': 500", "'duration': LENGTH")
    script.write_text(f"# -*- coding: latin-1 -*-\n{text}", encoding="latin-1")
    prepare(model, reduced=True)
    assert "LENGTH: float = 500  # für\n" in (model / "param_optim/reduced_protocol.py").read_text(encoding="utf-8")


def test_one_of_the_experiments_module_is_named_there(model: Path) -> None:
    script = model / "run_optimization_experiment.py"
    script.write_text("from experiments import create_few\nfrom model import Net\nrun_workflow('x', Net, create_few)\n")
    experiments = model / "experiments.py"
    experiments.write_text(
        experiments.read_text() + experiments.read_text().replace("create_experiments", "create_few")
    )
    prepare(model, reduced=True)
    assert 'experiments: "experiments:create_few"' in (model / "param_optim/config_optimisation.yaml").read_text()
    assert not (model / "param_optim/reduced_protocol.py").exists()


def test_it_alone_is_enough(model: Path) -> None:
    (model / "run.py").unlink()
    with pytest.raises(UsageError, match="create_experiments_optimization is defined in run_optimization_exp"):
        prepare(model)
    assert "biological time" not in prepare(model, reduced=True)


def test_what_cannot_be_taken_is_refused_and_nothing_is_changed(model: Path) -> None:
    script = model / "run_optimization_experiment.py"
    computed = "for GRATING in [1.0]:\n    pass\n"
    script.write_text(
        script.read_text()
        .replace("GRATING = 2 * 143 * 7  # ms\n", computed)
        .replace("'duration': 500", "'duration': GRATING")
    )
    with pytest.raises(UsageError, match=r"--reduced: run_optim.*py:12: create_exp.* needs GRATING, expected a value"):
        prepare(model, reduced=True)
    script.write_text(SCRIPT.replace("GRATING_OF", "data_store.length"))
    with pytest.raises(UsageError, match=r"--reduced: .* create_exp.* needs data_store, expected a value"):
        prepare(model, reduced=True)
    with pytest.raises(UsageError, match="--reduced and --experiments e:f: expected one of them"):
        prepare(model, reduced=True, experiments="e:f")
    script.write_text("print 1\n")
    with pytest.raises(UsageError, match=r"--reduced: .*is not Python 3"):
        prepare(model, reduced=True)
    script.unlink()
    with pytest.raises(UsageError, match=r"--reduced: expected the predecessor's run_optimization_experiment\.py in"):
        prepare(model, reduced=True)
    assert not (model / "param_optim").exists()
