"""References into a folder are led into another one, and everything else stays byte for byte."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from examples import at_least
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.simulations.mozaik.parameters.file import ParameterFile
from orchestrator.simulations.mozaik.parameters.redirection import Redirection

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


@at_least(60)
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


@at_least(40)
@given(tree=pairs(), before=st.sampled_from(["", "\n  ", "\r\r"]))
def test_every_node_is_where_it_says(model_dir: Path, tree: Pair, before: str) -> None:
    file = parsed(before + tree[0], model_dir)
    for node in ast.walk(file.expression):
        if isinstance(node, ast.expr):
            start, end = file.span(node)
            text = file.content[start:end].decode()
            assert ast.dump(ast.parse(text, mode="eval").body) == ast.dump(node)


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
