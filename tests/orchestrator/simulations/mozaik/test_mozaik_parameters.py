from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from orchestrator.simulations.mozaik.parameters import (
    Expression,
    ParameterFileError,
    Reference,
    flatten,
    lookup,
    read_parameter_tree,
)
from orchestrator.simulations.mozaik.parameters.references import reference_problems


def model(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "param").mkdir()
    for name, text in files.items():
        (tmp_path / "param" / name).write_text(text)
    return tmp_path


def read(directory: Path) -> dict[str, Any]:
    return read_parameter_tree(Path("param/defaults"), directory)


def test_a_tree_with_urls_references_and_expressions(tmp_path: Path) -> None:
    directory = model(
        tmp_path,
        defaults="""{ # comment
          'name': 'Net', 'seed': 1023, 'flag': True, 'nothing': None,
          'sheets': {'exc': url("param/exc"), 'inh': ParameterSet({'w': -0.5})},
          'twice': ref('sheets.exc.w'), 'again': ref('twice'), 'half': ref('sheets.exc.w') / 2,
          'sum': 2 * (3 + 0.5) ** 2, 'circle': pi, 'list': [1, 2, (3, 4)],
        }""",
        exc="{'w': 0.001, # uS\n 'delay': PyNNDistribution(name='uniform', params=(1, 2)), 'l2/3': {'k': 7}}",
    )
    tree = read(directory)
    assert lookup(tree, "sheets.exc.w") == 0.001
    assert lookup(tree, "sheets.inh.w") == -0.5
    assert lookup(tree, "sheets.exc.l2/3.k") == 7
    assert tree["twice"] == Reference("sheets.exc.w")
    assert lookup(tree, "again") == 0.001
    assert isinstance(tree["half"], Expression)
    assert tree["sum"] == 24.5
    assert tree["circle"] == math.pi
    assert tree["list"] == [1, 2, (3, 4)]
    assert isinstance(lookup(tree, "sheets.exc.delay"), Expression)
    assert dict(flatten(tree))["sheets.exc.l2/3.k"] == 7


@pytest.mark.parametrize("name", ["sheets", "sheets.exc.q", "sheets.exc.w.x", "", "shets.exc.w"])
def test_names_that_are_not_there(tmp_path: Path, name: str) -> None:
    tree = read(model(tmp_path, defaults="{'sheets': {'exc': {'w': 1}}}"))
    if name == "sheets":
        assert isinstance(lookup(tree, name), dict)
    else:
        with pytest.raises(KeyError):
            lookup(tree, name)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"defaults: cannot be read"),
        ({"defaults": "{'a': url('param/b')}"}, r"param/b: cannot be read \(named by .*defaults\): No such file"),
        ({"defaults": "{'a': url('param/defaults')}"}, "refers to itself"),
        ({"defaults": "{'a': 1,\n 'b' 2}"}, "defaults:2: is not a parameter set"),
        ({"defaults": "[1, 2]"}, "expected a parameter set"),
        ({"defaults": "import os"}, "is not a parameter set"),
        ({"defaults": "{'a': 1 / 0}"}, "division by zero"),
        ({"defaults": "{'a': [{[1]: 2}]}"}, "defaults: is not a parameter set: unhashable type"),
        ({"defaults": "{'a': 1" + "0" * 400 + "}"}, "defaults:1: expected a number below 1.8e308"),
        ({"defaults": "{'a': 10**99 * 10**99 * 10**99 * 10**99}"}, "defaults:1: expected a number below 1.8e308"),
        ({"defaults": "{'a':\n {**url('param/b'), 'c': 1}}"}, r"defaults:2: cannot read the merged group \*\*url\("),
        ({"defaults": "{'a': " + "-" * 100_000 + "1}"}, "is not a parameter set"),
    ],
)
def test_broken_files_name_themselves(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterFileError, match=message):
        read(model(tmp_path, **files))


def test_nothing_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    tree = read(model(tmp_path, defaults=f"{{'a': open({str(marker)!r}, 'w').write('x'), 'b': 9 ** 9 ** 9}}"))
    assert isinstance(tree["a"], Expression)
    assert isinstance(tree["b"], Expression)
    assert not marker.exists()


def test_references_in_a_circle_end(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="refers to itself"):
        lookup(read(model(tmp_path, defaults="{'a': ref('b'), 'b': ref('a')}")), "a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{'a': ref('b'), 'b': {'c': 1}}", []),
        ("{'a': ref('b'), 'b': None}", []),
        ("{'a': ref('b.c') / 2 - ref('b.c'), 'b': ref('d'), 'd': {'c': 1}}", []),
        ("{'a': ref('b.c'), 'b': f(1)}", []),
        ("{'a': [ref('nix')]}", []),
        ("{'a': ref('bb'), 'b': {'c': 1}}", ["a: param/defaults: is taken from 'bb' by ref(...), which the model"]),
        ("{'a': ref('b.d'), 'b': {'c': 1}}", ["a: param/defaults: is taken from 'b.d' by ref(...), which the model"]),
        ("{'a': 1 - ref('nix') / 2}", ["a: param/defaults: is taken from 'nix' by ref(...), which the model does not"]),
        ("{'a': ref('b'), 'b': ref('nix')}", ["b: param/defaults: is taken from 'nix' by ref(...), which the model"]),
        ("{'a': ref('b'), 'b': ref('a') / 2}", ["a: param/defaults: is taken from 'b' by ref(...), which refers"] * 2),
    ],
)  # fmt: skip
def test_references_that_lead_nowhere(tmp_path: Path, text: str, said: list[str]) -> None:
    found = list(reference_problems(read(model(tmp_path, defaults=text)), Path("param/defaults")))
    assert len(found) == len(said)
    assert all(f"{at[-1]}: {message}".startswith(start) for (at, message), start in zip(found[:1], said, strict=False))
