"""report.html: the numbers of the checkpoint, whatever the names say, whatever state the run is in."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from report_runs import NASTY, Page, config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome
from orchestrator.report import History, figures, write_report
from orchestrator.report.embedding import script_json
from orchestrator.report.figures.comparison import look
from orchestrator.report.listings import differing_keys
from orchestrator.scores.described import description_of
from orchestrator.text import plain
from targets import AtMostTarget

pytestmark = pytest.mark.drawing


def some_failures(_generation: int, index: int) -> Outcome:
    return [Outcome.OK, Outcome.OK, Outcome.EXPLODED, Outcome.SIMULATION_ERROR][index % 4]


def page_of(run: RunPaths) -> Page:
    return Page(write_report([run], run.directory / "report.html"))


def test_numbers_on_the_page_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", generations=5, outcome=some_failures)
    page, frame = page_of(run), Checkpoint(run.checkpoint).evaluations()
    np.testing.assert_array_equal(page.array(page.data["shown"]["total"]), frame["total_score"].astype("f4"))
    for n, name in enumerate(("sheets.exc.w", "sheets.inh.w")):
        stored = page.array(page.data["shown"]["parameters"][n])
        np.testing.assert_array_equal(stored, frame[f"parameter:{name}"].astype("f4"))
    for n, label in enumerate(("Rate(exc)", "CV(exc)")):
        np.testing.assert_array_equal(page.array(page.data["shown"]["values"][n]), frame[f"value:{label}"].astype("f4"))
        np.testing.assert_array_equal(page.array(page.data["shown"]["scores"][n]), frame[f"score:{label}"].astype("f4"))
    outcomes = np.array(page.data["shown"]["outcomes"])[page.array(page.data["shown"]["outcome"])]
    assert list(outcomes) == list(frame["outcome"])
    by_generation = frame.groupby("generation")["total_score"]
    best_so_far = page.array(page.mark("score_by_generation", "best so far")["y"])
    np.testing.assert_array_equal(best_so_far, by_generation.min().cummin().astype("f4"))
    means = page.mark("score_by_generation", "mean of the generation")["y"]["of"]
    measured = frame[frame["outcome"] == "OK"].groupby("generation")["total_score"].mean()
    np.testing.assert_allclose(page.array(means[0]), measured, rtol=1e-6)
    np.testing.assert_allclose(page.array(means[1]), by_generation.mean(), rtol=1e-6)
    best = frame.loc[frame["total_score"].idxmin()]
    assert f"{best['total_score']:.4g}" in page.text
    assert f"generation {best['generation']}, offspring {best['offspring']}" in page.text


def test_the_best_parameters_can_be_copied_with_all_digits(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    page, frame = page_of(run), Checkpoint(run.checkpoint).evaluations()
    best = frame.loc[frame["total_score"].idxmin()]
    text = page.text[page.text.index("optimiser_centroid:") :].split("Failures")[0]
    names = ("sheets.exc.w", "sheets.inh.w")
    assert yaml.safe_load(text)["optimiser_centroid"] == {name: best[f"parameter:{name}"] for name in names}


def test_names_and_logs_never_become_html(tmp_path: Path) -> None:
    text = config(NASTY, NASTY) + "# </script><script>alert(5)</script>\n"
    run = make_run(tmp_path / "run", parameters=NASTY, targets=NASTY, outcome=some_failures, text=text)
    page = page_of(run)
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "report-data"}, {}]
    assert not [tag for tag, _ in page.tags if tag in ("img", "iframe", "object", "link")]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes)
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    # pictures are only what the page itself makes, to save it as PNG
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    for name in map(plain, NASTY[:3]):
        assert name in page.data["names"]["targets"]
        assert name in page.text
    assert "49" not in page.data["names"]["targets"][5]
    assert "</pre><script>alert(3)</script>" in page.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", page.html)


def test_json_ends_no_script() -> None:
    texts = ["</script>", "<!--", "\u2028\u2029", "&amp;"]
    written = script_json(texts)
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == texts


def test_a_page_needs_no_other_file(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run"))
    for _, attributes in page.tags:
        assert not {"src", "srcset", "data", "action", "background"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    outside = page.html.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//cdn|@import|url\(|fetch\(|XMLHttpRequest|import\(", outside)


NAN = math.nan
DEGENERATE = {
    "no generation": {"generations": 0},
    "one generation": {"generations": 1},
    "one evaluation": {"generations": 1, "size": 1},
    "one parameter, one target": {"parameters": ["x"], "targets": ["T"]},
    "all failed": {"outcome": lambda _g, _i: Outcome.EXPLODED},
    "lost by the cluster": {"outcome": lambda _g, _i: Outcome.NODE_FAIL},
    "a target without values": {"values": lambda _g, _i, rng: [rng.normal(), NAN]},
    "max_score everywhere": {"scores": lambda found: np.full(len(found), 20.0)},
    "perfect": {"values": lambda *_: [0.0, 0.0]},
    "equal": {"values": lambda *_: [3.0, 3.0], "size": 8},
    "enormous": {"values": lambda _g, i, _rng: [1e300 * (-1) ** i, 1e-300]},
    "not a configuration": {"text": "a: 1\n"},
    "not YAML": {"text": "a: [1\n"},
    "covariance of NaN": {"covariance": np.full((2, 2), NAN)},
    "no times": {"times": False},
    "other names": {"parameters": NASTY, "targets": NASTY},
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", DEGENERATE)
def test_any_run_has_a_report(name: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", **DEGENERATE[name])
    page = page_of(run)
    assert (Checkpoint(run.checkpoint).n_generations == 0) == ("No generation is complete yet" in page.text)
    known = {attributes.get("id") for _, attributes in page.tags}
    assert {figure["name"] for figure in page.data["figures"]} <= known
    # of compromises between targets, pairs of parameters, and all of them
    figures = 23 if name != "one parameter, one target" else 20
    assert len(page.data["figures"]) == (0 if name == "no generation" else figures)
    comparison = Page(write_report([run, run], tmp_path / "comparison.html"))
    assert len(comparison.data["figures"]) == 3


def test_a_generation_in_flight_is_told(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    generation = run.generation(3)
    generation.create()
    generation.record.write_text("{}")
    for name in ("0.1.json", "2.1.json", "2.2.json"):
        (generation.results / name).write_text("{}")
    assert "generation 3 in flight, 2 results so far" in page_of(run).text


def test_a_crash_while_writing_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "run")
    output = run.directory / "report.html"
    output.write_text("old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_report([run], output)
    assert output.read_text() == "old"
    assert sorted(path.name for path in run.directory.iterdir()) == ["checkpoint.h5", "report.html"]


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one run"):
        write_report([], tmp_path / "report.html")
    with pytest.raises(UsageError, match="there is no such checkpoint"):
        write_report([RunPaths(tmp_path)], tmp_path / "report.html")


def test_a_long_run_is_sampled_and_says_so(tmp_path: Path, few_are_drawn: int) -> None:
    names = [f"sheets.s{n}.w" for n in range(12)]
    run = make_run(tmp_path / "run", parameters=names, targets=[f"T{n}" for n in range(12)], generations=6, size=100)
    write_report([run], run.directory / "report.html")
    first = Page(run.directory / "report.html")
    frame = Checkpoint(run.checkpoint).evaluations()
    shown = first.array(first.data["shown"]["total"])
    assert len(frame) == 600
    assert len(shown) == few_are_drawn
    assert "500 of 600 evaluations are drawn" in first.text
    assert set(frame["total_score"].nsmallest(200).astype("f4")) <= set(shown)
    assert set(frame.groupby("generation")["total_score"].min().astype("f4")) <= set(shown)
    for n in range(12):
        values = first.array(first.data["shown"]["values"][n])
        assert values.min() == np.float32(frame[f"value:T{n}"].min())
        assert values.max() == np.float32(frame[f"value:T{n}"].max())
    # deterministic, and small: a number, of those of a point and of a line through 25 rows, less than 10 bytes; in the
    # pictures a point is less than 20, of which twelve small panels have 250 each, and each row of a line 16
    assert page_of(run).data["arrays"] == first.data["arrays"]
    numbers, pictures = (12 * 3 + 25) * 10, 8 * 20 + 25 * 16
    small = page_of(make_run(tmp_path / "small"))
    assert len(first.html) - len(small.html) < few_are_drawn * (numbers + pictures) + 12 * 250 * 20


def test_targets_of_a_model_that_is_gone_are_told_by_their_scores(tmp_path: Path) -> None:
    specs = [{"class": "own.py:Own", "target_value": 0.5, "norm": 0.25} for _ in range(4)]
    specs[3]["target_value"] = [0.0, 1.0]
    distances = (
        lambda x: abs(x - 0.5),
        lambda x: np.maximum(0.5 - x, 0),
        lambda x: np.maximum(x - 0.5, 0),
        lambda x: np.maximum(np.maximum(x - 1, -x), 0),
    )
    labels = ["point", "at least", "at most", "range"]
    run = make_run(
        tmp_path / "run",
        targets=labels,
        text=config(["sheets.exc.w", "sheets.inh.w"], [], targets=specs, model_dir="../gone"),
        scores=lambda found: np.array([min(float(d(x)) / 0.25, 20) for d, x in zip(distances, found, strict=True)]),
    )
    history = History.of(Checkpoint(run.checkpoint))
    assert [each.text for each in history.targets] == ["0.5", "at least 0.5", "at most 0.5", "0 to 1"]
    assert "is not imported to look at a run" in page_of(run).text


def test_own_targets_have_the_unit_that_the_checkpoint_keeps_and_are_not_imported(tmp_path: Path) -> None:
    class Own(AtMostTarget):
        unit = "mV"

        def outputs(self, recordings: object) -> float:
            return 1.0

    (tmp_path / "own.py").write_text("raise SystemError('imported')\n")
    specs = [{"class": "own.py:Own", "target_value": 1, "norm": 1}, {"class": "own.py:Gone", "norm": 1}]
    kept = [description_of(Own(target_value=1, norm=1)), {"norm": "much", "unit": 3}]
    run = make_run(
        tmp_path / "run",
        text=config(["sheets.exc.w", "sheets.inh.w"], [], targets=specs, model_dir=".."),
        described=kept,
    )
    first, second = History.of(Checkpoint(run.checkpoint)).targets
    assert (first.text, first.unit, first.norm) == ("at most 1", "mV", 1.0)
    assert (second.text, second.unit) == ("", "")


@pytest.mark.parametrize(
    "code", ["import sys\n\nsys.exit(3)\n", "from pathlib import Path\n\nPath('EXECUTED').touch()\n"]
)
def test_an_own_target_is_not_executed_by_a_report(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(code)
    specs = [{"class": "own.py:Own", "target_value": 1, "norm": 1}] * 2
    run = make_run(tmp_path / "run", text=config(["sheets.exc.w", "sheets.inh.w"], [], targets=specs, model_dir=".."))
    assert "is not imported to look at a run" in page_of(run).text
    assert not (tmp_path / "EXECUTED").exists()


def test_runs_whose_targets_differ_in_numbers_only_are_told_apart(tmp_path: Path) -> None:
    labels = [f"T{n}" for n in range(6)]
    plain = yaml.safe_load(config(["a", "b"], labels))
    other = yaml.safe_load(config(["a", "b"], labels))
    other["targets"][3]["norm"], other["targets"][2]["target_value"] = 5.0, 7.0
    other["targets"].reverse()
    plain["seeds"] = list(range(60))
    other["seeds"] = [*range(30), 77, *range(31, 60)]
    histories = []
    for name, content in (("one", plain), ("other", other)):
        targets = [target["name"] for target in content["targets"]]
        text = yaml.safe_dump(content, sort_keys=False)
        run = make_run(tmp_path / name, parameters=["a", "b"], targets=targets, text=text)
        histories.append(History.of(Checkpoint(run.checkpoint)))
    assert "The runs have different targets" in figures.compare_scores(histories).caption
    assert "Of 2 targets what is wanted" in figures.compare_targets(histories).caption
    assert "different targets" not in figures.compare_scores(histories[:1] * 2).caption
    differing = dict(differing_keys(histories))
    assert list(differing) == ["targets.T2.target_value", "targets.T3.norm", "seeds"]
    assert differing["targets.T3.norm"] == ["0.5", "5.0"]
    assert "77" in differing["seeds"][1]
    assert differing_keys(histories[:1] * 2) == []


def test_a_target_of_one_run_only_is_one_difference(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / label, targets=["Both", label]) for label in ("A", "B")]
    differing = dict(differing_keys([History.of(Checkpoint(run.checkpoint)) for run in runs]))
    assert list(differing) == ["targets.A", "targets.B"]
    assert differing["targets.A"][1] == "–"


def test_many_runs_look_different() -> None:
    assert len({look(n) for n in range(32)}) == 32


def test_runs_are_compared(tmp_path: Path) -> None:
    one = make_run(tmp_path / "20261120-104608_Optimization", generations=4)
    other = make_run(
        tmp_path / "20261120-104609_Optimization",
        parameters=["sheets.exc.w", "extra"],
        targets=["Rate(exc)", "New"],
        text=config(["sheets.exc.w", "extra"], ["Rate(exc)", "New"], max_ngen=33),
    )
    page = Page(write_report([one, other], tmp_path / "comparison.html"))
    for run in (one, other):
        frame = Checkpoint(run.checkpoint).evaluations()
        drawn = page.array(page.mark("compare_scores", run.directory.name)["y"])
        best = frame.groupby("generation")["total_score"].min().cummin()
        np.testing.assert_array_equal(drawn, best.astype("f4"))
    rows = page.figure("compare_targets")["panels"][0]["y"]["full"]
    assert rows == ["Rate(exc)", "CV(exc)", "New"]
    assert page.figure("compare_parameters")["panels"][0]["y"]["full"] == ["sheets.exc.w", "sheets.inh.w", "extra"]
    # above the columns, the timestamps tell runs apart
    for table in page.html.split("<thead>")[2:]:
        assert "20261120-104608<" in table.split("</thead>")[0]
        assert "20261120-104609<" in table.split("</thead>")[0]
    assert "max_ngen" in page.text
    assert "33" in page.text
    assert "different targets" in page.text
