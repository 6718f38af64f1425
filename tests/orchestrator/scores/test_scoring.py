"""``orchestrator score``: datastores, and a run's stored values under other targets."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from orchestrator_project import CONFIG
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "targets"))

from stores import SPONTANEOUS, Store, plain_store

from orchestrator.checkpoint import Checkpoint
from orchestrator.cli import app
from orchestrator.config.file import load_targets
from orchestrator.errors import ConfigError, UsageError
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.scores.datastores import find_datastores
from orchestrator.scores.rescoring import rescore
from targets import Datastore, create_targets

pytestmark = pytest.mark.commands

RATE = {"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 5], "norm": 2}
SYNCHRONY = {"class": "SynchronyTarget", "sheet_name": "Inh", "target_value": 0.01, "norm": 0.01, "name": "sync"}
ORIENTED = {"class": "OrientationTuningPreferenceTarget", "sheet_name": "Exc", "target_value": 2, "norm": 1}
KEYS = ["name", "class", "sheet_name", "value", "unit", "score", "reason"]


def config(directory: Path, *targets: dict[str, Any], name: str = "config.yaml") -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(yaml.safe_dump({**CONFIG, "targets": list(targets)}, sort_keys=False))
    return path


def score(*arguments: object, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["score", *map(str, arguments)])
    if isinstance(result.exception, UsageError):
        assert code == result.exception.exit_code
        return result.stdout, str(result.exception)
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return plain_store(tmp_path / "results" / "one")


def test_json_for_machines(tmp_path: Path, store: Path) -> None:
    specs = [RATE, SYNCHRONY, ORIENTED]
    out, _ = score(store, "--config", config(tmp_path, *specs), "--json")
    (found,) = json.loads(out)
    assert list(found) == ["datastore", "targets"]
    assert found["datastore"] == str(store)
    assert [list(each) for each in found["targets"]] == [KEYS] * 3
    assert [each["name"] for each in found["targets"]] == [
        "SpontActivityTarget(Exc)", "sync", "OrientationTuningPreferenceTarget(Exc)",
    ]  # fmt: skip
    rate, synchrony, oriented = found["targets"]
    (expected,) = create_targets([RATE])
    assert rate["value"] == expected.measured(Datastore(store))
    assert rate["score"] == (rate["value"] - 5) / 2
    assert (rate["class"], rate["sheet_name"], rate["unit"]) == ("SpontActivityTarget", "Exc", "Hz")
    assert math.isfinite(synchrony["value"])
    assert synchrony["reason"] is None
    assert oriented["value"] is None
    assert oriented["score"] == 20
    assert oriented["reason"].startswith("no recording of FullfieldDriftingSinusoidalGrating")


def test_table_for_people(tmp_path: Path, store: Path) -> None:
    other = plain_store(tmp_path / "results" / "two", seed=1)
    out, _ = score(store, other, "--config", config(tmp_path, RATE, ORIENTED))
    assert out.count("SpontActivityTarget(Exc)") == 2
    for text in (f"datastore {store}", "Hz", "1 to 5", "at least 2", "no recording of", "total score"):
        assert text in out
    (rate,) = create_targets([RATE])
    totals = [rate.score(rate.measured(Datastore(path))) + 20 for path in (store, other)]
    for total in totals:
        assert out.count(f"{total:.4g}") >= 2


def test_set_overrides_the_configuration(tmp_path: Path, store: Path) -> None:
    path = config(tmp_path, RATE)
    scores = [
        json.loads(score(store, "--config", path, "--json", "--set", f"targets.0.norm={norm}")[0])[0]["targets"][0]
        for norm in (2, 4)
    ]
    assert scores[0]["score"] == 2 * scores[1]["score"] > 0


def test_one_broken_datastore_does_not_cost_the_others(tmp_path: Path, store: Path) -> None:
    torn = shutil.copytree(store, tmp_path / "results" / "torn")
    recordings = torn / "datastore.recordings.pickle"
    recordings.write_bytes(recordings.read_bytes()[:500])
    foreign = tmp_path / "results" / "foreign"
    foreign.mkdir()
    missing = tmp_path / "results" / "missing"
    out, err = score(torn, foreign, missing, store, "--config", config(tmp_path, RATE), "--json", code=1)
    found = json.loads(out)
    assert [each["targets"][0]["value"] is None for each in found] == [True, True, True, False]
    assert [each["targets"][0]["score"] for each in found[:3]] == [20, 20, 20]
    assert f"{recordings} is truncated" in found[0]["targets"][0]["reason"]
    for text in (f"{recordings} is truncated", f"no such file: {foreign}", f"no such directory: {missing}"):
        assert err.count(text) == 1
    out, err = score(torn, store, "--config", config(tmp_path, RATE), code=1)
    assert "not readable" in out
    assert out.count("SpontActivityTarget(Exc)") == 1


def test_one_broken_segment_costs_its_own_targets_only(tmp_path: Path, store: Path) -> None:
    (store / "Segment1.pickle").write_bytes(b"nonsense")
    out, err = score(store, "--config", config(tmp_path, RATE, SYNCHRONY), "--json")
    rate, synchrony = json.loads(out)[0]["targets"]
    assert rate["value"] is not None
    assert synchrony["value"] is None
    assert "Segment1.pickle" in synchrony["reason"]
    assert not err


def test_the_directory_around_a_datastore(tmp_path: Path, store: Path) -> None:
    _, err = score(store.parent, "--config", config(tmp_path, RATE), code=1)
    assert f"did you mean {store}?" in err


def test_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b", "a", "[c]", "Model_x:1.0_____"):
        (tmp_path / name).mkdir()
    (tmp_path / "log").write_text("no directory")
    monkeypatch.chdir(tmp_path)
    assert find_datastores(["[ab]"]) == [Path("a"), Path("b")]
    assert find_datastores(["b", "*", "./a"]) == [Path("b"), Path("Model_x:1.0_____"), Path("[c]"), Path("a")]
    assert find_datastores(["[c]"]) == [Path("[c]")]
    assert find_datastores([f"{tmp_path}/*_____"]) == [tmp_path / "Model_x:1.0_____"]
    assert find_datastores(["none*", "nothing"]) == [Path("none*"), Path("nothing")]
    _, err = score("none*", "--config", config(tmp_path, RATE), code=1)
    assert "no such directory: none*" in err


def test_patterns_in_directories_whose_names_have_brackets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("[2026] runs/a1", "[2026] runs/a2", "[2026] runs/b1", "2 runs/a3", "x/[y]/a4", "z/y/a5"):
        (tmp_path / name).mkdir(parents=True)
    found = ["[2026] runs/a1", "[2026] runs/a2"]
    assert find_datastores([f"{tmp_path}/[2026] runs/a*"]) == [tmp_path / name for name in found]
    monkeypatch.chdir(tmp_path)
    assert find_datastores(["[2026] runs/a*"]) == [Path(name) for name in found]
    assert find_datastores(["[2] runs/a[0-9]"]) == [Path("2 runs/a3")]
    assert find_datastores(["*/[y]/a*"]) == [Path("x/[y]/a4"), Path("z/y/a5")]
    assert find_datastores(["**/a4", "**/b1"]) == [Path("x/[y]/a4"), Path("[2026] runs/b1")]
    monkeypatch.chdir("[2026] runs")
    assert find_datastores(["*1"]) == [Path("a1"), Path("b1")]


def test_a_file_with_nothing_but_targets_is_enough(tmp_path: Path, store: Path) -> None:
    """A file of the predecessor is scored as it is; what else a configuration lacks, or has wrong, is not looked at."""
    predecessors = tmp_path / "config_optimisation"
    predecessors.write_text(json.dumps({"parameters": {"a": [0, 1]}, "optimiser_centroid": {}, "targets": [RATE]}))
    alone = tmp_path / "targets.yaml"
    alone.write_text(yaml.safe_dump({"targets": [RATE], "timeot": 1}))
    expected = json.loads(score(store, "--config", config(tmp_path, RATE), "--json")[0])
    for file in (predecessors, alone):
        assert json.loads(score(store, "--config", file, "--json")[0]) == expected
    alone.write_text("parameters: {a: [0, 1]}\n")
    assert "targets: expected a list of targets, {class, target_value, norm} and more, got None" in " ".join(
        score(store, "--config", alone, code=2)[1].split()
    )


def test_targets_of_ones_own_without_a_model(tmp_path: Path, store: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from targets import AtMostTarget\n"
        "class Sheets(AtMostTarget):\n"
        "    unit = 'sheets'\n"
        "    def outputs(self, recordings): return len(recordings.sheets)\n"
    )
    own = {"class": "mine.py:Sheets", "target_value": 1, "norm": 4}
    out, _ = score(store, "--config", config(tmp_path, own), "--json")
    (target,) = json.loads(out)[0]["targets"]
    assert (target["class"], target["sheet_name"], target["value"]) == ("mine.py:Sheets", None, 2.0)
    assert (target["unit"], target["score"]) == ("sheets", 0.25)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return -1", "its score of the value 2.0 is -1.0; expected a finite number, not negative"),
        ("return float('inf')", "its score of the value 2.0 is inf; expected a finite number, not negative"),
        ("return value['x']", "its score of the value 2.0 fails: TypeError: 'float' object is not subscriptable"),
    ],
)
def test_a_score_that_is_negative_or_no_number_is_refused(body: str, said: str, tmp_path: Path, store: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from targets import PointTarget\n"
        "class Mine(PointTarget):\n"
        "    def outputs(self, recordings): return 2.0\n"
        f"    def score(self, value): {body}\n"
    )
    own = {"class": "mine.py:Mine", "target_value": 1, "norm": 4}
    _, err = score(store, "--config", config(tmp_path, own), code=2)
    assert f"target Mine: {said}" in " ".join(err.split())


def test_wrong_usage(tmp_path: Path, store: Path) -> None:
    good = config(tmp_path, RATE)
    assert "give either datastores, or --rescore" in score("--config", good, code=2)[1]
    assert "give either datastores, or --rescore" in score(store, "--rescore", tmp_path, "--config", good, code=2)[1]
    assert "Missing option '--config'" in score(store, code=2)[1]
    bad = config(tmp_path, RATE | {"nrom": 1}, name="bad.yaml")
    assert "did you mean 'norm'?" in score(store, "--config", bad, code=2)[1]
    assert "cannot be read" in score(store, "--config", tmp_path / "none.yaml", code=2)[1]
    assert "there is no such checkpoint" in score("--rescore", tmp_path / "none.h5", "--config", good, code=2)[1]


VALUES = [(3.0, 0.02), (9.0, 0.01), (math.nan, 0.5), (math.nan, math.nan)]


def run_of(directory: Path, *specs: dict[str, Any], values: Any = VALUES) -> Path:
    """A run with one generation, whose last offspring exploded."""
    frozen = config(directory, *specs, name="frozen.yaml")
    targets = create_targets(specs, directory=directory)
    checkpoint = Checkpoint.create(
        directory / "checkpoint.h5",
        config=frozen.read_text(),
        parameters=["x", "y"],
        targets=[target.label for target in targets],
        versions={},
    )
    evaluations = []
    for index, row in enumerate(values):
        exploded = all(map(math.isnan, row))
        result = Result(
            Outcome.EXPLODED if exploded else Outcome.OK,
            message="sheet Exc fired at 200 Hz" if exploded else "",
            reasons={t.label: "silent" for t, v in zip(targets, row, strict=True) if math.isnan(v) and not exploded},
        )
        scores = tuple(t.score(v) for t, v in zip(targets, row, strict=True))
        offspring = Offspring(0, index, (0.1, 0.2), {"x": index / 10, "y": 0.2})
        evaluations.append(Evaluation(offspring, result, row, scores, 1, 0.0))
    checkpoint.append(evaluations, {"mean": np.zeros(2), "sigma": 0.2, "covariance": np.eye(2)})
    return directory


def test_rescoring_with_other_target_values_norms_and_caps(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", RATE, SYNCHRONY)
    new = config(
        tmp_path, RATE | {"target_value": [8, 9], "norm": 10}, SYNCHRONY | {"target_value": 0.02, "max_score": 7}
    )
    evaluations = rescore(Checkpoint(run), load_targets(new))
    expected = [(0.5, 0.0), (0.0, 1.0), (20, 7), (20, 7)]
    for evaluation, scores in zip(evaluations, expected, strict=True):
        assert [each.score for each in evaluation.scores] == pytest.approx(scores)
        assert evaluation.total_score == pytest.approx(sum(scores))
    assert [each.old_scores for each in evaluations[:2]] == [(0.0, 1.0), (2.0, 0.0)]
    assert [each.old_total for each in evaluations] == [1, 2, 40, 40]
    assert evaluations[2].scores[0].reason == "silent"
    assert evaluations[3].scores[1].reason == "EXPLODED: sheet Exc fired at 200 Hz"


def test_rescoring_prints_the_best(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", RATE, SYNCHRONY)
    new = config(tmp_path, SYNCHRONY | {"target_value": 0.5})  # fewer targets
    out, _ = score("--rescore", run, "--config", new, "--json")
    found = json.loads(out)
    assert [each["offspring"] for each in found] == [2, 0, 1, 3]
    assert [list(each) for each in found[0]["targets"]] == [KEYS]
    assert found[0] | {"targets": None} == {
        "generation": 0, "offspring": 2, "outcome": "OK", "total_score": 0.0, "old_total_score": 40.0,
        "parameters": {"x": 0.2, "y": 0.2}, "targets": None,
    }  # fmt: skip
    out, _ = score("--rescore", run / "checkpoint.h5", "--config", new, "--json", "--top", 1)
    assert json.loads(out) == found[:1]
    out, _ = score("--rescore", run, "--config", new, "--top", 1)
    rows = [line.split() for line in out.splitlines()]
    assert ["0", "2", "OK", "40", "3", "0", "1"] in rows
    assert ["0", "0", "OK", "1", "1", "20", "2"] in rows
    assert "Best now: generation 0 offspring 2" in out


def test_kinds_may_change_where_the_value_is_the_same(tmp_path: Path) -> None:
    returned = {"class": "ReturnedValue", "key": "rate", "target_value": 5, "norm": 1}
    run = run_of(tmp_path / "run", returned, values=[(3.0,), (9.0,)])
    new = config(tmp_path, returned | {"class": "ReturnedValueAtLeast", "name": "ReturnedValue(rate)"})
    evaluations = rescore(Checkpoint(run), load_targets(new))
    assert [each.total_score for each in evaluations] == [2, 0]
    other = config(tmp_path, returned | {"key": "cv", "name": "ReturnedValue(rate)"})
    with pytest.raises(ConfigError, match="key: rate in the run, cv now"):
        rescore(Checkpoint(run), load_targets(other))


def test_values_that_were_measured_otherwise_are_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", RATE, SYNCHRONY)
    new = config(tmp_path, RATE, SYNCHRONY | {"bin": 5.0, "window": 2, "norm": 3}, RATE | {"sheet_name": "Inh"})
    with pytest.raises(ConfigError) as caught:
        rescore(Checkpoint(run), load_targets(new))
    assert [problem.key for problem in caught.value.problems] == ["targets[1]", "targets[1]", "targets[2]"]
    window, bin_, label = (problem.message for problem in caught.value.problems)
    assert window.startswith("window: 3.0 in the run, 2.0 now: the values of 'sync'")
    assert bin_.startswith("bin: 10.0 in the run, 5.0 now")
    assert "has no values of 'SpontActivityTarget(Inh)'; did you mean 'SpontActivityTarget(Exc)'?" in label
    assert f"{new}:" in str(caught.value)
    _, err = score("--rescore", run, "--config", new, code=2)
    assert err == str(caught.value)
    stated = config(tmp_path, SYNCHRONY | {"bin": 10})  # a default, stated
    assert len(rescore(Checkpoint(run), load_targets(stated))) == 4
    other = config(
        tmp_path, {"class": "IrregularityTarget", "name": "sync", **{k: SYNCHRONY[k] for k in list(SYNCHRONY)[1:4]}}
    )
    with pytest.raises(ConfigError, match="class: SynchronyTarget in the run, IrregularityTarget now"):
        rescore(Checkpoint(run), load_targets(other))


def test_options_of_the_contrast_are_compared_by_what_they_are(tmp_path: Path) -> None:
    high = {"class": "OrientationTuningOrthoHighTarget", "sheet_name": "Exc", "target_value": 1, "norm": 1, "name": "o"}
    run = run_of(tmp_path / "run", high, values=[(0.5,)])
    low = high | {"class": "OrientationTuningOrthoLowTarget"}
    new = config(tmp_path, low)
    with pytest.raises(ConfigError, match=r"contrast: 100\.0 in the run, 10\.0 now"):
        rescore(Checkpoint(run), load_targets(new))
    same = config(tmp_path, low | {"contrast": 100})
    assert rescore(Checkpoint(run), load_targets(same))[0].total_score == 0.5


def test_rescoring_a_run_whose_model_has_moved(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    own = {"class": "mine.py:Mine", "target_value": 1, "norm": 1, "threshold": 0.5}
    for directory in (before, after):
        directory.mkdir()
        (directory / "mine.py").write_text(
            "from targets import PointTarget\n"
            "class Mine(PointTarget):\n"
            "    threshold: float = 0.1\n"
            "    def outputs(self, recordings): return 1.0\n"
        )
    run = run_of(before, own, values=[(3.0,)])
    moved = shutil.move(str(run / "checkpoint.h5"), tmp_path / "checkpoint.h5")
    shutil.rmtree(before)
    new = config(after, own | {"target_value": 2})
    assert rescore(Checkpoint(moved), load_targets(new), import_targets=True)[0].total_score == 1
    changed = config(after, {key: value for key, value in own.items() if key != "threshold"})
    with pytest.raises(ConfigError, match=r"threshold: 0\.5 in the run, 0\.1 now"):
        rescore(Checkpoint(moved), load_targets(changed), import_targets=True)


OWN = (
    "from pathlib import Path\nfrom targets import PointTarget\nPath(__file__).with_name('EXECUTED').touch()\n"
    "class Mine(PointTarget):\n    unit = 'mV'\n    def outputs(self, recordings): return 1.0\n"
)


def test_rescoring_shows_the_stored_scores_of_own_targets_and_imports_them_only_if_told_to(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for directory in (tmp_path, tmp_path / "run"):
        (directory / "mine.py").write_text(OWN)
    own = {"class": "mine.py:Mine", "target_value": 1, "norm": 1}
    returned = {"class": "ReturnedValue", "key": "rate", "target_value": 5, "norm": 1}
    run = run_of(tmp_path / "run", own, returned, values=[(3.0, 5.0), (4.0, 9.0)])
    mark = tmp_path / "EXECUTED", run / "EXECUTED"
    mark[1].unlink()
    new = config(tmp_path, own | {"target_value": 2}, returned | {"target_value": 9})
    out, err = score("--rescore", run, "--config", new, "--json")
    found = {each["offspring"]: each for each in json.loads(out)}
    assert [found[n]["total_score"] for n in (0, 1)] == [2 + 4, 3 + 0]
    mine, other = found[0]["targets"]
    assert (mine["name"], mine["score"], mine["rescored"], other["score"]) == ("Mine", 2.0, False, 4.0)
    assert "mine.py:Mine. --import-targets scores them again" in err
    out, _ = score("--rescore", run, "--config", new)
    assert "3 (stored)" in out
    assert not any(file.exists() for file in mark)
    out, err = score("--rescore", run, "--config", new, "--json", "--import-targets")
    assert {each["offspring"]: each["total_score"] for each in json.loads(out)} == {0: 1 + 4, 1: 2 + 0}
    assert err == ""
    assert mark[0].exists()


def test_rescoring_compares_own_targets_by_their_options_where_they_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.py").write_text(OWN)
    own = {"class": "mine.py:Mine", "target_value": 1, "norm": 1, "sheet_name": "Exc"}
    run = run_of(tmp_path / "run", own, values=[(3.0,)])
    _, err = score("--rescore", run, "--config", config(tmp_path, own | {"sheet_name": "Inh"}), code=2)
    assert "targets[0]: expected a target of the run with the same options" in err
    _, err = score("--rescore", run, "--config", config(tmp_path, RATE | {"name": "Mine(Exc)"}), code=2)
    assert "class: mine.py:Mine in the run, SpontActivityTarget now" in err


def test_a_run_without_evaluations(tmp_path: Path) -> None:
    checkpoint = Checkpoint.create(
        tmp_path / "checkpoint.h5", config="targets: []", parameters=["x"], targets=["t"], versions={}
    )
    new = config(tmp_path, RATE)
    with pytest.raises(UsageError, match="no generation is complete yet"):
        rescore(checkpoint, load_targets(new))


def test_several_sheets_and_repeated_targets(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("Exc", range(1, 3))
    store.segment("Exc", SPONTANEOUS, {1: np.arange(1.0, 900, 100), 2: np.arange(1.0, 900, 300)})
    out, _ = score(store.write(), "--config", config(tmp_path, RATE, RATE | {"norm": 4}), "--json")
    first, second = json.loads(out)[0]["targets"]
    assert (first["name"], second["name"]) == ("SpontActivityTarget(Exc)", "SpontActivityTarget(Exc) #2")
    assert (first["value"], first["score"], second["score"]) == (6.0, 0.5, 0.25)
