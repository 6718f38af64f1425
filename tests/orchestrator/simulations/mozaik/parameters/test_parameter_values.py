"""The values of a parameter tree are read without executing anything, and what is broken names its place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameters import (
    ModelExpression,
    ParameterFileError,
    ParameterReference,
    as_text,
    flatten,
    lookup,
    read_parameter_tree,
)


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
    assert tree["twice"] == ParameterReference("sheets.exc.w")
    assert lookup(tree, "again") == 0.001
    assert isinstance(tree["half"], ModelExpression)
    assert tree["sum"] == 24.5
    assert tree["circle"] == math.pi
    assert tree["list"] == [1, 2, (3, 4)]
    assert isinstance(lookup(tree, "sheets.exc.delay"), ModelExpression)
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
        ({}, r"/param/defaults: cannot be read: No such file"),
        ({"defaults": "{'a': url('param/b')}"}, r"param/defaults:1:7: url\('param/b'\): there is no file /.*/param/b"),
        (
            {"defaults": "{'a': url('param/defaults')}"},
            r"param/defaults:1:7: url\('param/defaults'\) leads back to a file",
        ),
        ({"defaults": "{'a': 1,\n 'b' 2}"}, "param/defaults:2:4: is not a parameter file: "),
        ({"defaults": "[1, 2]"}, r"param/defaults: expected a parameter set \{...\}, got list"),
        (
            {"defaults": "{'a': url('http://somewhere/x')}"},
            r"param/defaults:1:7: url\('http://somewhere/x'\): there is no",
        ),
        (
            {"defaults": "{'a': " + "1 + " * 5000 + "ref('b')}"},
            "param/defaults: is not a parameter file: too deeply",
        ),
        ({"defaults": "import os"}, "param/defaults:1:1: is not a parameter file"),
        ({"defaults": "{'a': 1 / 0}"}, "param/defaults:1:7: division by zero"),
        ({"defaults": "{'a': [{[1]: 2}]}"}, "param/defaults:1:7: is not a parameter file: unhashable type"),
        ({"defaults": "{'a': 1" + "0" * 400 + "}"}, "param/defaults:1:7: expected a number below 1.8e308"),
        (
            {"defaults": "{'a': 10**99 * 10**99 * 10**99 * 10**99}"},
            "param/defaults:1:7: expected a number below 1.8e308",
        ),
        (
            {"defaults": "{'a':\n {**url('param/b'), 'c': 1}}"},
            r"param/defaults:2:5: cannot read the merged group \*\*url\(",
        ),
        ({"defaults": "{'a': " + "-" * 100_000 + "1}"}, "param/defaults: is not a parameter file: too deeply nested"),
    ],
)
def test_broken_files_name_themselves(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterFileError, match=message):
        read(model(tmp_path, **files))


def test_nothing_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    tree = read(model(tmp_path, defaults=f"{{'a': open({str(marker)!r}, 'w').write('x'), 'b': 9 ** 9 ** 9}}"))
    assert isinstance(tree["a"], ModelExpression)
    assert isinstance(tree["b"], ModelExpression)
    assert not marker.exists()


def test_roots_of_negative_numbers_are_the_models_to_compute(tmp_path: Path) -> None:
    assert isinstance(read(model(tmp_path, defaults="{'a': (-1) ** 0.5}"))["a"], ModelExpression)


def test_every_broken_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read(tmp_path)


def test_the_order_of_a_set_is_no_difference() -> None:
    names = {f"v{n:02}" for n in range(50)}  # so many that no process has them in this order by chance
    assert as_text([names, 1.0]) == f"[{{{', '.join(repr(name) for name in sorted(names))}}}, 1.0]"
