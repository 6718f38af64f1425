"""Parameter files are parsed with the exact place of everything, and what is not meant stays byte for byte."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from bare_models import MODELS

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameters.file import Edit, ParameterFile


def parsed(text: str, directory: Path) -> ParameterFile:
    path = directory / "file"
    path.write_bytes(text.encode())
    return ParameterFile(path, "param/file")


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/param/**/*")), ids=lambda path: path.name)
def test_the_models_files_stay_as_they_are_where_nothing_is_rewritten(path: Path) -> None:
    if path.is_dir() or path.name == "or_map":
        return
    assert ParameterFile(path, path.name).edited([]) == path.read_bytes()


def test_places_count_lines_and_columns_as_an_editor_does(tmp_path: Path) -> None:
    file = parsed("\n\r\n  {'ä☃': 1,\r 'b': 22}", tmp_path)
    assert isinstance(file.expression, ast.Dict)
    one, two = file.expression.values
    assert (file.place(one), file.place(two)) == ("param/file:3:10", "param/file:4:7")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{'a': 1,\n 'b' 2}", "param/file:2:4: is not a parameter file: "),
        (b"\n\n{'a': [1, 2}", "param/file:3:12: is not a parameter file: "),
        (b"", "param/file: is not a parameter file: invalid syntax"),
        (b"import os", "param/file:1:1: is not a parameter file: invalid syntax"),
        (b"{'a': 1}\n{'b': 2}", "param/file:2:1: is not a parameter file: invalid syntax"),
        (b"{'a': 1,\n 'b': '\xe4'}", "param/file:2:8: byte 0xe4 is not UTF-8: save the file with the encoding UTF-8"),
        (b"\xef\xbb\xbf{'a': 1}", "param/file:1:1: is not a parameter file: invalid non-printable character U+FEFF"),
        (b"{'a': \x001}", "param/file"),
        (b"-" * 100_000 + b"1", "too deeply nested"),
    ],
)
def test_what_is_no_parameter_file_is_said_with_its_place(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        ParameterFile(path, "param/file")
    assert message in str(caught.value)


def test_two_edits_of_one_place_are_a_mistake(tmp_path: Path) -> None:
    file = parsed("{'a': 1}", tmp_path)
    with pytest.raises(ValueError, match="two edits of byte 2"):
        file.edited([Edit(0, 4, b""), Edit(2, 5, b"")])
