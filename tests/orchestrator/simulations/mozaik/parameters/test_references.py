"""References are resolved in one place, as mozaik does it, and those that lead nowhere are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.simulations.mozaik.parameters import ModelExpression, lookup, read_parameter_tree
from orchestrator.simulations.mozaik.parameters.references import (
    CircularReference,
    KnownToModelOnly,
    NoSuchParameter,
    number_at,
    reference_problems,
    resolved,
    value_at,
)


def read(directory: Path, defaults: str) -> dict[str, Any]:
    """The tree of a model of one file."""
    (directory / "defaults").write_text(defaults)
    return read_parameter_tree(Path("defaults"), directory)


def test_references_are_followed_on_the_way_and_at_the_end(tmp_path: Path) -> None:
    tree = read(
        tmp_path,
        "{'inh': {'conn': ref('exc.conn')}, 'exc': {'conn': {'w': ref('w'), 'k': 3}}, 'w': 0.5,"
        " 'half': ref('inh.conn.w') / 2, 'drawn': PyNNDistribution('uniform')}",
    )
    assert resolved(tree, ("inh", "conn", "w")) == 0.5
    assert value_at(tree, ("inh", "conn", "k")) == 3
    assert number_at(tree, ("half",)) == 0.25
    assert number_at(tree, ("drawn",)) is None
    assert isinstance(value_at(tree, ("drawn",)), ModelExpression)
    assert value_at(tree, ("inh", "none")) is None
    with pytest.raises(KnownToModelOnly):
        resolved(tree, ("drawn", "x"))
    with pytest.raises(NoSuchParameter):
        resolved(tree, ("inh", "conn", "none"))


def test_a_name_below_a_reference_is_no_parameter_that_can_be_overridden(tmp_path: Path) -> None:
    """Mozaik would set a value in what is a reference still, and fail."""
    tree = read(tmp_path, "{'inh': ref('exc'), 'exc': {'w': 0.5}, 'same': ref('inh.w')}")
    assert lookup(tree, "same") == lookup(tree, "exc.w") == 0.5
    with pytest.raises(KeyError):
        lookup(tree, "inh.w")


@pytest.mark.parametrize("links", [2, 90, 5000])
def test_chains_of_references_end(tmp_path: Path, links: int) -> None:
    chain = ", ".join(f"'a{n}': ref('a{n + 1}')" for n in range(links))
    tree = read(tmp_path, f"{{{chain}, 'a{links}': 1}}")
    if links < 100:
        assert lookup(tree, "a0") == 1
    else:
        with pytest.raises(KeyError, match="refers to itself"):
            lookup(tree, "a0")


def test_references_in_a_circle_end(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="refers to itself"):
        lookup(read(tmp_path, "{'a': ref('b'), 'b': ref('a')}"), "a")


@pytest.mark.parametrize("source", ["ref('a') + 1", "ref('b') * 2", "1 / 0 * ref('c')", "10.0 ** 99 ** ref('c')"])
def test_numbers_that_cannot_be_computed_are_none(tmp_path: Path, source: str) -> None:
    tree = read(tmp_path, "{'b': ref('a') / 2, 'c': 99}")
    tree["a"] = ModelExpression(source)
    assert number_at(tree, ("a",)) is None
    if "c" not in source:
        with pytest.raises(CircularReference):
            resolved(tree, ("b",), (("b",),))


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
    found = list(reference_problems(read(tmp_path, text), Path("param/defaults")))
    assert len(found) == len(said)
    assert all(f"{at[-1]}: {message}".startswith(start) for (at, message), start in zip(found[:1], said, strict=False))
