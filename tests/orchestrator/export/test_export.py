"""A run for other programs: each form is read back, and compared with the checkpoint."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from best_runs import copied
from environments import beside
from exported_runs import RATE, export, exported, exported_run, of_a_choice
from run_on_disk import RunOnDisk

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return exported_run(tmp_path_factory.mktemp("written") / "model")


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "model")


def test_a_table_has_every_digit_of_the_checkpoint(run: RunPaths) -> None:
    table, _ = exported(run, "--to", "csv")
    assert table == run.directory / "evaluations.csv"
    checkpoint = Checkpoint(run.checkpoint)
    frame, details = checkpoint.evaluations(), checkpoint.details()
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[: len(frame.columns)] == list(frame)
    for name, column in {**frame, **details[["build", "check", "peak_memory"]]}.items():
        assert [same_as(row[str(name)], value) for row, value in zip(rows, column.tolist(), strict=True)] == [True] * 6
    assert [row["seed:seed"] for row in rows] == [str(2**40 + n) if n != 4 else "" for n in range(6)]
    assert all(float(row["parameter:twice"]) == 2 * float(row["parameter:w"]) for row in rows)


def same_as(text: str, value: object) -> bool:
    """Whether a cell of a table says exactly this."""
    if isinstance(value, float):
        return float(text or "nan") == value or (math.isnan(value) and not text)
    return text == str(value)


def test_beside_the_table_it_is_said_what_its_columns_are(run: RunPaths) -> None:
    table, dictionary = exported(run, "--to", "csv", "-o", run.surroundings / "table.csv")
    assert dictionary == run.surroundings / "table.columns.csv"
    columns = pd.read_csv(dictionary, keep_default_na=False).set_index("column")
    assert list(columns.index) == list(pd.read_csv(table))
    assert columns.loc[f"value:{RATE}"].tolist() == ["number", "Hz", "value of the target; wanted: 3 to 4"]
    score = ["number", "norms", "distance from what is wanted, at most 20; the norm is 1"]
    assert columns.loc[f"score:{RATE}"].tolist() == score
    assert columns.loc["seed:seed", "kind"] == "whole number"
    assert columns.loc["outcome", "kind"] == "text"
    assert "0.1 to 10, logarithmic scale" in columns.loc["parameter:w", "description"]
    assert "whole numbers, 1 to 8" in columns.loc["parameter:n", "description"]
    assert columns.loc["parameter:twice", "description"] == "not searched: the expression '2 * w'"


def test_beside_the_table_it_is_said_which_values_a_choice_has(run: RunPaths) -> None:
    of_a_choice(run)
    _, dictionary = exported(run, "--to", "csv")
    columns = pd.read_csv(dictionary, keep_default_na=False).set_index("column")
    said = "searched: one of 1, 2, 3, 4, 5, 6, 9; in the parameter's own unit"
    assert columns.loc["parameter:n", "description"] == said


# in a process that has pyarrow, which changes how pandas keeps texts in all of this one
READ = """
import json, sys
import pandas, pyarrow.parquet
from orchestrator.checkpoint import Checkpoint
frame = Checkpoint(sys.argv[1]).evaluations()
read = pandas.read_parquet(sys.argv[2])
pandas.testing.assert_frame_equal(read[list(frame)], frame, check_exact=True)
schema = pyarrow.parquet.read_schema(sys.argv[2])
fields = {each.name: {key.decode(): text.decode() for key, text in each.metadata.items()} for each in schema}
about = json.loads(schema.metadata[b"run"])
print(json.dumps({"fields": fields, "about": about, "seeds": read["seed:seed"].dropna().tolist()}))
"""


@pytest.mark.run
def test_parquet_has_the_same_and_units_in_one_file(run: RunPaths, tmp_path: Path) -> None:
    environment = beside(tmp_path / "pyarrow", "pyarrow")
    program = "from orchestrator.cli import main; main()"
    arguments = [str(run.directory), "--to", "parquet"]
    subprocess.run([sys.executable, "-c", program, "export", *arguments], env=environment, check=True, timeout=120)
    words = [sys.executable, "-c", READ, str(run.checkpoint), str(run.directory / "evaluations.parquet")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert read["fields"][f"value:{RATE}"] == {"unit": "Hz", "description": "value of the target; wanted: 3 to 4"}
    assert read["about"]["config"] == Checkpoint(run.checkpoint).config_text
    assert read["seeds"] == [2**40 + n for n in (0, 1, 2, 3, 5)]


@pytest.mark.parametrize(
    "form", ["csv", *(pytest.param(each, marks=pytest.mark.run) for each in ("optuna", "ro-crate"))]
)
def test_nothing_is_overwritten_without_being_told(run: RunPaths, form: str) -> None:
    written = exported(run, "--to", form)
    before = {path: path.stat().st_ino for path in written}
    done = export(run, "--to", form)
    assert done.returncode == 2
    assert done.stderr == f"orchestrator: {written[0]}: there already. With --force it is overwritten\n"
    assert {path: path.stat().st_ino for path in written} == before
    assert exported(run, "--to", form, "--force") == written
    assert not list(run.directory.glob(".*"))


def test_what_is_beside_a_table_is_not_overwritten_either(run: RunPaths) -> None:
    (run.directory / "evaluations.columns.csv").write_text("mine")
    assert "evaluations.columns.csv: there already" in export(run, "--to", "csv").stderr
    assert not (run.directory / "evaluations.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("csv", "-o", "table.txt"), "--output: expected a file .csv, got table.txt"),
        (("parquet", "-o", "table.csv"), "--output: expected a file .parquet, got table.csv"),
        (("optuna", "-o", "study"), "--output: expected a file .log or .db, got study"),
        (("csv", "--objectives", "targets"), "--objectives goes only with --to optuna"),
        (("csv", "--license", "MIT"), "--license goes only with --to ro-crate"),
        (("csv", "-o", "missing/table.csv"), "missing/table.csv cannot be written: No such file or directory"),
        (("ro-crate", "-o", "missing/crate"), "missing/crate cannot be written: No such file or directory"),
        (("parquet",), "export --to parquet needs pyarrow: pip install 'mozaik-orchestrator[parquet]'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    run: RunPaths, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    if options == ("parquet",):
        monkeypatch.setattr("orchestrator.optimisers.options.find_spec", lambda _: None)
    done = export(run, "--to", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("orchestrator: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_optuna_the_extra_is_named(run: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optimisers.options.find_spec", lambda _: None)
    message = "export --to optuna needs optuna: pip install 'mozaik-orchestrator[optuna]'"
    assert message in export(run, "--to", "optuna").stderr


def test_before_a_generation_is_complete_there_is_nothing_to_export(tmp_path: Path) -> None:
    paths = RunOnDisk(tmp_path / "run").paths
    done = export(paths, "--to", "csv")
    assert done.returncode == 2
    assert "expected evaluations, but no generation is complete yet" in done.stderr
    assert export(RunPaths(tmp_path), "--to", "csv").stderr.endswith("there is no checkpoint.h5 in it\n")
