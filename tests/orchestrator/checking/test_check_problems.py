"""Wrong configurations and model directories, each with what is said of it; and that all is said at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from checked_project import OTHER, SOUND, TAU, WEIGHT, changed, visual_model

from orchestrator.checking.problems import examine, load_checked_config, worst_first
from orchestrator.errors import ConfigError, ConfigProblem
from orchestrator.simulations import model_of


@dataclass(frozen=True)
class Wrong:
    """A mistake.

    Parameters
    ----------
    message : str
        What has to be said, with what was expected and got.
    key : str
        Where.
    changes : dict
        Of the configuration, see `checked_project.changed`.
    files : dict
        Old and new text by file of the model; None for a file that is taken away.
    """

    message: str
    key: str
    changes: dict[str, Any] = field(default_factory=dict)
    files: dict[str, tuple[str, str] | None] = field(default_factory=dict)


T0, T2 = "targets[0]", "targets[2]"
RECORDERS = "param_optim/recorders"
L4 = "param_optim/l4_cortex_exc"
NAME = "sheets.l4_cortex_exc.params"
TUNING = {"sheet_name": "V1_Exc_L4", "target_value": 1, "norm": 1}
MOVIE = """def movie(model):
    from mozaik.experiments.vision import MeasureNaturalImagesWithEyeMovement
    return [MeasureNaturalImagesWithEyeMovement(model, stimulus_duration=1029.0, num_trials=1)]


def spontaneous("""
LAUNCH = {"simulation|launch_script": "own.sh"}

WRONG = [
    # keys and types
    Wrong("timeot: unknown key; did you mean 'timeout'?", "timeot", {"timeot": 3}),
    Wrong("unknown key; did you mean 'ntasks'?", "slurm.ntask", {"slurm|ntask": 3}),
    Wrong("unknown key; did you mean 'python'?", "simulation.pyton", {"simulation|pyton": "python"}),
    Wrong("unknown key; did you mean 'threshold'?", "explosion_check.treshold", {"explosion_check|treshold": 1}),
    Wrong("is missing: module:class of the model", "simulation.model", {"simulation|model": None}),
    Wrong("greater than or equal to 1, got 0", "jobs.ntasks", {"jobs|ntasks": 0}),
    Wrong("valid integer", "slurm.nodes", {"slurm|nodes": "two"}),
    Wrong("expected a duration above 0 such as 3600 (seconds), 20h", "jobs.time", {"jobs|time": "soon"}),
    Wrong("'slurm' or 'local', got 'pbs'", "executor", {"executor": "pbs"}),
    Wrong("needs cp_filename", "cp_filename", {"continue_cp": True}),
    Wrong("there is no checkpoint", "cp_filename", {"continue_cp": True, "cp_filename": "../no/checkpoint.h5"}),
    Wrong("is set by jobs.mem", "slurm.extra", {"slurm|extra": {"mem": "3G"}}),
    # parameters
    Wrong(
        "expected two different finite bounds, got [0.1, 0.1]",
        f"parameters.{OTHER}",
        {f"parameters|{OTHER}": [0.1, 0.1]},
    ),
    Wrong(
        "needs bounds above 0, got [0, 1]",
        f"parameters.{TAU}",
        {f"parameters|{TAU}": {"bounds": [0, 1], "scale": "log"}},
    ),
    Wrong(
        "the model has no parameter 'sheets.l4_cortex_exc.params.cell.params.tau_sin_I'; did you mean '" + TAU + "'?",
        "parameters.sheets.l4_cortex_exc.params.cell.params.tau_sin_I",
        {"parameters|sheets.l4_cortex_exc.params.cell.params.tau_sin_I": [1, 2]},
    ),
    Wrong("is a group of parameters, not one; it has name, sx", f"parameters.{NAME}", {f"parameters|{NAME}": [1, 2]}),
    Wrong(
        "expected a parameter that is a number; in the model it is text: 'IF_cond_exp'",
        f"parameters.{NAME}.cell.model",
        {f"parameters|{NAME}.cell.model": [1, 2], f"optimiser_centroid|{NAME}.cell.model": 1},
    ),
    Wrong(
        "in the model it is true or false: False",
        f"parameters.{NAME}.mpi_safe",
        {f"parameters|{NAME}.mpi_safe": [0, 1], f"optimiser_centroid|{NAME}.mpi_safe": 0},
    ),
    Wrong(
        "inside its bounds [0.001, 0.05], got 3",
        f"optimiser_centroid.{WEIGHT}",
        {f"optimiser_centroid|{WEIGHT}": 3},
    ),
    Wrong(
        f"'{TAU}s' is not among parameters; did you mean '{TAU}'?",
        f"optimiser_centroid.{TAU}s",
        {f"optimiser_centroid|{TAU}s": 9},
    ),
    Wrong(
        "the model's own value, 5, is outside the bounds [6, 30]",
        f"parameters.{TAU}",
        {f"parameters|{TAU}": [6, 30]},
    ),
    Wrong(
        "the model's own value, 5, is none of the choice, 4, 6: add it, or give a start value in optimiser_centroid",
        f"parameters.{TAU}",
        {f"parameters|{TAU}": {"prior": {"choice": [4, 6]}}},
    ),
    Wrong(
        "has no default that is one number: give it a start value between 1 and 2",
        f"optimiser_centroid.{NAME}.cell.params.tau_m",
        {f"parameters|{NAME}.cell.params.tau_m": [1, 2]},
        {L4: ("'tau_m': 15.0", "'tau_m': PyNNDistribution('uniform')")},
    ),
    # seeds
    Wrong(
        "the model has no parameter 'model_seed'; did you mean 'mpi_seed'?",
        "simulation.seeds.model_seed",
        {"simulation|seeds|model_seed": 1},
    ),
    Wrong(
        "is among parameters and given here",
        "simulation.seeds.pynn_seed",
        {"parameters|pynn_seed": [1, 1e6]},
    ),
    # targets and sheets
    Wrong(
        "unknown target 'SpontActivtyTarget'; did you mean 'SpontActivityTarget'?",
        f"{T0}.class",
        {"targets|0|class": "SpontActivtyTarget"},
    ),
    Wrong("greater than 0, got 0", f"{T0}.norm", {"targets|0|norm": 0}),
    Wrong("unknown option of SpontActivityTarget; did you mean 'norm'?", f"{T0}.nrm", {"targets|0|nrm": 1}),
    Wrong("SpontActivityTarget needs it: sheet of the model", f"{T0}.sheet_name", {"targets|0|sheet_name": None}),
    Wrong(
        "the model has no sheet 'V1_Ex_L4'; did you mean 'V1_Exc_L4'? Sheets: X_ON, X_OFF, V1_Exc_L4",
        f"{T0}.sheet_name",
        {"targets|0|sheet_name": "V1_Ex_L4"},
    ),
    Wrong(
        "importing 'own.py' for 'own.py:Mine' failed: SyntaxError",
        f"{T0}.class",
        {"targets|0|class": "own.py:Mine"},
        {"own.py": ("", "class (")},
    ),
    Wrong("no such file", f"{T0}.class", {"targets|0|class": "nowhere.py:Mine"}),
    # recorders
    Wrong(
        "SpontActivityTarget needs a recorder of spikes in V1_Exc_L4, which records gsyn_exc, gsyn_inh. "
        "Add 'spikes' to the variables of sheets.l4_cortex_exc.params.recorders",
        f"{T0}.sheet_name",
        {"explosion_check|enabled": False},
        {RECORDERS: ('("spikes",)', '("gsyn_exc",)')},
    ),
    Wrong(
        "ConductanceRatio needs a recorder of gsyn_inh or g_in in V1_Inh_L4, which records spikes, gsyn_exc",
        f"{T2}.sheet_name",
        {},
        {RECORDERS: ('("gsyn_exc", "gsyn_inh")', '("gsyn_exc")')},
    ),
    Wrong(
        "needs a recorder of exc_syn.gsyn in V1_Inh_L4",
        f"{T2}.excitatory_signal",
        {"targets|2|excitatory_signal": "exc_syn.gsyn"},
    ),
    Wrong(
        "SpontActivityTarget needs a recorder of spikes in V1_Exc_L4, which records nothing",
        f"{T0}.sheet_name",
        {},
        {L4: ('url("param_optim/recorders")', "None")},
    ),
    # what is presented: a disk and contrasts of 10 and 100
    Wrong(
        "OrientationTuningOrthoLowTarget needs FullfieldDriftingSinusoidalGrating of contrast 30; "
        "experiments:create_experiments presents contrasts of 10, 100 % only",
        f"{T0}.contrast",
        {"targets|0": {**TUNING, "class": "OrientationTuningOrthoLowTarget", "contrast": 30}},
    ),
    Wrong(
        "SizeTuning needs DriftingSinusoidalGratingDisk, which experiments:create_experiments never presents; its "
        "experiments: MeasureDense, MeasureOrientationTuningFullfield, NoStimulation. Present it there, or take",
        f"{T0}.class",
        {"targets|0": {**TUNING, "class": "SizeTuning"}},
        {"experiments.py": ("MeasureSizeTuning", "MeasureDense")},
    ),
    Wrong(
        "SpontActivityTarget needs InternalStimulus, which experiments:movie never presents; its experiments: "
        "MeasureNaturalImagesWithEyeMovement",
        f"{T0}.class",
        {"simulation|experiments": "experiments:movie"},
        {"experiments.py": ("def spontaneous(", MOVIE)},
    ),
    # the explosion check
    Wrong("the model has no sheet 'V1'", "explosion_check.sheet_name", {"explosion_check|sheet_name": "V1"}),
    Wrong(
        "the explosion check needs a recorder of spikes in V1_Exc_L4, which records nothing. Sheets that",
        "explosion_check.sheet_name",
        {"explosion_check|sheet_name": "V1_Exc_L4", "targets|0": {**SOUND["targets"][1]}},
        {L4: ('url("param_optim/recorders")', "{}")},
    ),
    Wrong(
        "needs a recorder of spikes in at least one sheet of X_ON, X_OFF, V1_Exc_L4",
        "explosion_check",
        {"targets": [SOUND["targets"][2]]},
        {RECORDERS: ('("spikes",)', '("v",)'), "param_optim/retina_lgn": ('("spikes",)', '("v",)')},
    ),
    Wrong(
        "expected at most 25 (time steps of 0.1 ms in 2.5 ms), got 60",
        "explosion_check.slices",
        {"explosion_check": {"duration": 5, "slices": 60}},
    ),
    # the model's directory
    Wrong("there is no directory", "model_dir", {"model_dir": "nowhere"}),
    Wrong("there is no module 'modl' in", "simulation.model", {"simulation|model": "modl:VisualModel"}),
    Wrong(
        "has no 'VisualModle'; did you mean 'VisualModel'?",
        "simulation.model",
        {"simulation|model": "model:VisualModle"},
    ),
    Wrong(
        "has no 'create'; did you mean 'create_experiments'?",
        "simulation.experiments",
        {"simulation|experiments": "experiments:create"},
    ),
    Wrong(
        "experiments.py:3: is not Python 3: ",
        "simulation.experiments",
        {},
        {"experiments.py": ("import numpy", "import numpy as")},
    ),
    Wrong(
        "expected module:name, such as model:VisualModel, got 'VisualModel'",
        "simulation.model",
        {"simulation|model": "VisualModel"},
    ),
    Wrong(
        "there is no program '/nix/python'; expected the Python that has mozaik",
        "simulation.python",
        {"simulation|python": "/nix/python"},
    ),
    Wrong("there is no program 'pyton3'", "simulation.python", {"simulation|python": "pyton3"}),
    Wrong("there is no program 'env/python'", "simulation.python", {"simulation|python": "env/python"}),
    Wrong("greater than or equal to 0, got -5", "simulation.seeds.pynn_seed", {"simulation|seeds|pynn_seed": -5}),
    Wrong(
        "expected lines of Python 3, line 2 is not: '(' was never closed: 'nest.Install('",
        "simulation.before",
        {"simulation|before": ["import nest", "nest.Install("]},
    ),
    Wrong(
        "run_optimization_experiment.py does not execute them, it is from before there were any. Replace it with",
        "simulation.before",
        {"simulation|before": "import nest"},
        {"param_optim/run_optimization_experiment.py": ('"before"', "'other'")},
    ),
    Wrong("; copy it from ", "simulation.run_script", {}, {"param_optim/run_optimization_experiment.py": None}),
    Wrong(
        "param_optim/default: cannot be read: No such file; did you mean 'defaults'?",
        "simulation.parameters_url",
        {"simulation|parameters_url": "param_optim/default"},
    ),
    Wrong(
        "param_optim/l4_cortex_exc:37:22: url('param_optim/recorders'): there is no file",
        "simulation.parameters_url",
        {},
        {"param_optim/recorders": None},
    ),
    Wrong(
        "param_optim/l4_cortex_exc:4:16: is not a parameter file",
        "simulation.parameters_url",
        {},
        {L4: ("'name': 'V1_Exc_L4'", "'name' 'V1")},
    ),
    Wrong(
        "param_optim/defaults: is taken from 'sheets.nix' by ref(...), which the model does not have",
        f"simulation.parameters_url.{NAME}.sx",
        {},
        {L4: ("'sx': 2500.0", "'sx': ref('sheets.nix')")},
    ),
    # the launch script
    Wrong("there is no file", "simulation.launch_script", LAUNCH),
    Wrong(
        "own.sh:2: unknown placeholder {{ modle_dir }}; did you mean 'model_dir'? Placeholders: model_dir, setup, task",
        "simulation.launch_script",
        LAUNCH,
        {"own.sh": ("", "#!/bin/bash\ncd {{ modle_dir | quote }}\n")},
    ),
    Wrong(
        "own.sh:1: unknown placeholder {{ slurm.ntask }}; did you mean 'slurm.ntasks'? Keys of slurm: partition",
        "simulation.launch_script",
        LAUNCH,
        {"own.sh": ("", "mpirun -n {{ slurm.ntask }}\n")},
    ),
    Wrong("own.sh:1: is not a template: ", "simulation.launch_script", LAUNCH, {"own.sh": ("", "echo {{ setup\n")}),
    Wrong(
        "No filter named 'qoute'", "simulation.launch_script", LAUNCH, {"own.sh": ("", "cd {{ model_dir | qoute }}\n")}
    ),
]


def prepared(folder: Path, wrong: Wrong) -> Path:
    path = visual_model(folder, wrong.changes)
    for name, change in wrong.files.items():
        file = path.parents[1] / name
        if change is None:
            file.unlink()
        elif not file.exists():
            file.write_text(change[1])
        else:
            assert change[0] in file.read_text()
            file.write_text(file.read_text().replace(*change))
    return path


def test_a_run_that_has_begun_goes_on_with_targets_that_have_no_value(tmp_path: Path) -> None:
    """Runs of before had such targets: nothing that was simulated is to be lost."""
    path = visual_model(tmp_path, {"targets|0": {**TUNING, "class": "ModulationRatio", "contrast": 30}})
    with pytest.raises(ConfigError, match="presents contrasts of 10, 100 % only"):
        load_checked_config(path)
    run = path.parents[1] / "20261120-104608_Optimization"
    run.mkdir()
    (run / "checkpoint.h5").touch()
    own = run / "config.yaml"
    own.write_text(path.read_text() + "model_dir: ..\n")
    assert load_checked_config(own).targets == yaml.safe_load(own.read_text())["targets"]
    continuing = [f"cp_filename={run / 'checkpoint.h5'}", "continue_cp=true"]
    assert load_checked_config(path, continuing).continue_cp


def test_what_the_source_of_the_experiments_does_not_say_is_said(tmp_path: Path) -> None:
    """`check` called targets sound whose stimulus is never presented, and scored 20 for ever."""
    tuning = {**TUNING, "class": "SizeTuning"}
    path = visual_model(tmp_path, {"targets|0": tuning})
    experiments = path.parents[1] / "experiments.py"
    text = (
        experiments.read_text()
        .replace("Fullfield, MeasureSizeTuning", "Fullfield")
        .replace("MeasureSizeTuning", "ours")
    )
    experiments.write_text(f"from our_lab import ours\n{text}")
    config = load_checked_config(path)
    (said,) = [message for key, message in model_of(config).unknown(config) if key == ("simulation", "experiments")]
    assert said == (
        "whether they present DriftingSinusoidalGratingDisk as targets need it: "
        "experiments.py has ours from our_lab; check --on-node tells"
    )


def test_the_model_and_the_configuration_are_sound_without_a_mistake(tmp_path: Path) -> None:
    config = load_checked_config(visual_model(tmp_path))
    assert config.optimiser_centroid == {WEIGHT: 0.02, OTHER: 0.03, TAU: 5}


def test_there_are_enough_of_them() -> None:
    assert len({(wrong.key, wrong.message) for wrong in WRONG}) == len(WRONG) >= 30


@pytest.fixture(scope="module", params=WRONG, ids=[f"{wrong.key}: {wrong.message[:40]}" for wrong in WRONG])
def refused(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Wrong, Path, ConfigError]:
    """What is wrong, where, and what is said of it."""
    wrong: Wrong = request.param
    path = prepared(tmp_path_factory.mktemp("wrong"), wrong)
    with pytest.raises(ConfigError) as caught:
        load_checked_config(path)
    return wrong, path, caught.value


def test_what_is_wrong_is_said_with_file_line_and_key(refused: tuple[Wrong, Path, ConfigError]) -> None:
    wrong, path, error = refused
    found = [problem for problem in error.problems if wrong.message in f"{problem.key}: {problem.message}"]
    assert found, str(error)
    assert found[0].key == wrong.key
    text = path.read_text().splitlines()
    last = wrong.key.rpartition(".")[2].partition("[")[0]
    section = wrong.key.partition(".")[0].partition("[")[0]
    if found[0].line is None:
        assert not any(line.startswith(f"{section}:") for line in text), "the section is in the file, so it has a line"
    else:
        assert f"{path}:{found[0].line}: {wrong.key}: " in str(error)
        near = "\n".join(text[found[0].line - 1 : found[0].line + 1])
        assert last in near or section in near or "class" in near


def test_one_mistake_is_not_told_twice_and_brings_no_others(refused: tuple[Wrong, Path, ConfigError]) -> None:
    wrong, _, error = refused
    problems = error.problems
    sheets = {problem.message.partition(" needs a recorder of ")[2][:9] for problem in problems}
    # a file of recorders serves several sheets and targets
    assert len(problems) == 1 or (wrong.files and len(sheets) == 1)


OWN_TARGET = """
from targets import Needs, PointTarget, Recorded


class Depolarisation(PointTarget):
    signal: str = "v"
    other: str = "V1_Inh_L4"

    @property
    def needs(self):
        own = Recorded((self.signal, "V_m"), "signal")
        return Needs((Recorded(("spikes",)), own, Recorded(("v",), "other", self.other)))

    def outputs(self, recordings):
        return 0.0
"""


def test_what_a_target_of_ones_own_needs_is_checked_in_the_sheet_that_it_names(tmp_path: Path) -> None:
    own = {"class": "mine.py:Depolarisation", "sheet_name": "V1_Exc_L4", "target_value": 1, "norm": 1}
    path = visual_model(tmp_path, {"targets|0": own})
    (path.parents[1] / "mine.py").write_text(OWN_TARGET)
    said = {problem.key: problem.message for problem in examine(path).problems}
    assert said.keys() == {"targets[0].signal", "targets[0].other"}
    assert "Depolarisation needs a recorder of v or V_m in V1_Exc_L4, which records spikes" in said["targets[0].signal"]
    assert "Depolarisation needs a recorder of v in V1_Inh_L4, which records" in said["targets[0].other"]


def test_what_does_not_fit_the_model_is_told_together_with_what_cannot_be_read(tmp_path: Path) -> None:
    changes = {
        "timeot": 3,
        "jobs|ntasks": 0,
        f"parameters|{WEIGHT}x": [0, 1],
        f"parameters|{OTHER}": [2, 1],
        f"optimiser_centroid|{WEIGHT}": 3,
        f"optimiser_centroid|{TAU}": -3,
        "targets|0|class": "Nope",
        "targets|2|sheet_name": "V1_Inh_L5",
        "simulation|model": "model:Nope",
    }
    problems = examine(visual_model(tmp_path, changes)).problems
    assert [problem.key for problem in problems] == [
        "simulation.model",
        "jobs.ntasks",
        f"parameters.{OTHER}",
        f"parameters.{WEIGHT}x",
        f"optimiser_centroid.{WEIGHT}",
        f"optimiser_centroid.{TAU}",
        "targets[0].class",
        "targets[2].sheet_name",
        "timeot",
    ]
    assert all(problem.line for problem in problems)


def test_several_wrong_targets_keep_their_places(tmp_path: Path) -> None:
    good, spec = SOUND["targets"][0], {**SOUND["targets"][0], "sheet_name": "Nowhere"}
    targets = [{**good, "class": "No"}, *[good] * 8, {**good, "norm": 0}, {**good, "nrm": 1}, spec]
    problems = examine(visual_model(tmp_path, {"targets": targets})).problems
    assert {problem.key for problem in problems} == {
        "targets[0].class",
        "targets[9].norm",
        "targets[10].nrm",
        "targets[11].sheet_name",
    }


@pytest.mark.parametrize("key", ["parameters", "targets", "simulation"])
def test_without_a_whole_section_the_rest_is_still_looked_at(tmp_path: Path, key: str) -> None:
    problems = examine(visual_model(tmp_path, {key: None, "timeot": 1})).problems
    assert {key, "timeot"} <= {problem.key.partition(".")[0] for problem in problems}


@pytest.mark.parametrize("text", ["", "- 1", "a: [1", "a: &a [*a]"])
def test_a_file_that_is_no_configuration_is_one_problem(tmp_path: Path, text: str) -> None:
    path = visual_model(tmp_path)
    path.write_text(text)
    (problem,) = examine(path).problems
    assert "expected keys" in problem.message or "is not YAML" in problem.message or "too deeply" in problem.message


def test_a_key_that_is_given_twice_hides_nothing_else(tmp_path: Path) -> None:
    path = visual_model(tmp_path, {f"parameters|{OTHER}": [2, 1], "targets|2|sheet_name": "V1", "parameters|n": [0, 1]})
    text = path.read_text()
    path.write_text(f"{text}max_ngen: 3\noptimiser_centroid: {{{WEIGHT}: 7}}\n")
    assert {problem.key for problem in examine(path).problems} == {
        f"parameters.{OTHER}",
        "parameters.n",
        "optimiser_centroid",
        f"optimiser_centroid.{WEIGHT}",
        "targets[2].sheet_name",
        "max_ngen",
    }
    path.write_text(f"{visual_model(tmp_path / 'sound').read_text()}max_ngen: 3\n")
    (problem,) = examine(path).problems
    assert problem.message == "is given twice; take one of the two away"


def test_the_sheet_of_a_wrong_target_is_looked_at(tmp_path: Path) -> None:
    spec = {"class": "SpontActivityTarget", "sheet_name": "V1_Exc_L5", "target_value": 3, "norm": 1}
    problems = examine(visual_model(tmp_path, {"targets": [spec, {**spec, "sheet_name": 3}, "SizeTuning"]})).problems
    assert [(problem.key, problem.message[:30]) for problem in problems] == [
        ("targets[0].sheet_name", "the model has no sheet 'V1_Exc"),
        ("targets[0].target_value", "expected a pair [low, high], g"),
        ("targets[1].sheet_name", "Input should be a valid string"),
        ("targets[1].target_value", "expected a pair [low, high], g"),
        ("targets[2]", "expected a mapping with the ke"),
    ]


def test_a_wrong_seed_hides_no_other(tmp_path: Path) -> None:
    seeds = {"pynn_seed": "a", "mpi_sed": 3, "model_sed": -3}
    problems = examine(visual_model(tmp_path, {"simulation|seeds": seeds})).problems
    assert [(problem.key, problem.message[:31]) for problem in problems] == [
        ("simulation.seeds.pynn_seed", "input should be a valid integer"),
        ("simulation.seeds.mpi_sed", "the model has no parameter 'mpi"),
        ("simulation.seeds.model_sed", "input should be greater than or"),
        ("simulation.seeds.model_sed", "the model has no parameter 'mod"),
    ]


def test_without_the_models_directory_nothing_is_said_of_the_model(tmp_path: Path) -> None:
    problems = examine(visual_model(tmp_path, {"model_dir": 7, "timeot": 1})).problems
    assert [problem.key for problem in problems] == ["model_dir", "timeot"]


@pytest.mark.parametrize(
    "changes",
    [
        {"simulation|setup": ["module load nest"]},
        {"jobs|setup": ["module load nest"]},
        {"simulation|launcher": "apptainer exec mozaik.sif"},
        {"simulation|python": "$ENV/bin/python"},
        {"simulation|python": "apptainer exec mozaik.sif python"},
        {"simulation|python": "sh"},
        {"simulation|python": "./run.py"},
    ],
)
def test_a_python_that_may_come_from_elsewhere_is_no_problem(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = visual_model(tmp_path, {"simulation|python": "/nix/python", **changes})
    (path.parents[1] / "run.py").chmod(0o755)
    assert examine(path).problems == []


def test_a_python_that_only_nodes_may_have_is_worth_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.checking.problems.missing_slurm", list)
    path = visual_model(tmp_path, {"simulation|python": "/nix/python", "executor": "slurm"})
    examined = examine(path)
    assert examined.problems == []
    assert examined.config is not None
    notes = [message for _, message in model_of(examined.config).notes(examined.config)]
    assert "this machine has no program '/nix/python'; make sure that the nodes have (check --on-node)" in notes


def notes_of(path: Path, *overrides: str) -> list[tuple[str, str]]:
    config = load_checked_config(path, list(overrides))
    return [(".".join(map(str, key)), message) for key, message in model_of(config).notes(config)]


def test_extensions_that_run_py_alone_installs_are_noted(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    script = path.parents[1] / "run.py"
    assert notes_of(path) == []
    script.write_text(f"import nest\nnest.Install('a')\nnest.Install('b')\n{script.read_text()}")
    said = "run.py has nest.Install('a'); nest.Install('b') before it runs the model. Simulations do not run it"
    assert notes_of(path) == [("simulation.before", f"{said}: put that here if they need it")]
    ((_, only_b),) = notes_of(path, "simulation.before=['import nest', 'nest.Install(\"a\")']")
    assert "has nest.Install('b') before" in only_b
    script.write_text("print 'of Python 2'\n")
    assert notes_of(path) == []


def test_a_run_script_of_before_is_noted_with_what_it_lacks(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    script = path.parents[1] / "param_optim/run_optimization_experiment.py"
    script.write_text(script.read_text().replace("BuildingProcess", "Other"))
    ((key, message),) = notes_of(path)
    assert key == "simulation.run_script"
    assert "earlier version: it waits for a process that builds connections and has failed until" in message
    assert "transient" not in message


def test_overrides_are_looked_at_like_the_file(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    overrides = ["jobs.ntasks=0", "targets.0.sheet_name=V1", f"optimiser_centroid.{WEIGHT}=7"]
    assert [problem.key for problem in examine(path, overrides).problems] == [
        "jobs.ntasks",
        f"optimiser_centroid.{WEIGHT}",
        "targets[0].sheet_name",
    ]


def test_the_worst_comes_first() -> None:
    keys = ["targets[1]", "keep.directories", "parameters.a", "jobs.time", "simulation.model", "model_dir", ""]
    problems = [ConfigProblem(key, "wrong", line) for line, key in enumerate(keys, start=1)]
    assert [problem.key for problem in worst_first(problems)] == [
        *("model_dir", "simulation.model", "jobs.time", "", "parameters.a", "targets[1]", "keep.directories")
    ]


@pytest.fixture
def without_slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("without_slurm")
def test_a_run_without_slurm_is_refused(tmp_path: Path) -> None:
    path = visual_model(tmp_path, {"executor": "slurm"})
    with pytest.raises(ConfigError, match="executor: slurm needs sbatch, squeue, scancel, srun, but there is no"):
        load_checked_config(path)


def test_a_directory_with_a_percent_sign_is_refused_for_slurm(tmp_path: Path) -> None:
    folder = tmp_path / "100%"
    folder.mkdir()
    (problem,) = examine(visual_model(folder, {"executor": "slurm"})).problems
    assert (problem.key, "SLURM takes the %" in problem.message) == ("model_dir", True)


FUNCTION = {
    "parameters": {"x": [0, 1]},
    "targets": [{"class": "ReturnedValue", "key": "y", "target_value": 0, "norm": 1}],
}


@pytest.mark.parametrize(
    ("function", "model", "message"),
    [
        ("model:g", "def f(parameters, directory):\n    return {}\n", "cannot import 'model_g:g'"),
        ("model:f", "import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("model:f", "f = 3\n", "is not callable"),
    ],
)
def test_what_is_wrong_with_a_function(tmp_path: Path, function: str, model: str, message: str) -> None:
    module = f"model_{abs(hash((function, model)))}"  # imported in this process, so that no name may come again
    (tmp_path / f"{module}.py").write_text(model)
    name = function.replace("model", module)
    config = {**FUNCTION, "executor": "local", "simulation": {"type": "function", "function": name}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    (problem,) = examine(path).problems
    assert message.replace("model_g", module) in problem.message


def test_a_search_without_start_values_begins_in_the_middle_of_the_ranges_on_their_scales(tmp_path: Path) -> None:
    (tmp_path / "model_middle.py").write_text("def f(parameters, directory):\n    return {}\n")
    parameters = {
        "a": [0, 10],
        "b": {"bounds": [1, 100], "scale": "log"},
        "n": {"bounds": [1, 9], "integer": True},
        "c": [-4, 0],
    }
    middle = {"a": 5, "b": pytest.approx(10), "n": 5, "c": -2}
    config = {**FUNCTION, "executor": "local", "simulation": {"type": "function", "function": "model_middle:f"}}
    path = tmp_path / "config.yaml"
    for given in (
        {},
        {"optimiser_centroid": {}},
        {"optimiser_centroid": "middle"},
        {"optimiser_centroid": {"b": "middle"}},
    ):
        path.write_text(yaml.safe_dump({**config, "parameters": parameters, **given}))
        examined = examine(path)
        assert examined.problems == []
        assert examined.config is not None
        assert examined.config.optimiser_centroid == middle
    path.write_text(yaml.safe_dump({**config, "parameters": parameters, "optimiser_centroid": {"a": 1, "c": "middle"}}))
    assert examine(path).config.optimiser_centroid == {**middle, "a": 1}


def test_middle_of_a_parameter_of_the_model_is_not_its_own_value(tmp_path: Path) -> None:
    examined = examine(visual_model(tmp_path, {f"optimiser_centroid|{WEIGHT}": "middle"}))
    assert examined.problems == []
    low, high = examined.config.parameters[WEIGHT].bounds
    middle = math.sqrt(low * high) if examined.config.parameters[WEIGHT].scale == "log" else (low + high) / 2
    assert examined.config.optimiser_centroid[WEIGHT] == pytest.approx(middle)


def test_a_sound_file_has_no_problem_whatever_the_order_of_its_keys(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    path.write_text(yaml.safe_dump(dict(reversed(changed({}).items())), sort_keys=False))
    assert examine(path).problems == []


@pytest.mark.parametrize(
    "section", [{"optimiser": "nosuch"}, {"optimiser": ""}, {"simulation": "mozaik"}, {"simulation": 3}]
)
def test_a_section_that_is_a_word_is_a_problem_and_no_crash(tmp_path: Path, section: dict[str, Any]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"parameters": {"x": [0, 1]}, "targets": [{"class": "ReturnedValue"}], **section}))
    (key,) = section
    assert any(problem.key.startswith(key) for problem in examine(path).problems)
