"""A study of optuna, which optuna-dashboard and everything else that reads such studies opens."""

from __future__ import annotations

import errno
import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.export.columns import Column
from orchestrator.export.forms import StudyObjectives
from orchestrator.files import replacing
from orchestrator.optimisers.options import missing_extra
from orchestrator.optimisers.space import Parameter
from orchestrator.optimisers.tpe import quiet_optuna
from orchestrator.records import Outcome
from orchestrator.report.history import History
from orchestrator.text import plain, shortened

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, TrialState

_TOTAL = "total score"
_LONGEST = 300


def require_optuna() -> None:
    """Raise `orchestrator.errors.UsageError` if optuna is not installed."""
    if missing := missing_extra("export --to optuna", "optuna", "optuna"):
        raise UsageError(missing)


def write_study(
    run: Checkpoint, history: History, columns: Sequence[Column], path: Path, goal: StudyObjectives
) -> None:
    """Write a study with a trial for each evaluation, in the order in which the optimiser was told.

    What is minimised are scores. An evaluation that ended otherwise than ``OK`` and speaks of its parameters is a
    pruned trial, which samplers of optuna take for a bad one; one that was lost because of the cluster is a failed one,
    which they pass over. Distributions are the bounds and scales of the run. Everything else of an evaluation is an
    attribute of its trial, under the name of its column; what is missing is left out.

    Parameters
    ----------
    run, history : Checkpoint, History
        The run.
    columns : sequence of Column
        Of its table.
    path : pathlib.Path
        ``.db``, a data base of SQLite; else a journal, which is written in a hundredth of the time.
    goal : StudyObjectives
        Whether there is one objective, or one for each target.

    Raises
    ------
    ValueError, OverflowError
        If numbers in the checkpoint do not fit what its configuration says of them.
    OSError
        If it cannot be written.
    """
    names = [_TOTAL] if goal is StudyObjectives.TOTAL else [each.label for each in history.targets]
    trials = _trials(history, columns, goal)
    # locks and flushes of network file systems may take long, or not work
    with tempfile.TemporaryDirectory() as folder, replacing(path) as temporary:
        made = Path(folder) / f"study{path.suffix}"
        _write(made, run, history, names, trials)
        shutil.copyfile(made, temporary)


def _write(path: Path, run: Checkpoint, history: History, names: list[str], trials: Iterable[FrozenTrial]) -> None:
    import optuna  # noqa: PLC0415  (optional, and takes a moment to import)

    try:
        with quiet_optuna():
            storage = _storage(path)
            study = optuna.create_study(storage=storage, study_name=history.name, directions=["minimize"] * len(names))
            study.set_metric_names(names)
            study.set_user_attr("config", run.config_text)
            study.set_user_attr("versions", dict(run.versions))
            study.set_user_attr("units", {each.label: each.unit for each in history.targets if each.unit})
            for trial in trials:
                study.add_trial(trial)
            storage.remove_session()
    except optuna.exceptions.StorageInternalError as error:
        # as of a full disk
        raise OSError(errno.EIO, f"optuna: {shortened(plain(str(error)), _LONGEST)}", str(path)) from error


def _storage(path: Path) -> BaseStorage:
    from optuna.storages import JournalStorage, RDBStorage  # noqa: PLC0415  (optional)
    from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415

    return RDBStorage(f"sqlite:///{path}") if path.suffix == ".db" else JournalStorage(JournalFileBackend(str(path)))


def _trials(history: History, columns: Sequence[Column], goal: StudyObjectives) -> Iterator[FrozenTrial]:
    from optuna.trial import FrozenTrial, TrialState  # noqa: PLC0415  (optional)

    distributions = {each.name: _distribution(each) for each in history.parameters}
    integers = {each.name for each in history.parameters if each.integer}
    searched = {f"parameter:{name}" for name in distributions}
    by_name = {each.name: each.values.tolist() for each in columns}
    scores = ["total_score"] if goal is StudyObjectives.TOTAL else [f"score:{each.label}" for each in history.targets]
    messages = history.details["message"].tolist()
    for row in range(len(history)):
        of_row = {name: values[row] for name, values in by_name.items()}
        state = _state(of_row["outcome"], of_row["total_score"])
        start, end = _times(of_row)
        values = {name: of_row[f"parameter:{name}"] for name in distributions}
        attributes = {name: value for name, value in of_row.items() if name not in searched and _is_known(value)}
        yield FrozenTrial(
            number=row,
            trial_id=row,
            state=state,
            value=None,
            values=[of_row[name] for name in scores] if state is TrialState.COMPLETE else None,
            datetime_start=start,
            datetime_complete=end,
            params={name: int(value) if name in integers else value for name, value in values.items()},
            distributions=distributions,
            user_attrs={**attributes, **({"message": plain(messages[row])} if messages[row] else {})},
            system_attrs={},
            intermediate_values={},
        )


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: PLC0415

    if parameter.choice is not None:
        return CategoricalDistribution(parameter.choice.values)
    if parameter.integer:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _state(outcome: str, total_score: float) -> TrialState:
    from optuna.trial import TrialState  # noqa: PLC0415  (optional)

    if math.isnan(total_score):
        return TrialState.FAIL
    return TrialState.COMPLETE if outcome == Outcome.OK.value else TrialState.PRUNED


def _times(of_row: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return when an evaluation began and ended, in local time as optuna has it.

    Optuna needs both: what never began has the time of its submission, and what has no time at all has the beginning of
    Unix time.
    """
    began, ended = of_row["started"], of_row["finished"]
    known = [seconds for seconds in (began, of_row["submitted"], ended) if math.isfinite(seconds)]
    start = known[0] if known else 0.0
    return datetime.fromtimestamp(start), datetime.fromtimestamp(ended if math.isfinite(ended) else start)


def _is_known(value: object) -> bool:
    """Return whether there is something: JSON has no NaN, and the dashboard does not read it."""
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
