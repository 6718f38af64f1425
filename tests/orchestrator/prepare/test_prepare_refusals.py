"""What ``orchestrator prepare`` cannot make sense of: one message each that says where and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bare_models import small_model, snapshot

from orchestrator.errors import UsageError
from orchestrator.prepare import prepare_model

RUN = "from mozaik.controller import run_workflow\n"
CLASS = "from mozaik.models import Model\n\nclass Net(Model):\n    pass\n"
SHEET = "{'params': {'name': 'Exc', 'recorders': {}}, "

# files that are wrong, options, and what is said
WRONG: list[tuple[dict[str, str], dict[str, Any], str]] = [
    # the parameters
    ({}, {"base_param": Path("parm")}, "model/parm; did you mean 'param'? Name the folder"),
    ({}, {"base_param": Path()}, "--base-param .: expected a folder of its own beside param_optim"),
    ({}, {"base_param": Path("param_optim")}, "--base-param param_optim: expected a folder of its own"),
    ({"param__defaults": "{'sheets': {'exc': url('param/ecx')}}"}, {}, "param/defaults:1:20: url('param/ecx'): there"),
    ({"param__defaults": "{'sheets': {'exc': url('param/ecx')}}"}, {}, "/model/param/ecx; did you mean 'exc'?"),
    ({"param__exc": "{'params': {'recorders': {}},\n 'weights' 1}"}, {}, "param/exc:2:10: is not a parameter file: "),
    ({"param__exc": "import os"}, {}, "param/exc:1:1: is not a parameter file: invalid syntax. Expected one"),
    (
        {"param__exc": SHEET + "'weights': 1, 'a': url('param/' + 'b')}"},
        {},
        "param/exc:1:69: url('param/' + 'b') is computed; expected one plain string such as url('param/file'). Write",
    ),
    ({"param__exc": SHEET + "'weights': 1, 'a': url(f'param/{b}')}"}, {}, "param/exc:1:69: url("),
    ({"param__exc": "{'a': url('param/defaults')}"}, {}, "param/exc:1:7: url('param/defaults') leads back to a file"),
    ({"param__exc": "{'a': 1, 2}"}, {}, "param/exc:1:"),
    ({"param__exc": SHEET + "'weights': 1 / 0}"}, {}, "division by zero"),
    ({"param__exc": SHEET + "b: 1}"}, {}, "names of parameters must be text"),
    ({"param__exc": "{'weights': 0.1}"}, {}, "param/defaults: expected sheets with 'params' and 'recorders' in it"),
    ({"param__defaults": "{'weights': 0.1}"}, {}, "found none. Is it the root of the model's parameters? Name another"),
    ({"param__exc": SHEET + "'x': 1}"}, {}, "no weight or synaptic time constant (base_weight, weights,"),
    ({"param__exc": "{'params': {'recorders': {}}, 'weights': 1}"}, {}, "no sheet has a 'name' in its 'params'"),
    ({"param__config_optimisation.yaml": "{}"}, {}, "param/config_optimisation.yaml: the optimisation has a file of"),
    ({"param__recorders_spikes": "{}", "param__exc": SHEET + "'weights': 1}"}, {}, "param/recorders_spikes: the optim"),
    (
        {
            "param__exc": "{'params': {'name': 'Exc', 'recorders': url('param/rec')}, 'weights': 0.1,\n"
            " 'n': 2 * ref('sheets.exc.params.recorders.1.size')}",
            "param__rec": "{'1': {'size': 200.0}}",
        },
        {},
        "param/exc:2:7: 'n' is taken from 'sheets.exc.params.recorders.1.size' by ref(...), and the optimisation repl",
    ),
    ({"param__exc": SHEET + "'weights': 1, 'n': ref('sheets.nix')}"}, {}, "is taken from 'sheets.nix' by ref(...), "),
    (
        {
            "param__exc": SHEET + "'weights': 1,\n 'a': {**url('param/base'), 'delay': 2.0}}",
            "param__base": "{'weights': 1}",
        },
        {},
        "param/exc:2:10: cannot read the merged group **url('param/base'); expected names and values such as {'weig",
    ),
    (
        {"param__defaults": "{'sheets': {'exc': url('common/exc')}}", "common__exc": SHEET + "'weights': 1}"},
        {},
        "the recorders of Exc are in files outside the base folder, which stay as they are, so that there is nothing",
    ),
    # the root
    ({}, {"root": "default"}, "--root default: there is no file param/default; did you mean 'defaults'?"),
    # the model's class and experiments
    ({"run__py": RUN}, {}, "run.py: expected a call run_workflow(name, Model, create_experiments), found none. Say"),
    ({"run__py": RUN}, {}, "Candidates: model:Net, experiments:create_experiments"),
    ({"run__py": RUN + "run_workflow('a', A, b)\n"}, {}, "run.py:2: A is no name that is imported from a file of the"),
    ({"run__py": RUN + "run_workflow('a')\n"}, {}, "run.py:2: run_workflow without a model or its experiments; say"),
    (
        {"run__py": RUN + "from model import Net, Other\nfrom experiments import *\nrun_workflow('a', Net, "
         "create_experiments)\nrun_workflow('a', Other, create_experiments)\n"},
        {},
        "run.py: more than one call of run_workflow; say which with --model module:Class --experiments module:function",
    ),
    (
        {"run__py": RUN + "from model import Net, Other\nfrom experiments import *\nrun_workflow('a', Net, "
         "create_experiments)\nrun_workflow('a', Other, create_experiments)\n"},
        {},
        "experiments:create_experiments; --model model:Other --experiments experiments:create_experiments",
    ),
    ({"run__py": RUN + CLASS + "run_workflow('a', Net, None)\n"}, {}, "Net is defined in run.py, which runs the model"),
    (
        {"run__py": RUN + "from model import Net\nrun_workflow('a', Net, lambda model: [])\n"},
        {},
        "run.py:3: lambda model: [] is no name that is imported from a file of the model's directory; name it with --e",
    ),
    ({"run__py": "print 'python 2'\n"}, {}, "run.py:1: is not Python 3: Missing parentheses in call to 'print'"),
    ({"model__py": "class Nett:\n    pass\n"}, {}, "--model model:Net: "),
    ({"model__py": "class Nett:\n    pass\n"}, {}, "model.py has no 'Net'; did you mean 'Nett'?"),
    ({"model__py": "class Net(:\n"}, {}, "model.py:1: is not Python 3: invalid syntax. Fix it: the simulation"),
    ({"run__py": RUN + "from modle import Net\nfrom experiments import create_experiments\n"
      "run_workflow('a', Net, create_experiments)\n"}, {}, "--model modle:Net: there is no module 'modle' in"),
    ({}, {"model": "model.Net"}, "--model model.Net: expected module:name, such as model:VisualModel"),
    ({}, {"model": "model:Nott"}, "model.py has no 'Nott'; did you mean 'Net'?"),
    ({}, {"model": "experiments:create_experiments"}, "experiments:create_experiments: is a function, expected the"),
    ({}, {"experiments": "model:Net"}, "--experiments model:Net: is a class, expected the function that returns"),
    ({}, {"experiments": "experiment:create"}, "there is no module 'experiment' in"),
    (
        {"experiments__py": "def create_experiments(model, path, width=11.0):\n    return []\n"},
        {},
        "expected a function of the model alone, it takes model, path, width. Name another, or write one such as: def",
    ),
    ({"experiments__py": "def create_experiments():\n    return []\n"}, {}, "it takes nothing."),
]  # fmt: skip


@pytest.mark.parametrize(("files", "options", "message"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_what_is_wrong_is_said_and_nothing_is_changed(
    tmp_path: Path, files: dict[str, str], options: dict[str, Any], message: str
) -> None:
    model = small_model(tmp_path, **files)
    before = snapshot(model)
    with pytest.raises(UsageError) as caught:
        list(prepare_model(model, **options))
    assert message in str(caught.value)
    assert snapshot(model) == before


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: there is no such directory; give the model's"):
        list(prepare_model(tmp_path / "nowhere"))


def test_no_directory_at_all() -> None:
    with pytest.raises(
        UsageError, match=r"give the model's directory: orchestrator prepare MODEL_DIR \(\. for the one"
    ):
        list(prepare_model(None))


def test_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*/param\. Name the folder of the model's parameters"):
        list(prepare_model(tmp_path))


def test_no_root_among_several(tmp_path: Path) -> None:
    model = small_model(tmp_path, param__b="{'results_dir': '', 'sheets': {}}")
    (model / "param/defaults").rename(model / "param/a")
    with pytest.raises(UsageError, match=r"param: which is the root parameter file.*--root; found a, b$"):
        list(prepare_model(model))


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    (model / "param/exc").write_bytes(b"{'a': 1, # 5 \xb5m\n}")
    with pytest.raises(UsageError, match="param/exc:1:14: byte 0xb5 is not UTF-8: save the file with the encoding"):
        list(prepare_model(model))


def test_links_that_lead_nowhere_or_in_a_circle(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    (model / "param/map").symlink_to("/nonexistent/map")
    with pytest.raises(UsageError, match="param/map: a link to /nonexistent/map, which does not exist; remove or fix"):
        list(prepare_model(model))
    (model / "param/map").unlink()
    (model / "param/loop").symlink_to(".")
    with pytest.raises(UsageError, match="param/loop: a link that leads back into param; remove it"):
        list(prepare_model(model))


def test_a_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model(tmp_path)

    def denied(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", denied)
    with pytest.raises(UsageError, match=r"model: cannot be written: Permission denied\. Nothing was changed"):
        list(prepare_model(model))


def test_nothing_of_the_model_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    bomb = f"\nopen({str(marker)!r}, 'w').write('x')\n"
    model = small_model(tmp_path)
    for name in ("run.py", "model.py", "experiments.py"):
        (model / name).write_text((model / name).read_text() + bomb)
    parameters = model / "param/exc"
    parameters.write_text(parameters.read_text()[:-1] + f", 'x': open({str(marker)!r}, 'w').write('x')}}")
    list(prepare_model(model))
    assert not marker.exists()
