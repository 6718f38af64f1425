"""A function of a script or a notebook is written down with all that it uses, or refused with what to do."""

from __future__ import annotations

import code
import linecache
import pathlib
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from script_as_main import script

from orchestrator.api.constants import written
from orchestrator.api.functions import LocatedFunction, located
from orchestrator.api.source import module_of
from orchestrator.errors import UsageError

RICH = r'''
from __future__ import annotations

import dataclasses
import functools
import math
import xml.etree.ElementTree
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy import exp
from orchestrator import Exploded as Burst

if TYPE_CHECKING:
    from collections.abc import Mapping

TAU, LEVELS, DATA = 20.0, {"low": (1, -math.inf)}, np.array([1.5, 2.5])
unused = object()


def doubled(function):
    @functools.wraps(function)
    def twice(*given):
        return {name: 2 * each for name, each in function(*given).items()}

    return twice


@dataclasses.dataclass
class Cell:
    tau: float = TAU

    def gain(self) -> float:
        return 1 / (1 + self.tau / TAU)


@functools.lru_cache
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


if True:

    @doubled
    def inner(parameters):
        """Has two lines:

            indented."""
        unused = [exp(x) for x in DATA]
        gain = Cell(parameters["tau"]).gain()
        lines = len("""
            deep""")
        return {"rate": sum(unused) * gain + LEVELS["low"][0] + factorial(3), "file": len(__file__), "lines": lines}


def simulate(parameters: Mapping[str, float], directory: Path):
    if parameters["tau"] > 1000:
        raise Burst(xml.etree.ElementTree.__name__)
    return inner(parameters)
'''


def refused(function: Callable[..., object]) -> str:
    with pytest.raises(UsageError) as caught:
        located(function, None)
    return str(caught.value)


def test_a_function_with_all_that_it_uses(tmp_path: Path) -> None:
    own = script(tmp_path, RICH)
    text = module_of(own["simulate"])
    (tmp_path / "alone.py").write_text(text)
    alone = runpy.run_path(str(tmp_path / "alone.py"))
    assert alone["simulate"]({"tau": 3.0}, tmp_path) == own["simulate"]({"tau": 3.0}, tmp_path)
    assert "unused = object" not in text
    assert {"import xml.etree", "import xml.etree.ElementTree", "from numpy import exp"} <= set(text.splitlines())
    # functions in another Python have it from there alone
    assert "from orchestrator import Exploded as Burst" in text.splitlines()
    assert text.index("class Cell") < text.index("def inner")
    assert module_of(own["simulate"]) == text


def test_where_it_is_written_and_how_it_is_named(tmp_path: Path) -> None:
    found = located(
        script(tmp_path, "def simulate(parameters, directory):\n    return {'rate': 1}\n")["simulate"], None
    )
    changed = located(
        script(tmp_path, "def simulate(parameters, directory):\n    return {'rate': 2}\n")["simulate"], None
    )
    assert found.model_dir == changed.model_dir == tmp_path
    assert re.fullmatch(r"optimised_functions\.simulate_[0-9a-f]{8}:simulate", found.reference)
    assert found.reference != changed.reference
    assert [found.write(), found.write()] == [True, False]
    assert found.file.read_text() == found.source
    found.file.write_text("# edited")
    with pytest.raises(UsageError, match="somebody has edited it"):
        found.write()
    assert found.file.parent.parent == tmp_path
    (tmp_path / "20261120-104608_Optimization").mkdir()
    config = tmp_path / "20261120-104608_Optimization/config.yaml"
    config.write_text(f"simulation: {{function: '{found.reference}'}}")
    found.remove_if_unused()
    assert found.file.is_file()
    config.unlink()
    found.remove_if_unused()
    assert not found.file.parent.exists()


def test_a_function_of_a_module_is_imported_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "models_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("def simulate(parameters, directory): ...\n")
    (package / "cells.py").write_text("def simulate(parameters, directory): ...\nmade = simulate\n")
    monkeypatch.syspath_prepend(tmp_path)
    from models_of_a_test import cells, simulate  # noqa: PLC0415

    assert located(cells.simulate, None) == LocatedFunction("models_of_a_test.cells:simulate", tmp_path)
    assert located(simulate, None) == LocatedFunction("models_of_a_test:simulate", tmp_path)
    assert located(simulate, package) == LocatedFunction("models_of_a_test:simulate", package)
    monkeypatch.setattr(cells, "simulate", simulate)
    assert "has another simulate" in refused(cells.made)


def test_what_c_functions_do_not_say_of_their_module_is_not_taken_from_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = script(tmp_path, "from scipy.special import erf\ndef f(p, d):\n    return {'rate': erf(p['x'])}\n")
    monkeypatch.setattr(sys.modules["__main__"], "erf", own["erf"], raising=False)
    assert "from scipy.special import erf" in module_of(own["f"]).splitlines()


REFUSED = {
    "a closure": ("def make(k):\n    def f(p, d): return k\n    return f\nf = make(2)", r"uses k of the function"),
    "nested": ("def make():\n    def f(p, d): ...\n    return f\nf = make()", r"make.<locals>.f: expected a function"),
    "a lambda": ("f = lambda p, d: {}", r"<lambda>: expected a function with a name"),
    "a method": ("class A:\n    def f(self, p, d): ...\nf = A().f", r"expected a function .* got method"),
    "a partial": ("import functools\nf = functools.partial(print, 1)", r"got partial"),
    "one argument": ("def f(parameters): ...", r"expected f\(parameters, directory\).*got f\(parameters\)"),
    "an object": ("import threading\nLOCK = threading.Lock()\ndef f(p, d): LOCK", r"uses LOCK, a lock of the script"),
    "deep": ("x = [object()]\ndef g(): x\ndef f(p, d): g()", r"f\(\): uses x, a list of the script"),
    "defined anew": ("def f(p, d): ...\ng = f\ndef f(p, d): 1", r"the name f means something else"),
    "a class": ("class A:\n    x = 1\ndel __file__\ndef f(p, d): A", r"the source of A is not there"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_jobs_could_not_find_again_is_refused(case: str, tmp_path: Path) -> None:
    text, wanted = REFUSED[case]
    own = script(tmp_path, text)
    assert re.search(wanted, refused(own["g" if case == "defined anew" else "f"]))


def test_a_script_that_was_edited_since_it_began_is_refused(tmp_path: Path) -> None:
    text = "import math\ndef f(p, d):\n    return {'rate': math.log(40)}\n"
    own = script(tmp_path, text)
    assert "math.log(40)" in module_of(own["f"])
    (tmp_path / "fit.py").write_text(text.replace("40", "41"))
    linecache.clearcache()
    assert "has been edited since it was executed" in refused(own["f"])


CLASS = """
from dataclasses import dataclass
@dataclass(slots=True)
class A:
    x: int = 1
    y: type = int
    @property
    def a(self): ...
    @a.setter
    def a(self, x): 1
    @classmethod
    def b(cls): ...
    def __new__(cls, *a): return object.__new__(cls)
def f(p, d): A
"""
ONE_OF_TWO = """
if True:
    class A:
        x = 1
        def a(self): 1
else:
    class A:
        x = 3
        def a(self): 3
def f(p, d): A
"""
# what is defined, what happens to it, and what is said of it, or nothing
OTHER = {
    "a default": (
        "G = 1\ndef f(p, d, g=G): ...",
        "G = 2",
        "default g of f() is not what G is now: execute it again",
    ),
    "keyword": ("G = 1\ndef f(p, d, *, a=1, g=2 * G): ...", "G = 2", "the default g of f() is not what 2 * G is now"),
    "of another": ("G = 1\ndef g(x=G): ...\ndef f(p, d): g()", "G = 2", "f(): the default x of g() is not what G is"),
    "an array": ("import numpy as np\nG = np.ones(2)\ndef f(p, d, x=G): ...", "G = np.ones(3)", "what G is now"),
    "a function": ("def g(): 1\ndef f(p, d, x=g): ...", "def g(): 2", "the default x of f() is not what g is now"),
    "gone": ("G = 1\ndef f(p, d, gain=G): ...", "del G", "the default gain of f() is not what G is now"),
    "remembered": ("def f(p, d, seen={}): ...", "f.__defaults__[0][1] = 2", ""),
    "called": ("class A:\n    def a(self): ...\ndef f(p, d, a=A(), k=lambda: 1): ...", "", ""),
    "an attribute": ("class A:\n    gain = 1\ndef f(p, d): A", "A.gain = 5", "gain of the class A is not what its def"),
    "of a constant": ("G = 1\nclass A:\n    gain: int = G\ndef f(p, d): A", "G = 2", "its definition says, G: execute"),
    "as it was": ("class A:\n    a = 1\n    b = a + 1\n    a = 2\n    c = []\ndef f(p, d): A", "A.c += [1]", ""),
    "of a method": ("G = 1\nclass A:\n    def a(self, x=G): ...\ndef f(p, d): A", "G = 2", "the default x of a() is"),
    "a method": ("class A:\n    def a(self): ...\ndef f(p, d): A", "A.a = lambda self: 1", "the source of A"),
    "a number": ("class A:\n    def a(self): ...\ndef f(p, d): A", "A.a = 1", "the source of A"),
    "an enum": ("import enum\nclass A(enum.Enum):\n    X = 1\n    def a(self): ...\ndef f(p, d): A", "", ""),
    "a class": (CLASS, "", ""),
    "one of two": (ONE_OF_TWO, "", ""),
    "or a function": ("if True:\n    class A: ...\nelse:\n    def A(x=3): 'x = 3'\ndef f(p, d): A", "", ""),
}


@pytest.mark.parametrize("case", OTHER)
def test_what_would_be_written_is_what_was_given(case: str, tmp_path: Path) -> None:
    text, then, words = OTHER[case]
    own = script(tmp_path, f"{text}\n{then}\n")
    if words:
        assert words in refused(own["f"])
    else:
        assert "x = 3" not in module_of(own["f"])


def test_a_class_of_a_script_that_was_edited_since_it_began_is_refused(tmp_path: Path) -> None:
    text = "class A:\n    x = 40\n    def a(self):\n        return {}\ndef f(p, d):\n    return A().a()\n"
    own = script(tmp_path, text.format(1))
    assert "return 1" in module_of(own["f"])
    for edited, words in (
        (text.format(2), "has been edited"),
        (text.replace("40", "41").format(1), "x of the class A"),
    ):
        (tmp_path / "fit.py").write_text(edited)
        linecache.clearcache()
        assert words in refused(own["f"])


def test_what_was_typed_at_a_prompt_has_no_source(tmp_path: Path) -> None:
    own: dict[str, Any] = {"__name__": "__main__"}
    code.InteractiveInterpreter(own).runsource("def f(p, d): ...\n", "<stdin>", "exec")
    assert "belongs in a file" in refused(own["f"])


CONSTANTS = [
    True, 3, -2.5, 0.1 + 0.2, float("inf"), "it's\n", b"\x00", None, (1,), (), [1, [2.5]], {"a": {1: (2, None)}},
    {3, 1}, set(), Path("data/x.csv"), np.float32(0.1), np.arange(3), np.array([[1.5, np.nan]], "f4"), np.bool_(True),
    np.empty((0, 3)), np.empty((2, 0), "i4"), np.empty(0),
]  # fmt: skip


@pytest.mark.parametrize("value", CONSTANTS, ids=repr)
def test_constants_come_back_as_they_are(value: object) -> None:
    found = written(value)
    assert found is not None
    assert found.imports <= {"import numpy as _numpy", "import pathlib as _pathlib"}
    back = eval(found.text, {"_numpy": np, "_pathlib": pathlib})
    assert type(back) is type(value)
    assert getattr(back, "dtype", None) == getattr(value, "dtype", None)
    np.testing.assert_equal(back, value)


HOLDS_ITSELF: list[object] = [1]
HOLDS_ITSELF += [HOLDS_ITSELF, (HOLDS_ITSELF,)]
NO_CONSTANTS = [
    object(), [object()], {1: object()}, type("Own", (int,), {})(3), "x" * 200_000, HOLDS_ITSELF,
    np.longdouble(1), np.array([1, 2], np.longdouble),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_CONSTANTS, ids=lambda value: type(value).__name__)
def test_what_is_no_constant_is_not_written(value: object) -> None:
    assert written(value) is None
