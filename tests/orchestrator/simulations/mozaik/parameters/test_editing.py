"""A copy of a folder of parameters with other values, where several places share a file and where they don't."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bare_models import MODELS

from orchestrator.simulations.mozaik.parameters import flatten, read_parameter_tree
from orchestrator.simulations.mozaik.parameters.editing import Edited, Editor

L4 = "sheets.l4_cortex_exc"


def tree(model: Path, root: str) -> dict[str, Any]:
    return dict(flatten(read_parameter_tree(Path(root), model)))


def written(found: Edited, directory: Path) -> Path:
    """Put edited files into a copy of the model."""
    model = directory / "model"
    shutil.copytree(MODELS / "current_style", model)
    for name, content in found.files.items():
        path = model / "param_best" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return model


def edited(values: Mapping[str, float], model: str = "current_style") -> Edited:
    return Editor(MODELS / model, Path("param"), "param_best").edited("defaults", values)


def test_a_file_that_two_sheets_share_is_copied_for_the_one_that_differs(tmp_path: Path) -> None:
    """Overriding one name moves one sheet in mozaik, so that the other must keep what it had."""
    name = f"{L4}.L4ExcL4ExcConnection.weight_functions.f1.params.theta"
    copy = f"connections/functions_of_{L4}.L4ExcL4ExcConnection.weight_functions"
    found = edited({name: 123.5})
    assert b"'theta': 207.76" in bytes(found.files["connections/functions"])  # type: ignore[arg-type]
    assert b"'theta': 123.5" in bytes(found.files[copy])  # type: ignore[arg-type]
    said = "param/connections/functions is used in several places, or is outside param: "
    assert found.notes == [f"{said}param_best/{copy} is its copy with the values of that place"]
    model = written(found, tmp_path)
    assert tree(model, "param_best/defaults") == {**tree(model, "param/defaults"), name: 123.5}


def test_all_places_of_a_shared_file_may_get_values_of_their_own(tmp_path: Path) -> None:
    names = {
        f"{L4}.L4ExcL4ExcConnection.weight_functions.f1.params.theta": 100.0,
        f"{L4}.L4ExcL4InhConnection.weight_functions.f1.params.theta": 200.0,
        "sheets.l4_cortex_inh.L4InhL4ExcConnection.weight_functions.f1.params.theta": 200.0,
    }
    found = edited(names)
    # one file for the first value, one copy for the second
    assert len([name for name in found.files if name.startswith("connections/functions")]) == 2
    model = written(found, tmp_path)
    assert tree(model, "param_best/defaults") == {**tree(model, "param/defaults"), **names}


def test_the_same_value_everywhere_needs_no_copy() -> None:
    sheets = (f"{L4}.L4ExcL4ExcConnection", f"{L4}.L4ExcL4InhConnection", "sheets.l4_cortex_inh.L4InhL4ExcConnection")
    found = edited(dict.fromkeys([f"{sheet}.weight_functions.f1.params.alpha" for sheet in sheets], 0.02))
    assert set(found.files) == {
        path.relative_to(MODELS / "current_style/param").as_posix()
        for path in (MODELS / "current_style/param").rglob("*")
        if path.is_file()
    }
    assert not [note for note in found.notes if "copy" in note]


def test_a_computed_value_becomes_one_of_its_own(tmp_path: Path) -> None:
    name = "sheets.l4_cortex_inh.L4InhL4ExcConnection.num_samples"
    found = edited({name: 77})
    assert f"{name} was computed from {L4}.K and has a value of its own now" in found.notes
    model = written(found, tmp_path)
    assert tree(model, "param_best/defaults") == {**tree(model, "param/defaults"), name: 77}
    assert "'num_samples' : 77," in (model / "param_best/l4_cortex_inh").read_text()


def test_what_refers_to_a_group_around_a_value_is_said() -> None:
    notes = edited({f"{L4}.AfferentConnection.base_weight": 0.001}).notes
    said = f"sheets.l4_cortex_inh.AfferentConnection refers to {L4}.AfferentConnection and changes with it"
    assert [note.startswith(said) for note in notes] == [True]
