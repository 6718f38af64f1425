"""The walk through the files of a parameter tree: every entry with its place, as often as the tree leads there."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare_models import MODELS

from orchestrator.simulations.mozaik.parameters import ParameterFileError, flatten
from orchestrator.simulations.mozaik.parameters.tree import ParameterFiles, TreeEntry
from orchestrator.simulations.mozaik.parameters.values import values_of


def tree(directory: Path, root: str = "defaults", **files: str) -> TreeEntry:
    for name, text in files.items():
        (directory / name).write_text(text)
    return ParameterFiles(directory).tree(Path(root))


def test_a_file_that_two_urls_lead_to_is_read_once_and_walked_twice(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to("cell")
    root = tree(
        tmp_path, defaults="{'a': url('cell'), 'b': {'c': ParameterSet({'d': url('again')})}}", cell="{'tau': 1}"
    )
    assert [".".join(each.path) for each in root.below()] == ["a", "a.tau", "b", "b.c", "b.c.d", "b.c.d.tau"]
    assert [".".join(each.path) for each in root.named_here()] == ["a", "b", "b.c", "b.c.d"]
    uses = list(root.files())
    assert [each.path for each in uses] == [("a",), ("b", "c", "d"), ()]
    assert uses[0].file is uses[1].file
    assert [root.file.content[slice(*root.file.span(url))] for url, _ in root.leads()] == [b"'cell'", b"'again'"]
    assert values_of(root) == {"a": {"tau": 1}, "b": {"c": {"d": {"tau": 1}}}}


def test_every_entry_has_its_place(tmp_path: Path) -> None:
    root = tree(tmp_path, defaults="{'a':\n  url('cell')}", cell="{'tau': 1, 2: 3}")
    assert {".".join(each.path): each.file.place(each.value) for each in root.below()} == {
        "a": "defaults:2:3",
        "a.tau": "cell:1:9",
        "a.2": "cell:1:15",
    }


def test_of_a_name_that_is_given_twice_the_last_counts(tmp_path: Path) -> None:
    root = tree(tmp_path, defaults="{'a': {'b': 1}, 'a': {'c': 2}}")
    assert [".".join(each.path) for each in root.below()] == ["a", "a.c"]
    assert values_of(root) == {"a": {"c": 2}}


def test_a_root_may_be_another_file(tmp_path: Path) -> None:
    root = tree(tmp_path, defaults="url('other')", other="{'a': 1}")
    assert values_of(root) == {"a": 1}
    assert [each.file.shown for each in root.files()] == ["other", "defaults"]


@pytest.mark.parametrize("url", ["defaults", "./defaults", "x/../defaults", "link"])
def test_a_file_that_leads_back_to_itself_under_whatever_name(tmp_path: Path, url: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to("defaults")
    with pytest.raises(ParameterFileError, match=r"^other:1:7: url.* leads back to a file that leads here$"):
        tree(tmp_path, defaults="{'a': url('other')}", other=f"{{'b': url('{url}')}}")


@pytest.mark.parametrize("name", ["balanced_network", "visual_model", "current_style"])
def test_the_entries_of_a_model_are_its_values(name: str) -> None:
    root = ParameterFiles(MODELS / name).tree(Path("param/defaults"))
    leaves = [".".join(each.path) for each in root.below() if each.group is None and each.inner is None]
    assert leaves == [leaf for leaf, _ in flatten(values_of(root))]
