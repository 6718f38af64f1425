"""Runs for tests of the report, written straight into checkpoints, and what a page carries, read back."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from orchestrator_project import origin_of

from orchestrator.checkpoint import Checkpoint
from orchestrator.files import write_json
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Origin, Outcome, Result
from orchestrator.scores.given_sets import GivenSet, GivenSets, digest_of_sets, freeze_sets
from targets import Recordings
from targets.recordings.file import save

NASTY = [
    "<script>alert(1)</script>\"'&amp;",
    "näme µ 漢字 \u202e rev",
    "</script><img src=x onerror=alert(2)>",
    "a" * 300,
    "$x^2$ \\frac{1}{2}",
    'sheets."q".it\'s {{ 7 * 7 }}',
]
NASTY_LOG = "begin\n\x1b[1;31m</pre><script>alert(3)</script>\x1b[0m\x07 \x08progress 10%\rprogress 100%\n" * 30
Values = Callable[[int, int, np.random.Generator], Sequence[float]]


def config(names: Sequence[str], labels: Sequence[str], **changes: Any) -> str:
    settings = {
        "parameters": {
            name: {"bounds": [0.1, 1.0], "scale": "log" if n % 2 else "linear"} for n, name in enumerate(names)
        },
        "targets": [
            {"class": "ReturnedValue", "key": "k", "target_value": 0.0, "norm": 0.5, "name": label} for label in labels
        ],
        "max_ngen": 10,
        "simulation": {"type": "function", "function": "model:simulate"},
        **changes,
    }
    return yaml.dump(settings, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def model_state(n_parameters: int = 2, n_targets: int = 2, **changes: Any) -> dict[str, Any]:
    """Return the state of CMA-ES with a model of the values, and weights."""
    return {
        "mean": np.full(n_parameters, 0.5),
        "sigma": 0.2,
        "covariance": np.eye(n_parameters) * 0.04,
        "model_proposals": 2.0,
        "model_win": 0.75,
        "model_stalls": 0.0,
        "model_noise": np.linspace(0.5, 2.0, n_targets),
        "model_last_error": np.array([np.full(n_targets, 1.2), np.full(n_targets, 0.8)]),
        "model_last_values": np.array([np.full(n_targets, 2.0), np.full(n_targets, 3.0)]),
        "model_last_rows": np.array([2.0, 3.0]),
        "model_last_predicted": np.array([0.25, 0.1]),
        "model_last_exploded": np.array([0.5, 0.0]),
        "model_last_brier": np.array([0.1, 0.02]),
        "weights": np.linspace(1.0, 0.1, n_targets),
        **changes,
    }


def make_run(
    directory: Path,
    *,
    parameters: Sequence[str] = ("sheets.exc.w", "sheets.inh.w"),
    targets: Sequence[str] = ("Rate(exc)", "CV(exc)"),
    generations: int = 3,
    size: int = 4,
    values: Values | None = None,
    outcome: Callable[[int, int], Outcome] = lambda _g, _i: Outcome.OK,
    text: str | None = None,
    covariance: npt.NDArray[np.float64] | None = None,
    times: bool = True,
    state: Mapping[str, Any] | Callable[[int], Mapping[str, Any]] | None = None,
    origin: Callable[[int, int], Origin] | None = None,
    scores: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None,
    described: Sequence[Mapping[str, Any]] = (),
    recordings: Callable[[int, int], Recordings | None] = lambda _g, _i: None,
) -> RunPaths:
    """Write a run in which every offspring is at a random point."""
    directory.mkdir(parents=True)
    origin = origin or origin_of
    rng = np.random.default_rng(1)
    n_parameters, n_targets = len(parameters), len(targets)
    checkpoint = Checkpoint.create(
        directory / "checkpoint.h5",
        config=config(parameters, targets) if text is None else text,
        parameters=parameters,
        targets=targets,
        versions={"orchestrator": "0.1.0"},
        described=described,
    )
    for generation in range(generations):
        evaluations = []
        for index in range(size):
            point = rng.uniform(0.1, 1.0, n_parameters)
            found = np.array(values(generation, index, rng) if values else rng.normal(size=n_targets), dtype=float)
            ended = outcome(generation, index)
            if ended is not Outcome.OK:
                found[:] = math.nan
            begin = 1e9 + 100 * generation if times else math.nan
            ok = ended is Outcome.OK
            result = Result(
                ended,
                reasons={targets[-1]: "too <few> spikes"} if ok and math.isnan(found[-1]) else {},
                message="" if ok else f"<img src=x onerror=alert(4)> \x1b[31mcode {index}\x1b[0m",
                log_tail="" if ok else NASTY_LOG,
                seconds={"build": 5.0, "check": 2.0, "protocols": 30.0, "measuring": 1.0} if times else {},
                host="<n1>",
                job_id=f"7_{index}",
                started=begin + 10,
                finished=begin + 50 + index,
                versions={"python": "3.11"},
            )
            plain = np.where(np.isnan(found), 20.0, np.minimum(np.abs(found) / 0.5, 20.0))
            told = plain if scores is None else scores(found)
            told = np.full(n_targets, np.nan) if result.says_nothing else told
            offspring = Offspring(
                generation, index, tuple(point), dict(zip(parameters, point, strict=True)), origin(generation, index)
            )
            kept = as_bytes(recordings(generation, index))
            evaluations.append(
                Evaluation(offspring, result, tuple(found), tuple(told), 1, begin, generation, recordings=kept)
            )
        spread = np.eye(n_parameters) * 0.04 if covariance is None else covariance
        distribution = {"mean": np.full(n_parameters, 0.5), "sigma": 0.2, "covariance": spread}
        given = state(generation) if callable(state) else state
        checkpoint.append(evaluations, distribution if given is None else given)
    return RunPaths(directory)


def give_sets(run: RunPaths) -> None:
    """Let the evaluations of a run be those of sets that it was given, which had a hundredth of the scores before."""
    checkpoint = Checkpoint(run.checkpoint)
    points = [point for block in checkpoint.told() for point in block.points]
    sets = [
        GivenSet(
            f"row {n}",
            tuple(points[n - 1].tolist()),
            {name: row[f"parameter:{name}"] for name in checkpoint.parameter_names},
            row["total_score"] / 100,
            {},
            {},
        )
        for n, row in enumerate(checkpoint.evaluations().to_dict("records"), 1)
    ]
    freeze_sets(GivenSets("sets.csv", sets), run)
    write_json(run.model, {"sets": digest_of_sets(run)})


def as_bytes(recordings: Recordings | None) -> bytes:
    """Return what a checkpoint keeps of recordings."""
    if recordings is None:
        return b""
    file = io.BytesIO()
    save(recordings, file)
    return file.getvalue()


class Page(HTMLParser):
    """A report as a browser would read it, without running anything."""

    def __init__(self, path: Path):
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(self.html)
        self.script = re.findall(r"<script>(.*?)</script>", self.html, re.S)[0]
        self.data = json.loads(
            re.findall(r'<script type="application/json" id="report-data">(.*?)</script>', self.html, re.S)[0],
            parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)),
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def array(self, reference: Mapping[str, Any]) -> npt.NDArray[Any]:
        stored = self.data["arrays"][reference["$"]]
        numbers = np.frombuffer(base64.b64decode(stored["b"]), {"f4": "<f4", "u2": "<u2", "i4": "<i4"}[stored["t"]])
        numbers = numbers.reshape(-1, stored["columns"]) if "columns" in stored else numbers
        return numbers[self.array(reference["rows"])] if "rows" in reference else numbers

    def figure(self, name: str) -> dict[str, Any]:
        return next(figure for figure in self.data["figures"] if figure["name"] == name)

    def mark(self, name: str, label: str) -> dict[str, Any]:
        panels = self.figure(name)["panels"]
        return next(mark for panel in panels for mark in panel["marks"] if mark.get("label") == label)
