"""The sheets of a model, as ``prepare`` and ``check`` see them: the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bare_models import MODELS

from orchestrator.simulations.mozaik.parameters import ModelExpression, ParameterReference, read_parameter_tree
from orchestrator.simulations.mozaik.sheets import sheets_by_place, sheets_of


def test_sheets_and_recorders_are_found_in_every_form() -> None:
    tree: dict[str, Any] = {
        "sheets": {
            "one": {"component": "a.B", "params": {"name": "One", "sx": 1000.0, "sy": 2000.0, "density": 50.0}},
            "nameless": {"component": "a.B", "params": {}},
        }
    }
    one = tree["sheets"]["one"]["params"]
    one["recorders"] = {
        "all": {"component": "m.RCAll", "variables": ("spikes"), "params": {}},
        "grid": {"component": "m.RCGrid", "variables": ["v", "spikes"], "params": {"size": 200.0, "spacing": 20.0}},
        "some": {"component": "m.RCRandomPercentage", "variables": ("v",), "params": {"percentage": 10}},
    }
    (sheet,) = sheets_of(tree).values()
    assert (sheet.name, sheet.neurons, sheet.variables) == ("One", 100, ("spikes", "v"))
    assert [each.cells for each in sheet.recorders or ()] == [100, 100, 10]


@pytest.mark.parametrize(
    ("density", "neurons"),
    [
        (ParameterReference("sheets.exc.params.density"), 400),
        (ModelExpression("ref('sheets.exc.params.density') / 4"), 100),
        (ModelExpression("2 * ref('sheets.exc.params.density') - 50.0"), 700),
        (ModelExpression("ref('sheets.inh.params.density') + 1"), None),
        (ModelExpression("ref('sheets.exc.params.density') / 0"), None),
        (ModelExpression("PyNNDistribution('uniform')"), None),
        (ModelExpression("ref('nowhere')"), None),
    ],
    ids=str,
)
def test_a_sheet_may_take_its_size_from_another(density: object, neurons: int | None) -> None:
    params = {"name": "Exc", "sx": 2000.0, "sy": 1000.0, "density": 200.0}
    other = {**params, "name": "Inh", "density": density}
    sheets = sheets_of({"sheets": {"exc": {"params": params}, "inh": {"params": other}}})
    assert (sheets["Exc"].neurons, sheets["Inh"].neurons) == (400, neurons)


def test_a_retina_is_one_sheet_of_the_tree_and_two_of_the_recordings() -> None:
    tree = read_parameter_tree(Path("param/defaults"), MODELS / "visual_model")
    retina = sheets_by_place(tree)["sheets", "retina_lgn", "params"]
    assert (retina.name, retina.label, retina.key, retina.cortical) == (None, "retina_lgn", "sheets.retina_lgn", False)
    named = sheets_of(tree)
    assert list(named) == ["X_ON", "X_OFF", "V1_Exc_L4", "V1_Inh_L4", "V1_Exc_L2/3", "V1_Inh_L2/3"]
    assert {named["X_ON"].place, named["X_OFF"].place} == {retina.place}
    cortex = named["V1_Exc_L4"]
    assert (cortex.label, cortex.cortical, cortex.conductances) == ("V1_Exc_L4", True, ("gsyn_exc", "gsyn_inh"))
    assert cortex.width == 2500.0


def test_what_a_recorder_without_a_class_records_is_known_and_how_much_is_not() -> None:
    params = {
        "name": "Exc",
        "recorders": {"1": {"variables": ("V_m", "g_ex")}, "2": {"variables": ModelExpression("f()")}},
    }
    sheet = sheets_of({"sheets": {"exc": {"params": params}}})["Exc"]
    assert (sheet.variables, sheet.recorders) == (("V_m", "g_ex"), None)


def test_names_with_dots_in_them_are_sheets_too() -> None:
    (sheet,) = sheets_by_place({"sheets": {"v1.5": {"params": {"name": "V1"}}}}).values()
    assert (sheet.key, sheet.label) == ("sheets.v1.5", "V1")
