"""The registry of plug-ins: names, entry points, modules and files, and what is said if there is no such plug-in."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from targets.plugins import PluginError, Registry, import_from, importable, nearest, said

PACKAGE = "toys_of_the_program"
GROUP = "test.toys"


class Toy:
    """What the plug-ins of these tests are."""


def adopt(found: Any, name: str) -> type[Toy]:
    if not (isinstance(found, type) and issubclass(found, Toy)):
        raise PluginError(f"{name!r} must be a subclass of Toy: it is {found!r}")
    return found


def new_registry() -> Registry[type[Toy]]:
    return Registry("toy", package=PACKAGE, group=GROUP, adopt=adopt)


registry = new_registry()


def toy(name: str) -> Callable[[type[Toy]], type[Toy]]:
    """The decorator of this plug-in point, for the modules of the tests."""

    def register(cls: type[Toy]) -> type[Toy]:
        registry.add(name, cls, cls)
        return cls

    return register


HEADER = f"from {__name__} import Toy, toy\n"


@pytest.fixture(autouse=True)
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A registry whose package has the plug-ins `ball` and, in a module of another name, `kite` and `doll`."""
    package = tmp_path / "program" / PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("raise SystemExit('it ran')\n")
    (package / "ball.py").write_text(f"{HEADER}@toy('ball')\nclass Ball(Toy): pass\n")
    others = "".join(f"@toy('{name}')\nclass {name.title()}(Toy): pass\n" for name in ("kite", "doll"))
    (package / "others.py").write_text(f"{HEADER}{others}")
    monkeypatch.syspath_prepend(tmp_path / "program")
    before = set(sys.modules)
    monkeypatch.setattr(sys.modules[__name__], "registry", new_registry())
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, points: str, code: str) -> None:
    """Install a distribution of one module, with lines of entry points."""
    site = tmp_path / f"site_{name}"
    information = site / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
    (site / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(site)


def test_a_name_imports_the_module_that_is_called_like_it_and_no_other() -> None:
    assert registry.find("ball").__name__ == "Ball"
    assert f"{PACKAGE}.ball" in sys.modules
    assert f"{PACKAGE}.others" not in sys.modules


def test_a_name_in_a_module_of_another_name_is_found_after_all_are_imported() -> None:
    assert registry.find("kite").__name__ == "Kite"


def test_all_are_known_sorted_by_name() -> None:
    assert list(registry.known()) == ["ball", "doll", "kite"]


@pytest.mark.parametrize("name", ["__main__", "__init__", "", "no such thing", "Ball"])
def test_a_name_that_nothing_has_is_said_with_those_that_there_are(name: str) -> None:
    with pytest.raises(PluginError) as caught:
        registry.find(name)
    text = str(caught.value)
    assert text.startswith(f"unknown toy {name!r}")
    assert "; known: ball, doll, kite; one of your own is named module:name or file.py:name" in text


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(PluginError, match=r"unknown toy 'bal'; did you mean 'ball'\?; known: ball"):
        registry.find("bal")
    assert nearest("x", ["ball"]) == ""
    assert nearest("norn", iter(["form", "norm"])) == "; did you mean 'norm'?"


def test_a_second_plugin_of_one_name_is_refused() -> None:
    registry.find("ball")
    with pytest.raises(PluginError) as caught:
        toy("ball")(type("Mine", (Toy,), {"__module__": "mine"}))
    place = f"{PACKAGE}.ball:Ball"
    assert str(caught.value) == f"the toy name 'ball' of mine:Mine is taken by {place}; choose another"
    assert registry.find("ball").__name__ == "Ball"


def test_a_module_that_is_loaded_again_replaces_its_plugin() -> None:
    first = registry.find("ball")
    importlib.reload(sys.modules[first.__module__])
    second = registry.find("ball")
    assert second is not first
    assert second.__name__ == "Ball"


@pytest.mark.parametrize("decorated", [True, False])
def test_an_entry_point_of_a_distribution_is_found(
    decorated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decorator = "@toy('top')\n" if decorated else ""
    install(tmp_path, monkeypatch, "spinning", "top = spinning:Top", f"{HEADER}{decorator}class Top(Toy): pass\n")
    assert registry.find("top").__module__ == "spinning"
    assert list(registry.known()) == ["ball", "doll", "kite", "top"]
    assert registry.find("top") is registry.known()["top"]


def test_an_entry_point_is_known_before_anybody_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "spinning", "top = spinning:Top", f"{HEADER}class Top(Toy): pass\n")
    assert registry.known()["top"].__name__ == "Top"


def test_a_plugin_of_the_program_comes_before_an_installed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "rubber", "ball = rubber:Other", f"{HEADER}class Other(Toy): pass\n")
    assert registry.find("ball").__name__ == "Ball"
    assert registry.known()["ball"].__name__ == "Ball"


def test_one_name_of_two_distributions_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second"):
        install(tmp_path, monkeypatch, name, f"top = {name}:Top", f"{HEADER}class Top(Toy): pass\n")
    with pytest.raises(PluginError, match="'top' is that of several installed: first:Top, second:Top"):
        registry.find("top")
    assert "top" not in registry.known()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_module", "failed: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "failed: SystemExit: 3"),
        ("Other = 3", "failed: AttributeError"),
        ("Top = 3", "'spinning:Top' must be a subclass of Toy: it is 3"),
    ],
)
def test_an_entry_point_that_cannot_be_used_costs_itself_only(
    code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "spinning", "top = spinning:Top", f"{code}\n")
    assert list(registry.known()) == ["ball", "doll", "kite"]
    with pytest.raises(PluginError) as caught:
        registry.find("top")
    assert message in str(caught.value)
    with pytest.raises(PluginError, match=r"unknown toy 'tob'.*; 'top' of spinning:Top cannot be used"):
        registry.find("tob")


def test_a_class_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"{HEADER}import beside\nclass Mine(Toy): number = beside.number\n")
    (tmp_path / "beside.py").write_text("number = 7\n")
    path = list(sys.path)
    assert registry.find("mine.py:Mine", tmp_path).number == 7  # type: ignore[attr-defined]
    assert registry.find(f"{tmp_path}/mine.py:Mine").number == 7  # type: ignore[attr-defined]
    assert sys.path == path


def test_a_class_of_a_module_in_the_directory_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "a_module_of_toys.py").write_text(f"{HEADER}class Mine(Toy): pass\n")
    assert registry.find("a_module_of_toys:Mine", tmp_path).__name__ == "Mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.py:Mine", "no such file: "),
        ("no_such_module_here:Mine", "importing 'no_such_module_here' for 'no_such_module_here:Mine' failed"),
        ("broken.py:Mine", "importing 'broken.py' for 'broken.py:Mine' failed: ZeroDivisionError: division by zero"),
        ("reading.py:Mine", "importing 'reading.py' for 'reading.py:Mine' failed: FileNotFoundError: "),
        ("ending.py:Mine", "failed: SystemExit: told to"),
        ("good.py:Mine", "'Mine' in 'good.py' must be a toy: there is no such name"),
        ("good.py:number", "'good.py:number' must be a subclass of Toy: it is 3"),
        (":Mine", "importing '' for ':Mine' failed: ValueError: Empty module name"),
    ],
)
def test_a_class_of_ones_own_that_cannot_be_used(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "ending.py").write_text("raise SystemExit('told to')\n")
    (tmp_path / "reading.py").write_text("open('no_such_data.csv')\n")
    (tmp_path / "good.py").write_text("number = 3\n")
    modules = set(sys.modules)
    with pytest.raises(PluginError) as caught:
        registry.find(name, tmp_path)
    assert message in str(caught.value)
    assert not [each for each in set(sys.modules) - modules if "broken" in each or "ending" in each]


def test_copies_of_a_file_do_not_take_names_from_each_other(tmp_path: Path) -> None:
    """Each run has a model directory of its own, and two of them are compared in one process."""
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "mine.py").write_text(f"{HEADER}@toy('ball')\nclass Mine(Toy): number = {number}\n")
        assert registry.find("mine.py:Mine", folder).number == number  # type: ignore[attr-defined]
    assert registry.find("ball").__name__ == "Ball"


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    for number in (1, 22):
        (tmp_path / "mine.py").write_text(f"{HEADER}class Mine(Toy): number = {number}\n")
        assert registry.find("mine.py:Mine", tmp_path).number == number  # type: ignore[attr-defined]


def test_what_a_test_registers_is_forgotten_and_what_the_program_registers_is_not() -> None:
    registry.find("ball")
    with registry.restored():
        toy("mine")(type("Mine", (Toy,), {"__module__": "mine"}))
        assert list(registry.known()) == ["ball", "doll", "kite", "mine"]
    assert list(registry.known()) == ["ball", "doll", "kite"]


def test_a_directory_that_is_importable_already_stays_so_and_in_its_place(tmp_path: Path) -> None:
    before = list(sys.path)
    with importable(tmp_path):
        assert sys.path == [*before, str(tmp_path)]
        with importable(tmp_path):
            assert sys.path == [*before, str(tmp_path)]
        assert sys.path == [*before, str(tmp_path)]
    with importable(None):
        assert sys.path == before
    with importable(tmp_path):
        sys.path.remove(str(tmp_path))
    assert sys.path == before
    first = next(Path(each) for each in before if each and Path(each).is_dir())
    with importable(first):
        assert sys.path == before
    assert sys.path == before


def test_a_module_of_the_usual_places_comes_before_one_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise ImportError\n")
    assert import_from("json", tmp_path).dumps([1]) == "[1]"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("too\n large"), "ValueError: too large"),
        (KeyError("gone"), "KeyError: 'gone'"),
        (OSError(), "OSError"),
    ],
)
def test_an_exception_in_one_line(error: Exception, text: str) -> None:
    assert said(error) == text
