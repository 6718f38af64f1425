"""The recorders that ``prepare`` puts in the place of a model's, and the sheets that it finds them in."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from bare_models import NAMES, SHEETS, bare_model, small_model

from orchestrator.checking.problems import load_checked_config
from orchestrator.errors import ConfigError
from orchestrator.prepare import prepare_model
from orchestrator.simulations.mozaik.parameters import lookup, read_parameter_tree


def prepare(model: Path, **options: Any) -> str:
    return "\n".join(prepare_model(model, **options))


@pytest.mark.parametrize("name", NAMES)
def test_every_sheet_records_all_spikes_and_cortex_its_conductances(name: str, tmp_path: Path) -> None:
    model = bare_model(name, tmp_path)
    prepare(model)
    tree = read_parameter_tree(Path("param_optim/defaults"), model)
    for sheet, cortical in SHEETS[name].items():
        recorders = lookup(tree, f"sheets.{sheet}.params.recorders")
        assert recorders["spikes"]["component"] == "mozaik.sheets.population_selector.RCAll"
        assert recorders["spikes"]["variables"] == ("spikes",)
        assert ("conductances" in recorders) is cortical
        if cortical:
            assert recorders["conductances"]["component"] == "mozaik.sheets.population_selector.RCGrid"
            assert recorders["conductances"]["variables"] == ("gsyn_exc", "gsyn_inh")
            grid, width = recorders["conductances"]["params"], lookup(tree, f"sheets.{sheet}.params.sx")
            assert all(isinstance(value, float) for value in grid.values())  # mozaik insists
            points = [grid["offset_x"] + k * grid["spacing"] - grid["size"] / 2 for k in range(5)]
            assert points == [-point for point in reversed(points)]  # centred
            assert grid["size"] == 5 * grid["spacing"]
            assert 0 < points[-1] < width / 4


@pytest.mark.parametrize(
    ("cell", "recorders", "variables"),
    [
        ("{'model': 'IF_cond_exp'}", "None", ("gsyn_exc", "gsyn_inh")),
        ("{'model': 'aeif_cond_exp', 'native_nest': True}", "{}", ("g_ex", "g_in")),
        ("{'model': 'mine'}", "{'1': {'variables': ('V_m', 'g_ex', 'g_in'), 'params': {}}}", ("g_ex", "g_in")),
        ("{'model': 'IF_curr_exp'}", "None", None),
        ("{'model': 'aeif_cond_alpha_multisynapse'}", "{'1': {'variables': 'spikes'}}", None),
        (
            "{'model': 'aeif_cond_alpha_multisynapse'}",
            "{'1': {'variables': ['excitatory.gsyn', 'inhibitory.gsyn']}}",
            ("excitatory.gsyn", "inhibitory.gsyn"),
        ),
    ],
)
def test_conductances_are_recorded_under_the_names_that_the_cell_model_has(
    tmp_path: Path, cell: str, recorders: str, variables: tuple[str, ...] | None
) -> None:
    sheet = f"{{'params': {{'name': 'Exc', 'magnification_factor': 1.0, 'cell': {cell}, 'recorders': {recorders}}}"
    model = small_model(tmp_path, param__exc=f"{sheet}, 'weights': 0.1}}")
    prepare(model)
    found = lookup(read_parameter_tree(Path("param_optim/defaults"), model), "sheets.exc.params.recorders")
    assert found.get("conductances", {}).get("variables") == variables
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    (ratio,) = [spec for spec in config.targets if spec["class"] == "ConductanceRatio"] or [None]
    assert (ratio is None) == (variables is None)
    if variables and "." in variables[0]:
        assert ratio is not None
        assert (ratio["excitatory_signal"], ratio["inhibitory_signal"]) == variables


def test_sheets_of_different_models_get_recorders_of_their_own(tmp_path: Path) -> None:
    sheet = "{{'params': {{'name': '{0}', 'magnification_factor': 1.0, 'cell': {{'model': '{1}', 'native_nest': {2}}}, "
    sheet += "'recorders': None}}, 'weights': 0.1}}"
    model = small_model(
        tmp_path,
        param__defaults="{'sheets': {'exc': url('param/exc'), 'inh': url('param/inh')}}",
        param__exc=sheet.format("Exc", "EIF_cond_exp", False),
        param__inh=sheet.format("Inh", "aeif_cond_exp", True),
    )
    said = prepare(model)
    names = ["recorders_spikes_and_conductances", "recorders_spikes_and_conductances_2"]
    assert f"param_optim/{names[0]}: all spikes, gsyn_exc and gsyn_inh of 25 neurons of Exc\n" in said
    assert f"param_optim/{names[1]}: all spikes, g_ex and g_in of 25 neurons of Inh\n" in said
    assert ast.literal_eval((model / "param_optim" / names[1]).read_text())["conductances"]["variables"][0] == "g_ex"


def test_sheets_that_cannot_be_helped_are_noted(tmp_path: Path) -> None:
    model = small_model(
        tmp_path,
        param__defaults="{'sheets': {'exc': url('param/exc'), 'dark': {'params': {'name': 'Dark'}}, "
        "'far': url('shared/far')}}",
        shared__far="{'params': {'name': 'Far', 'recorders': {}}, 'weights': 0.1}",
        experiments__py="from mozaik.experiments.vision import *\n\n\ndef create_experiments(model):\n"
        "    return [MeasureOrientationTuningFullfield(model, contrasts=[10, 100])]\n",
    )
    said = prepare(model)
    assert "Note: shared/far:1:41: the recorders of Far are outside param and stay as they are" in said
    assert "Note: sheets.dark has no recorders: nothing of it is recorded, and it gets no targets." in said
    assert "Note: experiments:create_experiments presents no NoStimulation as far as its source says" in said


def test_sheets_at_the_root_as_in_old_models(tmp_path: Path) -> None:
    model = small_model(tmp_path, param__defaults="{'results_dir': '', 'exc_layer': url('param/exc'), 'sheets': None}")
    prepare(model)
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert list(config.parameters) == ["exc_layer.ExcExc.weights"]
    assert {spec["sheet_name"] for spec in config.targets} == {"Exc"}
    recorders = lookup(read_parameter_tree(Path("param_optim/defaults"), model), "exc_layer.params.recorders")
    assert set(recorders) == {"spikes", "conductances"}


def test_sheets_at_the_root_are_checked(tmp_path: Path) -> None:
    model = small_model(tmp_path, param__defaults="{'results_dir': '', 'pynn_seed': 1, 'l4_exc': url('param/exc')}")
    prepare(model)
    path = model / "param_optim/config_optimisation.yaml"
    load_checked_config(path, ["executor=local"])
    with pytest.raises(ConfigError, match="the model has no sheet 'Ecx'; did you mean 'Exc'"):
        load_checked_config(path, ["executor=local", "targets.0.sheet_name=Ecx"])
