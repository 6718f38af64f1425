"""The predecessor's config_optimisation becomes a commented YAML of the same meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bare_models import bare_model, small_model, snapshot

from orchestrator.checking.problems import load_checked_config
from orchestrator.config.file import load_config
from orchestrator.errors import UsageError
from orchestrator.prepare import prepare_model

pytestmark = pytest.mark.commands

EXC, INH = "sheets.exc.ExcExcConnection.weights", "sheets.inh.InhExcConnection.weights"
PREDECESSOR: dict[str, Any] = {
    "parameters": {EXC: [1e-05, 0.004], INH: [0.002, 0.06], "sheets.exc.params.cell.params.tau_m": [10, 30]},
    "optimiser_centroid": {EXC: 0.00034567890123456, INH: 0.004},
    "targets": [
        {"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 2.5], "norm": 1e-1},
        {"class": "IrregularityTarget", "sheet_name": "Inh", "target_value": 0.9, "norm": 0.3, "max_score": 10},
        {"class": "SynchronyTarget", "sheet_name": "Exc", "target_value": 0.01, "norm": 0.02},
    ],
}


def prepare(model: Path | None, **options: Any) -> str:
    return "\n".join(prepare_model(model, **options))


def written(path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps({**PREDECESSOR, **changes}, indent="\t"))
    return path


def test_a_bare_model_is_prepared_with_the_predecessors_space_and_targets(tmp_path: Path) -> None:
    model = bare_model("balanced_network", tmp_path)
    source = written(tmp_path / "config_optimisation")
    prepare(model, imported=source)
    path = model / "param_optim/config_optimisation.yaml"
    config = load_checked_config(path, ["executor=local"])
    section = "simulation={model: 'model:BalancedNetwork'}"
    old = load_config(source, [section])
    assert (config.parameters, config.targets) == (old.parameters, old.targets)
    assert config.optimiser_centroid == {**old.optimiser_centroid, "sheets.exc.params.cell.params.tau_m": 20}
    text = path.read_text()
    assert "# Search space and targets are those of config_optimisation.\n" in text
    assert f"  # Exc\n  {EXC}: [1.0e-05, 0.004] # now 0.001 uS\n" in text
    assert f"  {EXC}: 0.00034567890123456\n" in text
    assert "target_value: [1, 2.5], norm: 0.1} # Hz, from to\n" in text
    assert "max_score: 10} # at least\n" in text


def test_a_predecessors_folder_gets_what_it_lacks_and_keeps_what_it_has(tmp_path: Path) -> None:
    model = bare_model("balanced_network", tmp_path)
    prepare(model)
    for name in ("config_optimisation.yaml", "run_optimization_experiment.py"):
        (model / "param_optim" / name).unlink()
    (model / "optimisation.sbatch").write_text("mine")
    source = written(model / "param_optim/config_optimisation")
    before = snapshot(model)
    said = prepare(None, imported=source)
    after = snapshot(model)
    assert {path: after[path] for path in before} == before
    added = {"param_optim/config_optimisation.yaml", "param_optim/run_optimization_experiment.py"}
    assert set(after) - set(before) == added
    assert "Model model:BalancedNetwork, experiments experiments:create_experiments, root param_optim/defaults." in said
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert list(config.parameters) == list(PREDECESSOR["parameters"])
    with pytest.raises(UsageError, match=r"config_optimisation.yaml: there already\. With --force it is overwritten"):
        prepare(model, imported=written(source, targets=PREDECESSOR["targets"][:1]))
    prepare(model, imported=source, force=True)
    assert (model / "optimisation.sbatch").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"sheets.exc.ExcExcConection.weights": [0, 1]}, "optimiser_centroid": {}}, "did you mean"),
        ({"parameters": {EXC: [1, 1]}, "optimiser_centroid": {}}, ":3: parameters."),
        ({"parameters": [EXC]}, ":2: parameters: expected an object {...}, got ['sheets"),
        ({"parameters": {}}, "parameters: expected at least one parameter"),
        ({"optimiser_centroid": {EXC: 7}}, f": optimiser_centroid.{EXC}: the start value of"),
        ({"targets": {"class": "x"}}, ": targets: expected a list [...], got {'class': 'x'}"),
        ({"targets": ["SpontActivityTarget"]}, ": targets[0]: expected an object {...}, got 'SpontActivityTarget'"),
        ({"targets": [{"class": "SpontaneousTarget", "sheet_name": "Exc"}]}, "targets[0].class: unknown target"),
        (
            {"targets": [{**PREDECESSOR["targets"][0], "sheet_name": "Ecx"}]},
            "has no sheet 'Ecx'; did you mean 'Exc'?",
        ),
        (
            {"targets": [{"class": "SizeTuning", "sheet_name": "Exc", "target_value": 0.5, "norm": 1}]},
            "targets[0].class: SizeTuning needs DriftingSinusoidalGratingDisk, which experiments:create_experiments ne",
        ),
        ({"offspring_size": 3}, ": offspring_size: is no section of the predecessor's files, which have parameters, "),
    ],
)
def test_what_is_wrong_is_said_with_the_lines_of_the_file(tmp_path: Path, changes: Any, message: str) -> None:
    model = bare_model("balanced_network", tmp_path)
    source = written(tmp_path / "config_optimisation", **changes)
    before = snapshot(model)
    with pytest.raises(UsageError) as caught:
        prepare(model, imported=source)
    assert str(caught.value).startswith(str(source))
    assert message in str(caught.value)
    assert snapshot(model) == before


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_dry_run_refuses_what_the_command_would(tmp_path: Path, dry_run: bool) -> None:
    model = bare_model("balanced_network", tmp_path)
    defaults = model / "param/defaults"  # absolute references lead into files that are not written
    defaults.write_text(defaults.read_text().replace("param/", f"{model}/param/"))
    prepare(model, imported=written(tmp_path / "config_optimisation"), dry_run=True)
    wrong = {"parameters": {EXC: [5, 5], "sheets.exc.n": [0, 1]}, "optimiser_centroid": {}}
    source = written(tmp_path / "config_optimisation", **wrong)
    before = snapshot(model)
    with pytest.raises(UsageError, match=r"(?s)bounds, got \[5, 5\].*no parameter 'sheets.exc.n'") as caught:
        prepare(model, imported=source, dry_run=dry_run)
    assert str(tmp_path) in str(caught.value)
    assert snapshot(model) == before


def test_a_key_that_is_given_twice(tmp_path: Path) -> None:
    source = tmp_path / "twice"
    source.write_text(f'{{"parameters": {{"{EXC}": [0, 1], "{EXC}": [0, 2]}}, "targets": []}}')
    with pytest.raises(UsageError, match=f"twice:1: parameters.{EXC}: is given twice"):
        prepare(small_model(tmp_path), imported=source)


def test_files_that_are_none(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    with pytest.raises(UsageError, match="nowhere: cannot be read: No such file"):
        prepare(model, imported=tmp_path / "nowhere")
    (tmp_path / "broken").write_text('{"parameters": {')
    with pytest.raises(UsageError, match="broken:1: is not YAML"):
        prepare(model, imported=tmp_path / "broken")
    (tmp_path / "deep").write_text("[" * 3000)
    with pytest.raises(UsageError, match="deep: is nested too deeply"):
        prepare(model, imported=tmp_path / "deep")
    (tmp_path / "list").write_text("[1]")
    with pytest.raises(UsageError, match="list: expected keys such as 'parameters' and 'targets'"):
        prepare(model, imported=tmp_path / "list")


def test_a_file_that_belongs_to_no_model_needs_one(tmp_path: Path) -> None:
    source = written(tmp_path / "config_optimisation")
    with pytest.raises(UsageError, match=f"is in no folder param_optim; say which .* MODEL_DIR --import {source}"):
        prepare(None, imported=source)


def test_dry_run_of_an_import_writes_nothing(tmp_path: Path) -> None:
    model = bare_model("balanced_network", tmp_path)
    source = written(tmp_path / "config_optimisation")
    before = snapshot(model)
    said = prepare(model, imported=source, dry_run=True)
    assert f"{EXC}: [1.0e-05, 0.004] # now 0.001 uS" in said
    assert snapshot(model) == before
