"""What a run has evaluated: reading it as tables, and appending what the optimiser is told."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.checkpoint import layout
from orchestrator.checkpoint.columns import columns, data_frame, stacked
from orchestrator.checkpoint.derived import derived_columns, given_in
from orchestrator.checkpoint.image import creating, extending, grows
from orchestrator.checkpoint.reading import mapping_in, names_in, readable, require_format, run_in, stored_in
from orchestrator.checkpoint.stored import Tell
from orchestrator.errors import RunFailed
from orchestrator.files import parse_json
from orchestrator.optimisers.base import Told, known_errors
from orchestrator.parameters.given import Given
from orchestrator.records import Evaluation, FloatArray, Origin, Outcome

if TYPE_CHECKING:
    import pandas as pd

    from targets.recordings import Recordings

_LOG = logging.getLogger(__name__)
# what has happened to a checkpoint that holds less than it should, and what to do
OLDER_COPY = (
    "another copy of the file has taken its place, an older one perhaps, by a tool that restores or synchronises "
    "files. Put the newest one back"
)
_COLUMNS = ("generation", "offspring", "origin", "told_in", "outcome", "total_score", "attempts", "job_id", "host")
_TIMES = ("submitted", "started", "finished")


class Checkpoint:
    """A run's history; any number of readers, one writer.

    Parameters
    ----------
    path : pathlib.Path or str
        The file, or the run directory that holds it.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such file, or it is not a checkpoint.
    """

    def __init__(self, path: Path | str):
        path = Path(path)
        self.path = path / "checkpoint.h5" if path.is_dir() else path
        with readable(self.path) as file:
            require_format(file, self.path)
            run = run_in(file)
            self.config_text = run["config"]
            # those that are searched; seeds too, where other seeds were tried
            self.parameter_names: list[str] = names_in(run["parameters"])
            self.target_labels: list[str] = names_in(run["targets"])
            self.versions: dict[str, str] = mapping_in(run["versions"])
            # what was kept of each target for those who look; nothing in files of earlier versions
            self.described: list[Mapping[str, Any]] = list(parse_json(run.get("described", "[]")))

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        config: str,
        parameters: Sequence[str],
        targets: Sequence[str],
        versions: Mapping[str, str],
        described: Sequence[Mapping[str, Any]] = (),
    ) -> Checkpoint:
        """Write an empty checkpoint.

        Parameters
        ----------
        path : pathlib.Path
            Where it will be; what is there is replaced.
        config : str
            The configuration as YAML.
        parameters, targets : sequence of str
            Names, in the order of the columns.
        versions : mapping of str to str
            Versions of the programs that decide about the run, by name.
        described : sequence of mapping
            What those who look at the run need of each target, as `orchestrator.scores.described` says.
        """
        texts = {"config": config, "versions": json.dumps(dict(versions)), "described": json.dumps(list(described))}
        texts |= {"parameters": json.dumps(list(parameters)), "targets": json.dumps(list(targets))}
        _write(path, texts, [])
        return cls(path)

    def append(
        self,
        evaluations: Sequence[Evaluation],
        state: Mapping[str, FloatArray | float],
        confirm: Callable[[], object] = lambda: None,
    ) -> None:
        """Add what the optimiser is told next, and its state before that.

        The cost is that of what is added, whatever the size of the file. Readers see the file without it or with all
        of it.

        Parameters
        ----------
        evaluations : sequence of Evaluation
            All of the same `told_in`, which is the number of tells that the checkpoint holds.
        state : mapping of str to ndarray of float or float
            The optimiser's, under any names; those that describe the distribution from which points were drawn are
            ``mean``, ``sigma`` and ``covariance``.
        confirm : callable
            Raises `orchestrator.errors.Stopped` if another controller has taken the run over: nothing is added then.

        Raises
        ------
        orchestrator.errors.RunFailed
            If the checkpoint does not end where these evaluations begin; nothing is written.
        ValueError
            If there are no evaluations, or a name of `state` is empty or contains a slash.
        OSError
            If the disk is full or the file cannot be written; the checkpoint is then as it was. If only the last flush
            to the disk failed, it holds what was appended.
        """
        if not evaluations:
            raise ValueError("expected evaluations to append, got none")
        if wrong := [name for name in state if not name or "/" in name or name == "."]:
            raise ValueError(f"names of an optimiser's state: expected plain words, got {wrong}")
        widths = {"points": len(self.parameter_names), "parameters": len(self.parameter_names)}
        widths |= dict.fromkeys(layout.OF_TARGETS, len(self.target_labels))
        tell = layout.tell_of(evaluations, state, widths)
        self._require_current_format()
        with extending(self.path, confirm) as (file, root):
            count = int(file.attrs["tells"])
            self._require_next(evaluations, count)
            layout.write_heading(root, count + 1)
            root["run"] = file["run"]
            tells = root.create_group("tells")
            layout.link_tells(file["tells"], tells, count)
            layout.write_tell(tells, count, tell)

    def set_config(self, config: str, confirm: Callable[[], object] = lambda: None) -> None:
        """Replace the configuration, if a continued run has changed what may be changed.

        Parameters
        ----------
        config : str
            The configuration as YAML.
        confirm : callable
            As for `append`.
        """
        self._require_current_format()
        with extending(self.path, confirm) as (file, root):
            layout.write_heading(root, int(file.attrs["tells"]))
            layout.write_run(root.create_group("run"), **{**layout.read_run(file), "config": config})
            root["tells"] = file["tells"]
        self.config_text = config

    def evaluations(self) -> pd.DataFrame:
        """Return one row per evaluation, in the order in which they were told.

        Returns
        -------
        pandas.DataFrame
            Columns ``generation``, ``offspring``, ``origin`` (``start``, ``sample``, ``model`` or ``injected``),
            ``told_in`` (number of the tell), ``outcome``, ``total_score``, ``attempts``, ``job_id``, ``host``,
            ``submitted``, ``started``, ``finished`` (Unix times in s), then ``parameter:<name>``, first of
            `parameter_names`, which are searched, then of ``given.derived``, which follow from them (NaN if there is
            none), ``value:<target>`` (NaN if there is none), ``score:<target>``, and, if the simulations had several
            trials, ``sd:<target>``, the standard deviation of the values that single trials had, and ``se:<target>``,
            the standard error of the value.
        """
        fields = (*_COLUMNS, *_TIMES)
        with readable(self.path) as file:
            stored = stored_in(file)
            frame: dict[str, Any] = columns(stored.tables(fields), fields)
            for prefix, name, names in (
                ("parameter", "parameters", self.parameter_names),
                ("value", "values", self.target_labels),
                ("score", "scores", self.target_labels),
                ("sd", "deviations", self.target_labels),
                ("se", "errors", self.target_labels),
            ):
                matrix = np.concatenate([np.zeros((0, len(names))), *stored.matrices(name)])
                if name in layout.OF_TRIALS and np.isnan(matrix).all():
                    continue
                frame.update({f"{prefix}:{each}": matrix[:, n] for n, each in enumerate(names)})
                if name == "parameters":
                    frame.update(derived_columns(self.given, self.parameter_names, matrix))
            return data_frame(frame)

    @cached_property
    def given(self) -> Given:
        """How the numbers that a simulation got follow from the searched ones, as far as the configuration says it."""
        return given_in(self.config_text, self.parameter_names)

    def details(self) -> pd.DataFrame:
        """Return what `evaluations` leaves out, one row per evaluation in the same order.

        Returns
        -------
        pandas.DataFrame
            Columns ``message``, ``log_tail``, ``reasons`` (dict), ``versions`` (dict), ``seeds`` (dict, empty if they
            were not noted), ``peak_memory`` (bytes) and the wall times ``build``, ``check``, ``protocols``,
            ``measuring`` in s.
        """
        fields = ("peak_memory", *layout.SECONDS)
        with readable(self.path) as file:
            stored = stored_in(file)
            numbers = columns(stored.tables(fields), fields)
            rows = [row for tell in stored.details() for row in tell]
            frame: dict[str, Any] = {name: [row[name] for row in rows] for name in layout.DETAILS}
            return data_frame(frame | numbers)

    def distribution(self, first: int = 0) -> dict[str, FloatArray]:
        """Return the optimiser's state by tell, under the names that its method gives.

        Parameters
        ----------
        first : int
            Number of the tell that it begins with.

        Returns
        -------
        dict of str to ndarray of float, shape (n_tells, ...)
            ``mean`` (n_tells, n_parameters), ``sigma`` (n_tells,) and ``covariance`` (n_tells, n_parameters,
            n_parameters) of the search distribution in the unit cube, if the method has one, and what else it gives.
            NaN in the place of what a tell does not have, or has in a smaller shape.
        """
        with readable(self.path) as file:
            states = stored_in(file).states(first)
            names = dict.fromkeys(name for state in states for name in state)
            return {name: stacked([state.get(name) for state in states]) for name in names}

    def state(self, number: int) -> dict[str, FloatArray]:
        """Return the optimiser's state before it was told block `number`, from 0, under the method's own names."""
        with readable(self.path) as file:
            return stored_in(file).states(number)[0]

    def told(self, first: int = 0, *, states: bool = False) -> list[Told]:
        """Return what the optimiser was told, one object per tell, bit for bit; its scores are not capped.

        Parameters
        ----------
        first : int
            Number of the first tell that is returned, from 0.
        states : bool
            Whether the optimiser's state before each tell is read as well, as a replay needs it.
        """
        with readable(self.path) as file:
            stored = stored_in(file)
            names = ("points", "values", "ranked_scores", "errors")
            points, values, scores, errors = (stored.matrices(name, first) for name in names)
            tables = stored.tables(("generation", "offspring", "origin", "asked_after", "outcome"), first)
            before = stored.states(first) if states else [{}] * len(tables)
            outputs = stored.outputs(first)
            for n, table in enumerate(tables):
                self._require_shapes(first + n, len(table), points[n], values[n], scores[n], errors[n])
            return [
                Told(
                    points=points[n],
                    values=values[n],
                    scores=scores[n],
                    outcomes=[Outcome(text.decode()) for text in table["outcome"]],
                    origins=[Origin(text.decode()) for text in table["origin"]],
                    ids=list(zip(table["generation"].tolist(), table["offspring"].tolist(), strict=True)),
                    asked_after=table["asked_after"].tolist(),
                    state=before[n],
                    outputs=self._outputs(first + n, len(table), outputs[n]),
                    errors=known_errors(errors[n]),
                )
                for n, table in enumerate(tables)
            ]

    def recordings(self) -> dict[tuple[int, int], Recordings]:
        """Return the traces, events and numbers that were kept of some evaluations, by generation and offspring.

        Those are the start's, and those of each evaluation that was among the best ones when it was told, as many as
        ``keep.best`` says.
        """
        from targets.recordings.file import load  # noqa: PLC0415  (targets take longer to import than checkpoints)

        with readable(self.path) as file:
            stored = stored_in(file)
            tables = stored.tables(("generation", "offspring"))
            found = {}
            for table, kept in zip(tables, stored.recordings(), strict=True):
                for row, content in kept.items():
                    generation, offspring = (int(table[name][row]) for name in ("generation", "offspring"))
                    found[generation, offspring] = load(io.BytesIO(content), Path())
            return found

    @property
    def n_generations(self) -> int:
        """How many tells are complete, which are the generations of a schedule that waits for each."""
        with readable(self.path) as file:
            return len(stored_in(file))

    def _require_shapes(self, number: int, rows: int, points: FloatArray, *others: FloatArray) -> None:
        expected = [(rows, len(self.parameter_names)), *[(rows, len(self.target_labels))] * len(others)]
        found = [array.shape for array in (points, *others)]
        if found != expected:
            raise ValueError(f"tell {number}: expected arrays of shapes {expected}, got {found}")

    def _outputs(self, number: int, rows: int, outputs: dict[int, FloatArray]) -> dict[int, FloatArray]:
        for target, array in outputs.items():
            if not 0 <= target < len(self.target_labels) or array.ndim != 2 or len(array) != rows:
                raise ValueError(f"tell {number}: outputs of target {target}: unexpected shape {array.shape}")
        return outputs

    def _require_next(self, evaluations: Sequence[Evaluation], count: int) -> None:
        if other := {evaluation.told_in for evaluation in evaluations} - {count}:
            raise RunFailed(
                f"{self.path}: expected {min(other)} generations in it, got {count}: {OLDER_COPY}, and continue; "
                "nothing was written, and the results of the generation in flight are kept"
            )

    def _require_current_format(self) -> None:
        """Write the file anew if an earlier version, or a tool that packs HDF5 files, has written it."""
        with readable(self.path, passing=OSError) as file:
            found = require_format(file, self.path)
            if found == layout.FORMAT and grows(self.path):
                return
            run, tells = run_in(file), layout.tells_of(stored_in(file))
        _write(self.path, run, tells)
        if found < layout.FORMAT:
            _LOG.info(
                "%s has been converted from format %d to %d, which earlier versions of this program do not read",
                self.path,
                found,
                layout.FORMAT,
            )


def _write(path: Path, run: Mapping[str, str], tells: Sequence[Tell]) -> None:
    with creating(path) as root:
        layout.write_heading(root, len(tells))
        layout.write_run(root.create_group("run"), **run)
        group = root.create_group("tells")
        for number, tell in enumerate(tells):
            layout.write_tell(group, number, tell)
