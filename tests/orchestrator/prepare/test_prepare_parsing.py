"""Parameter files are parsed with the exact place of everything, and what is not meant stays byte for byte."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from bare_models import MODELS
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameter_file import Edit, ParameterFile
from orchestrator.simulations.mozaik.urls import Redirection

# (as it is, as it should be once `param` has become `param_optim`)
Pair = tuple[str, str]

UNTOUCHED = [
    "1",
    "-0.5e-3",
    "None",
    "[1, (2, 3)]",
    "'äöü ☃ 𝄞'",
    "'url(\"param/exc\")'",
    '"""url(\'param/exc\')\nin two lines"""',
    "ref('sheets.param.url') * 2",
    "PyNNDistribution(name='uniform', low=-70, high=-51)",
    "UniformDist(min=0.0, max=2*pi)",
    "ParameterRange([1, 2])",
    'url("param_spont/exc")',
    'url("parameters/exc")',
    'url("other/param/exc")',
    'url("param/../other/exc")',
    'url("../param/exc")',
    'url("http://somewhere/param/exc")',
    'url("file://param/exc")',
    "{}",
]
REWRITTEN = [
    ('url("param/exc")', 'url("param_optim/exc")'),
    ("url('param/exc')", "url('param_optim/exc')"),
    ("url( 'param/deep/exc.v2' )", "url( 'param_optim/deep/exc.v2' )"),
    ('url("./param/exc")', 'url("./param_optim/exc")'),
    ('url("param//exc")', 'url("param_optim/exc")'),
    ('url("param/deep/../exc")', 'url("param_optim/exc")'),
    ('url("other/../param/exc")', 'url("param_optim/exc")'),
    ('ParameterSet("param/exc")', 'ParameterSet("param_optim/exc")'),
    ('url(r"param/exc")', "url('param_optim/exc')"),
    ('url("""param/exc""")', "url('param_optim/exc')"),
    ("url('param/' 'exc')", "url('param_optim/exc')"),
    ("url('param/\\x65xc')", "url('param_optim/exc')"),
    ("[url('param/a'), {'b': url('param/b')}]", "[url('param_optim/a'), {'b': url('param_optim/b')}]"),
    ("ParameterSet({'a': url('param/ä')})", "ParameterSet({'a': url('param_optim/ä')})"),
]
SEPARATORS = [", ", ",\n", ",\r\n\t", ",\r  ", ",  # url('param/exc') is a comment\n    ", "\n,\n\n", ", # ä\n"]


def pairs() -> st.SearchStrategy[Pair]:
    leaves = st.sampled_from([*((text, text) for text in UNTOUCHED), *REWRITTEN])
    return st.recursive(
        leaves, lambda inner: st.lists(st.tuples(inner, st.sampled_from(SEPARATORS))).map(join), max_leaves=12
    )


def join(items: list[tuple[Pair, str]]) -> Pair:
    texts = []
    for side in (0, 1):
        entries = "".join(f"'näme {n}' :{pair[side]}{separator}" for n, (pair, separator) in enumerate(items))
        texts.append(f"{{{entries}}}")
    return texts[0], texts[1]


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("model")
    for name in ("param/deep", "other", "param_spont", "parameters"):
        (directory / name).mkdir(parents=True)
    return directory


def parsed(text: str, directory: Path) -> ParameterFile:
    path = directory / "file"
    path.write_bytes(text.encode())
    return ParameterFile(path, "param/file")


@given(
    tree=pairs(),
    before=st.sampled_from(["", "  ", "\t", "\n\n", "\r\n   "]),
    after=st.sampled_from(["", "\n", " \r\n "]),
)
def test_only_references_to_the_folder_change(model_dir: Path, tree: Pair, before: str, after: str) -> None:
    old, expected = (f"{before}{text}{after}" for text in tree)
    file = parsed(old, model_dir)
    assert file.edited([]) == old.encode()
    edits = [edit for edit, _ in Redirection(model_dir, Path("param"), "param_optim").edits(file)]
    assert file.edited(edits).decode() == expected


@given(tree=pairs(), before=st.sampled_from(["", "\n  ", "\r\r"]))
def test_every_node_is_where_it_says(model_dir: Path, tree: Pair, before: str) -> None:
    file = parsed(before + tree[0], model_dir)
    for node in ast.walk(file.expression):
        if isinstance(node, ast.expr):
            start, end = file.span(node)
            text = file.content[start:end].decode()
            assert ast.dump(ast.parse(text, mode="eval").body) == ast.dump(node)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/param/**/*")), ids=lambda path: path.name)
def test_the_models_files_stay_as_they_are_where_nothing_is_rewritten(path: Path) -> None:
    if path.is_dir() or path.name == "or_map":
        return
    assert ParameterFile(path, path.name).edited([]) == path.read_bytes()


def test_places_count_lines_and_columns_as_an_editor_does(model_dir: Path) -> None:
    file = parsed("\n\r\n  {'ä☃': 1,\r 'b': 22}", model_dir)
    assert isinstance(file.expression, ast.Dict)
    one, two = file.expression.values
    assert (file.place(one), file.place(two)) == ("param/file:3:10", "param/file:4:7")


def test_absolute_references_stay_absolute(model_dir: Path) -> None:
    redirect = Redirection(model_dir, Path("param"), "param_optim")
    assert redirect(f"{model_dir}/param/exc") == f"{model_dir}/param_optim/exc"
    assert redirect(f"{model_dir}/param_spont/exc") is None
    assert redirect("/param/exc") is None


def test_a_folder_within_a_folder_becomes_one_of_the_model(model_dir: Path) -> None:
    redirect = Redirection(model_dir, Path("other/base"), "param_optim")
    assert redirect("other/base/deep/exc") == "param_optim/deep/exc"
    assert redirect("other/base2/exc") is None
    assert redirect("other/base") is None
    assert redirect("other/base/..") is None


def test_a_link_to_the_folder_is_the_folder(model_dir: Path) -> None:
    (model_dir / "link").symlink_to("param")
    redirect = Redirection(model_dir, Path("param"), "param_optim")
    assert redirect("link/exc") == "param_optim/exc"
    (model_dir / "link").unlink()


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


def test_two_edits_of_one_place_are_a_mistake(model_dir: Path) -> None:
    file = parsed("{'a': 1}", model_dir)
    with pytest.raises(ValueError, match="two edits of byte 2"):
        file.edited([Edit(0, 4, b""), Edit(2, 5, b"")])
