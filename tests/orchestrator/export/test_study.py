"""A run as a study of optuna, read back by optuna."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import optuna
import pytest
from best_runs import copied
from exported_runs import BEGIN, CV, RATE, ROWS, export, exported, exported_run, of_a_choice
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return exported_run(tmp_path_factory.mktemp("written") / "model")


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "model")


@pytest.fixture(scope="module")
def study(written: RunPaths) -> optuna.Study:
    return journal(exported(written, "--to", "optuna", "-o", written.surroundings / "study.log")[0])


def journal(path: Path) -> optuna.Study:
    return optuna.load_study(study_name=None, storage=JournalStorage(JournalFileBackend(str(path))))


def test_a_study_has_a_trial_for_each_evaluation(written: RunPaths, study: optuna.Study) -> None:
    frame = Checkpoint(written.checkpoint).evaluations()
    assert study.study_name == "20261120-104608_Optimization"
    assert (study.directions, study.metric_names) == ([optuna.study.StudyDirection.MINIMIZE], ["total score"])
    assert study.user_attrs["units"] == {RATE: "Hz"}
    states = {Outcome.OK: TrialState.COMPLETE, Outcome.EXPLODED: TrialState.PRUNED, Outcome.NODE_FAIL: TrialState.FAIL}
    assert [trial.state for trial in study.trials] == [states[outcome] for outcome, _ in ROWS]
    for n, trial in enumerate(study.trials):
        row = frame.iloc[n]
        assert trial.params == {"w": row["parameter:w"], "n": row["parameter:n"]}
        assert trial.values == ([row["total_score"]] if row["outcome"] == "OK" else None)
        for name in ("outcome", "origin", "generation", "offspring", "host", "parameter:twice"):
            assert trial.user_attrs[name] == row[name]
        for name in (f"value:{RATE}", f"value:{CV}", f"score:{CV}", "total_score"):
            assert trial.user_attrs.get(name, math.nan) == pytest.approx(row[name], rel=0, nan_ok=True)
    assert study.best_trial.number == frame["total_score"].idxmin()
    assert study.trials[0].distributions == {
        "w": optuna.distributions.FloatDistribution(0.1, 10, log=True),
        "n": optuna.distributions.IntDistribution(1, 8),
    }


def test_a_choice_is_the_values_that_there_are(run: RunPaths) -> None:
    of_a_choice(run)
    study = journal(*exported(run, "--to", "optuna"))
    assert study.trials[0].distributions["n"] == optuna.distributions.CategoricalDistribution((1, 2, 3, 4, 5, 6, 9))
    assert [trial.params["n"] for trial in study.trials] == [1, 2, 3, 4, 5, 6]


def test_trials_have_the_times_that_were_measured(study: optuna.Study) -> None:
    trials = study.trials
    assert trials[2].datetime_start == datetime.fromtimestamp(BEGIN + 2)
    assert trials[2].datetime_complete == datetime.fromtimestamp(BEGIN + 62.5)
    # it never began
    assert trials[4].datetime_start == trials[4].datetime_complete == datetime.fromtimestamp(BEGIN - 9)


def test_messages_come_along_without_their_colours(study: optuna.Study) -> None:
    assert study.trials[1].user_attrs["message"] == "=1+1, and red: EXPLODED"
    assert "message" not in study.trials[0].user_attrs


def test_samplers_of_optuna_go_on_from_a_study(run: RunPaths) -> None:
    study = journal(*exported(run, "--to", "optuna"))
    study.sampler = optuna.samplers.RandomSampler(seed=1)
    asked = study.ask(study.trials[0].distributions)
    assert asked.number == len(ROWS)


def test_every_target_can_be_an_objective_of_its_own(run: RunPaths) -> None:
    (file,) = exported(run, "--to", "optuna", "--objectives", "targets", "--output", run.surroundings / "both.log")
    study = journal(file)
    assert study.metric_names == [RATE, CV]
    scores = Checkpoint(run.checkpoint).evaluations()[[f"score:{RATE}", f"score:{CV}"]]
    found = {trial.number: trial.values for trial in study.trials if trial.state is TrialState.COMPLETE}
    assert found == {n: scores.iloc[n].tolist() for n in (0, 2, 3, 5)}
    assert {trial.number for trial in study.best_trials} == {0, 2, 5}


def test_a_data_base_has_the_same_trials_as_a_journal(run: RunPaths, study: optuna.Study) -> None:
    (file,) = exported(run, "--to", "optuna", "--output", run.surroundings / "study.db")
    of_base = optuna.load_study(study_name=None, storage=f"sqlite:///{file}")
    assert len(of_base.trials) == len(ROWS)
    for one, other in zip(of_base.trials, study.trials, strict=True):
        for name in ("number", "state", "values", "params", "distributions", "datetime_start", "user_attrs"):
            assert getattr(one, name) == getattr(other, name)


def test_values_outside_their_bounds_are_no_study_and_no_traceback(run: RunPaths) -> None:
    checkpoint = Checkpoint(run.checkpoint)
    checkpoint.set_config(checkpoint.config_text.replace("- 10.0", "- 0.2"))
    done = export(run, "--to", "optuna")
    assert done.returncode == 2
    assert "checkpoint.h5: holds what optuna cannot: The value" in done.stderr
    assert not (run.directory / "study.log").exists()


def test_a_data_base_that_cannot_be_written_is_one_message(run: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise optuna.exceptions.StorageInternalError("database or disk is full")

    monkeypatch.setattr(optuna.Study, "add_trial", full)
    done = export(run, "--to", "optuna", "--output", "study.db")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "orchestrator: --output: study.db cannot be written: optuna: database or disk is full"
    ]
    assert not list(run.surroundings.glob("*study.db*"))
