"""``orchestrator prepare`` on bare models: what it writes, that it fits, and that it is all or nothing."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from bare_models import NAMES, SHEETS, bare_model, small_model, snapshot
from in_process import command, script
from jsonschema import Draft7Validator

import orchestrator.prepare
from orchestrator.checking.problems import load_checked_config
from orchestrator.errors import ConfigError, ConfigProblem, UsageError
from orchestrator.prepare import prepare_model
from orchestrator.simulations.mozaik.parameters import ParameterReference, flatten, read_parameter_tree

pytestmark = pytest.mark.commands

ROOT = Path(__file__).resolve().parents[3]
SEARCHED = {"balanced_network": 6, "visual_model": 16, "current_style": 8}


def prepare(model: Path, **options: Any) -> str:
    return "\n".join(prepare_model(model, **options))


@pytest.mark.parametrize("name", NAMES)
def test_a_bare_model_prepared_passes_check_as_it_is(name: str, tmp_path: Path) -> None:
    model = bare_model(name, tmp_path)
    before = snapshot(model)
    prepare(model)
    after = snapshot(model)
    assert {path: after[path] for path in before} == before
    assert {path.split("/")[0] for path in after if path not in before} == {"param_optim", "optimisation.sbatch"}
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert len(config.parameters) == SEARCHED[name]


@pytest.mark.parametrize("name", NAMES)
def test_editors_find_a_schema_that_the_configuration_fits(name: str, tmp_path: Path) -> None:
    model = bare_model(name, tmp_path)
    prepare(model)
    config = model / "param_optim/config_optimisation.yaml"
    text = config.read_text()
    first, _, named = text.splitlines()[0].partition("$schema=")
    assert first == "# yaml-language-server: "
    schema = json.loads(config.with_name(named).read_text())
    Draft7Validator(schema).validate(yaml.safe_load(text))


def test_the_command_names_the_next_ones(tmp_path: Path) -> None:
    model = bare_model("visual_model", tmp_path)
    done = command("prepare", "visual_model", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    check, last = [line.split() for line in done.stdout.splitlines()[-2:]]
    assert check == ["orchestrator", "check", "visual_model/param_optim/config_optimisation.yaml"]
    assert command(*check[1:], "--set", "executor=local", cwd=tmp_path).returncode == 0
    assert all((tmp_path / word.removeprefix("--chdir=")).exists() for word in last if "/" in word or "=" in word)
    refused = command("prepare", "visual_model", "--base-param", "parm", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"orchestrator: there is no folder {model}/parm; did you mean 'param'? "
        "Name the folder of the model's parameters with --base-param\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_only_references_and_recorders_differ_from_the_base_parameters(name: str, tmp_path: Path) -> None:
    model = bare_model(name, tmp_path)
    prepare(model)
    base, ours = (read_parameter_tree(Path(folder, "defaults"), model) for folder in ("param", "param_optim"))
    other = [{k: v for k, v in flatten(tree) if ".recorders" not in k} for tree in (base, ours)]
    assert other[0] == other[1]
    for path in (model / "param").rglob("*"):
        twin = model / "param_optim" / path.relative_to(model / "param")
        if path.is_dir() or not twin.exists():
            continue
        if path.name == "or_map":
            assert twin.read_bytes() == path.read_bytes()
            continue
        lines = [file.read_text().splitlines() for file in (path, twin)]
        shorter = "'recorders': {" in path.read_text()  # an inline dict becomes one line
        assert shorter or len(lines[0]) == len(lines[1])
        for old, new in zip(*lines, strict=True) if not shorter else ():
            assert new in (old, old.replace("param/", "param_optim/")) or "recorders" in old


def test_what_the_current_style_has_of_its_own(tmp_path: Path) -> None:
    model = bare_model("current_style", tmp_path)
    said = prepare(model)
    names = {path.relative_to(model / "param_optim").as_posix() for path in (model / "param_optim").rglob("*")}
    assert "l4_rec" not in names  # shared by two sheets, and now by none
    assert {"connections/exc", "connections/functions", "or_map"} <= names
    text = (model / "param_optim/l4_cortex_exc").read_text()
    assert text.startswith("    {\n    #CorticalUniformSheet parameters")
    assert 'url("param_optim/recorders_spikes_and_conductances"),   # the same for both sheets' in text
    assert "'or_map_location' : './param/or_map'" in text
    assert '# each sheet in a file of its own, url("param/...")' in (model / "param_optim/defaults").read_text()
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    simulation: Any = config.simulation
    assert (simulation.model, simulation.experiments) == ("model:LayerFour", "experiments:create_experiments")
    assert simulation.seeds == {"model_seed": 513, "simulation_seed": 1023, "experiment_seed": 17}
    assert (config.explosion_check.threshold, config.explosion_check.duration) == (50, 504)
    assert "Model model:LayerFour, experiments experiments:create_experiments, root param/defaults." in said


def test_the_space_is_around_the_models_values_and_leaves_out_what_follows_another(tmp_path: Path) -> None:
    model = bare_model("visual_model", tmp_path)
    prepare(model)
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    tree = read_parameter_tree(Path("param/defaults"), model)
    plain = dict(flatten(tree))
    for name, spec in config.parameters.items():
        assert not isinstance(plain[name], ParameterReference)
        low, high = spec.bounds
        assert low < plain[name] < high
        assert (spec.scale == "log") == ("weight" in name)
        assert not name.startswith("sheets.retina_lgn")
    text = (model / "param_optim/config_optimisation.yaml").read_text()
    assert "L4ExcL4ExcConnection.params.base_weight: {bounds: [0.0025, 0.04], scale: log} # now 0.01 uS\n" in text
    assert "  # sheets.retina_lgn.params.cell.params.tau_m: [5, 20] # now 10 ms\n" in text
    assert "inh_weight" not in text  # 0 in the model


def test_targets_need_what_the_protocol_presents(tmp_path: Path) -> None:
    active = {}
    for name in NAMES:
        model = bare_model(name, tmp_path)
        prepare(model)
        config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
        active[name] = {spec["class"] for spec in config.targets}
    spontaneous = {"SpontActivityTarget", "IrregularityTarget", "SynchronyTarget", "ConductanceRatio"}
    tuning = {"OrientationTuningPreferenceTarget", "OrientationTuningOrthoHighTarget", "ModulationRatio"}
    assert active["balanced_network"] == spontaneous
    assert active["current_style"] == spontaneous | tuning  # contrasts 30 and 100, no disks
    assert active["visual_model"] == spontaneous | tuning | {"OrientationTuningOrthoLowTarget", "SizeTuning"}


def test_a_second_time_nothing_changes(tmp_path: Path) -> None:
    model = bare_model("current_style", tmp_path)
    prepare(model)
    before = snapshot(model)
    assert "is prepared already: nothing to change." in prepare(model)
    assert snapshot(model) == before
    prepare(model, force=True)
    assert snapshot(model) == before


def test_what_is_there_is_overwritten_with_force_alone(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    prepare(model)
    config = model / "param_optim/config_optimisation.yaml"
    sound = config.read_text()
    config.write_text("mine")
    (model / "optimisation.sbatch").write_text("mine")
    before = snapshot(model)
    message = r"param_optim/config_optimisation\.yaml, optimisation\.sbatch: there already\. With --force they are over"
    with pytest.raises(UsageError, match=message):
        prepare(model)
    assert snapshot(model) == before
    prepare(model, force=True)
    assert config.read_text() == sound


def test_what_prepare_has_not_written_stays_and_is_named(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    prepare(model)
    config = model / "param_optim/config_optimisation.yaml"
    config.write_text("mine")
    mine = [model / "param_optim/tutorial.yaml", model / "param_optim/notes/today"]
    mine[1].parent.mkdir()
    for file in mine:
        file.write_text("mine")
    kept = "kept as they are, because prepare does not write them: param_optim/notes/today, param_optim/tutorial.yaml."
    said = prepare(model, dry_run=True)
    assert kept in said
    assert "overwritten only with --force: param_optim/config_optimisation.yaml\n" in said
    assert kept in prepare(model, force=True)
    assert [file.read_text() for file in mine] == ["mine", "mine"]
    assert config.read_text() != "mine"
    assert "nothing to change" in prepare(model)


def test_a_file_that_is_another_with_something_in_it_changed_is_led_over(tmp_path: Path) -> None:
    model = small_model(tmp_path, param__short="url('param/defaults') | {'null_stimulus_period': 1.0}")
    prepare(model)
    assert (model / "param_optim/short").read_text().startswith("url('param_optim/defaults') |")


def test_a_file_that_is_missing_is_added_without_force(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    prepare(model)
    before = snapshot(model)
    (model / "param_optim/exc").unlink()
    prepare(model)
    assert snapshot(model) == before


@pytest.mark.parametrize("name", NAMES)
def test_dry_run_tells_everything_and_writes_nothing(name: str, tmp_path: Path) -> None:
    model = bare_model(name, tmp_path)
    before = snapshot(model)
    said = prepare(model, dry_run=True)
    assert snapshot(model) == before
    prepare(model)
    for path in (model / "param_optim").rglob("*"):
        if path.is_file():
            assert f"\n  {path.relative_to(model)}\n" in said
    for sheet in SHEETS[name]:
        assert f"param/{sheet}:" in said or f"{sheet}: url(" in said
    for line in (model / "param_optim/config_optimisation.yaml").read_text().splitlines():
        assert line in said
    assert said.endswith("Nothing was written.")


def test_dry_run_lists_each_reference_and_each_recorder_with_its_place(tmp_path: Path) -> None:
    said = prepare(bare_model("current_style", tmp_path), dry_run=True)
    assert "  param/l4_cortex_exc:43:33: url('param/connections/exc') -> url('param_optim/connections/exc')\n" in said
    old, new = "url('param/l4_rec')", "url('param_optim/recorders_spikes_and_conductances')"
    assert f"  param/l4_cortex_inh:36:31: V1_Inh_L4: {old} -> {new}\n" in said
    assert "Not copied, they hold recorders alone: param/l4_rec, param/lgn_rec\n" in said


class Broken(Exception):
    pass


@pytest.mark.parametrize(
    "earlier", [pytest.param(False, id="first time"), pytest.param(True, id="with --force", marks=pytest.mark.hostile)]
)
@pytest.mark.parametrize("at", ["write", "first rename", "last rename", "verify", "Ctrl-C"])
def test_a_failure_leaves_the_directory_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, earlier: bool
) -> None:
    model = bare_model("visual_model", tmp_path)
    if earlier:
        prepare(model)
        (model / "param_optim/config_optimisation.yaml").write_text("mine")
    before = snapshot(model)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")
    renames = []
    real_rename, real_write = Path.rename, Path.write_bytes
    last = 4 if earlier else 2

    def rename(self: Path, target: Path) -> Path:
        renames.append(target)
        if len(renames) == (1 if at == "first rename" else last):
            raise full
        return real_rename(self, target)

    def write_bytes(self: Path, data: bytes) -> int:
        if self.name == "recorders_spikes":
            raise full
        return real_write(self, data)

    def refuse(*_: object) -> None:
        raise KeyboardInterrupt if at == "Ctrl-C" else Broken

    if "rename" in at:
        monkeypatch.setattr(Path, "rename", rename)
    elif at == "write":
        monkeypatch.setattr(Path, "write_bytes", write_bytes)
    else:
        monkeypatch.setattr(orchestrator.prepare, "_verify", refuse)
    expected: dict[str, type[BaseException]] = {"verify": Broken, "Ctrl-C": KeyboardInterrupt}
    with pytest.raises(expected.get(at, UsageError)) as caught:
        prepare(model, force=earlier)
    assert at in expected or "No space left on device. Nothing was changed in" in str(caught.value)
    monkeypatch.undo()
    assert snapshot(model) == before


def test_a_configuration_that_check_refuses_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, overrides: object) -> None:
        raise ConfigError(path, [ConfigProblem("targets", "no such luck", 3)])

    model = small_model(tmp_path)
    before = snapshot(model)
    monkeypatch.setattr(orchestrator.prepare, "load_checked_config", refuse)
    with pytest.raises(UsageError, match=r"yaml:3: targets: no such luck\nThe configuration was not written; nothing"):
        prepare(model)
    assert snapshot(model) == before


def test_names_that_cannot_be_overridden_are_not_suggested(tmp_path: Path) -> None:
    model = small_model(tmp_path, param__defaults="{'a.b': {'weights': 0.1}, 'sheets': {'exc': url('param/exc')}}")
    prepare(model)
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert list(config.parameters) == ["sheets.exc.ExcExc.weights"]


def test_links_and_read_only_files_are_copied_as_files(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    (tmp_path / "elsewhere").write_bytes(b"\x80 data")
    (model / "param").rename(model / "param_v2")
    (model / "param").symlink_to("param_v2")
    (model / "param_v2/map").symlink_to("../../elsewhere")
    (model / "param_v2/again").symlink_to("exc")
    (model / "param_v2/exc").chmod(0o444)
    (model / "param_v2/.exc.swp").write_text("url('param/exc')")
    (model / "param_v2/deep").mkdir(mode=0o555)
    before = snapshot(model / "param_v2")
    prepare(model)
    ours = model / "param_optim"
    assert snapshot(model / "param_v2") == before
    assert (ours / "map").read_bytes() == b"\x80 data"
    assert not (ours / "map").is_symlink()
    assert (ours / "again").read_text() == (ours / "exc").read_text()
    assert (ours / "exc").stat().st_mode & 0o200
    assert not (ours / ".exc.swp").exists()
    assert ours.stat().st_mode & 0o777 == (model / "param_v2").stat().st_mode & 0o777
    prepare_again = prepare(model, force=True)
    assert "nothing to change" in prepare_again


def test_a_link_in_the_place_of_param_optim_is_replaced_and_not_followed(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("mine")
    (model / "param_optim").symlink_to(tmp_path / "mine")
    prepare(model, force=True)
    assert not (model / "param_optim").is_symlink()
    assert (tmp_path / "mine/file").read_text() == "mine"


def test_files_that_the_root_does_not_lead_to_are_led_over_too(tmp_path: Path) -> None:
    model = small_model(
        tmp_path, param__defaults_big="{'sheets': {'exc': url('param/exc')}}", param__notes="see url('param/exc') !"
    )
    prepare(model)
    assert (model / "param_optim/defaults_big").read_text() == "{'sheets': {'exc': url('param_optim/exc')}}"
    assert (model / "param_optim/notes").read_text() == "see url('param/exc') !"


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ({"run.py": '"""python run.py nest 1 param/small test"""\n'}, {}),
        ({"run.py": ""}, {"root": "small"}),
        ({"run.py": ""}, {"root": "param/small"}),
    ],
)
def test_another_root(tmp_path: Path, files: dict[str, str], options: dict[str, str]) -> None:
    model = small_model(tmp_path, param__small="{'results_dir': '', 'sheets': {'exc': url('param/exc')}}")
    (model / "run.py").write_text(files["run.py"] + (model / "run.py").read_text())
    prepare(model, **options)
    config: Any = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert config.simulation.parameters_url == Path("param_optim/small")
    assert config.simulation.seeds == {}


def test_the_only_root_needs_no_name(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    (model / "param/defaults").rename(model / "param/everything")
    prepare(model)
    config: Any = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert config.simulation.parameters_url == Path("param_optim/everything")


def test_another_base_folder(tmp_path: Path) -> None:
    model = bare_model("current_style", tmp_path)
    (model / "parameters").mkdir()
    (model / "param").rename(model / "parameters/spont")
    for path in (model / "parameters/spont").rglob("*"):
        if path.is_file() and path.name != "or_map":
            path.write_text(path.read_text().replace("param/", "parameters/spont/"))
    prepare(model, base_param=Path("parameters/spont"))
    load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert "'param_optim/l4" not in (model / "param_optim/l4_cortex_exc").read_text()
    assert 'url("param_optim/connections/exc")' in (model / "param_optim/l4_cortex_exc").read_text()


def test_without_slurm_the_configuration_and_the_next_command_are_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = prepare(model)
    assert load_checked_config(model / "param_optim/config_optimisation.yaml").executor == "local"
    assert said.splitlines()[-1].split()[:2] == ["orchestrator", "run"]


def test_the_tool_of_a_checkout_does_the_same(tmp_path: Path) -> None:
    model = bare_model("balanced_network", tmp_path)
    done = script(ROOT / "tools/prepare_model.py", ".", cwd=model)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == f"Wrote into {model}:"
    load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_the_configuration_is_a_number_to_yaml(name: str, tmp_path: Path) -> None:
    model = bare_model(name, tmp_path)
    prepare(model)
    data = yaml.safe_load((model / "param_optim/config_optimisation.yaml").read_text())
    for spec in data["parameters"].values():
        bounds = spec["bounds"] if isinstance(spec, dict) else spec
        assert all(isinstance(bound, (int, float)) for bound in bounds)


def test_a_dry_run_sees_what_is_shared_with_the_models_beside(tmp_path: Path) -> None:
    (tmp_path / "common").mkdir()
    (tmp_path / "common/cell").write_text("{'tau_m': 20.0}")
    exc = (
        "{'component': 'C', 'params': {'name': 'Exc', 'cell': {'params': url('../common/cell')}, 'recorders': None},\n"
    )
    model = small_model(tmp_path, param__exc=f"{exc} 'ExcExc': {{'weights': 0.001}}}}")
    before = snapshot(tmp_path)
    dry = list(prepare_model(model, dry_run=True))
    assert snapshot(tmp_path) == before
    assert list(prepare_model(model))
    assert dry
