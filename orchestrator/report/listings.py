"""Tables of the page: the best, the failures, configuration and versions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
import yaml

from orchestrator.config.durations import format_duration
from orchestrator.files import read_json
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome
from orchestrator.reevaluation.noise import Luck
from orchestrator.report.figures.targets import value_and_error
from orchestrator.report.history import History
from orchestrator.report.naming import elided, short_labels
from orchestrator.report.texts.logs import without_noise
from orchestrator.text import plain

_LOG_LINES, _LOG_LETTERS, _KINDS = 40, 6000, 40


@dataclass(frozen=True)
class Ranked:
    """One of the best evaluations."""

    rank: int
    generation: int
    offspring: int
    total: str
    met: str
    worst: str
    duration: str
    host: str
    job: str
    parameters: tuple[str, ...]
    values: tuple[str, ...]
    good: tuple[bool, ...]


@dataclass(frozen=True)
class Failure:
    """Failures of one kind, told by the latest of them."""

    outcome: str
    message: str
    count: int
    place: str
    host: str
    log: str


def best_evaluations(history: History, top: int = 10) -> list[Ranked]:
    """Return the best evaluations, the best first; only those that were measured."""
    rows = history.ranked(top)
    spent = np.maximum(history.times["finished"] - history.times["started"], 0)  # NaN stays NaN
    names = short_labels([each.label for each in history.targets])
    best = []
    for rank, row in enumerate(rows, start=1):
        scores = history.scores[row]
        worst = int(np.argmax(scores)) if len(scores) else 0
        best.append(
            Ranked(
                rank=rank,
                generation=int(history.generation[row]),
                offspring=int(history.offspring[row]),
                total=f"{history.total[row]:.5g}",
                met=f"{int((scores <= 1).sum())} of {len(scores)}",
                worst=f"{names[worst]} ({scores[worst]:.3g})" if len(scores) else "",
                duration=format_duration(float(spent[row])) if math.isfinite(spent[row]) else "",
                host=str(history.frame["host"].iloc[row]),
                job=str(history.frame["job_id"].iloc[row]),
                parameters=tuple(f"{value:.4g}" for value in (*history.points[row], *history.derived_points[row])),
                values=tuple(value_and_error(history, row, n, 4) or "–" for n in range(len(scores))),
                good=tuple(bool(score <= 1) for score in scores),
            )
        )
    return best


def noises(history: History, luck: Luck | None) -> list[tuple[str, str]]:
    """Return norm and noise of each target, in its unit and as texts; nothing if nothing is known of any noise."""
    known = luck.noises if luck is not None else {}
    found = [known.get(target.label) for target in history.targets]
    return [(_number(noise.norm), _number(noise.sd)) if noise else ("–", "–") for noise in found] if known else []


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"


def centroid_yaml(history: History) -> str:
    """Return the best parameters with all digits, as `optimiser_centroid` takes them; empty before there are any."""
    if history.best is None:
        return ""
    row = history.points[history.best]
    values = {
        each.name: int(value) if each.integer else float(value)
        for each, value in zip(history.parameters, row, strict=True)
    }
    return yaml.safe_dump({"optimiser_centroid": values}, sort_keys=False, allow_unicode=True, width=1000)


def failures(history: History) -> list[Failure]:
    """Return the failures by kind, the latest first: same outcome and, numbers aside, same message."""
    rows = np.flatnonzero(~history.ok)
    messages, logs = history.details["message"].to_numpy(), history.details["log_tail"].to_numpy()
    kinds = [(str(history.outcome[row]), re.sub(r"[-+]?\d[\d.e+-]*", "#", str(messages[row]))[:200]) for row in rows]
    latest = dict(zip(kinds, rows, strict=True))
    counts = Counter(kinds)
    found = []
    for kind, row in sorted(latest.items(), key=lambda pair: -pair[1])[:_KINDS]:
        place = f"generation {history.generation[row]}, offspring {history.offspring[row]}"
        message = elided(plain(str(messages[row])), 600)
        log = str(logs[row])
        # the message says which sheet did; of other failures any line may be the cause
        log = last_lines(without_noise(log) if kind[0] == Outcome.EXPLODED.value else log)
        outcome = kind[0] if history.evaluated[row] else f"{kind[0]}, not evaluated"
        found.append(Failure(outcome, message, counts[kind], place, str(history.frame["host"].iloc[row]), log))
    return found


def last_lines(text: str) -> str:
    """Return the end of a log that fits on the page."""
    lines = [line.rstrip()[:400] for line in plain(text).splitlines()]
    return "\n".join(line for line in lines[-_LOG_LINES:])[-_LOG_LETTERS:].strip("\n")


def versions(history: History) -> list[tuple[str, str]]:
    """Return programs and versions: those of the checkpoint, and those of the jobs if they differ."""
    found = {name: {str(version)} for name, version in history.versions.items()}
    for each in history.details["versions"]:
        for name, version in each.items():
            found.setdefault(str(name), set()).add(str(version))
    return [(name, ", ".join(sorted(versions))) for name, versions in found.items()]


def files_changed(paths: RunPaths) -> list[str]:
    """Return the model's files of code that have changed since the run began, which went on with them."""
    try:
        return [str(name) for name in dict(read_json(paths.model)["changed"])]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def hosts(history: History) -> str:
    """Return on which nodes how many evaluations ran."""
    counts = Counter(str(host) for host in history.frame["host"] if host)
    return ", ".join(f"{host} ({count:,})" for host, count in counts.most_common(12))


def differing_keys(histories: Sequence[History]) -> list[tuple[str, list[str]]]:
    """Return keys of the configurations that differ between runs, and what each run says."""
    shared = set.intersection(*({each.label for each in history.targets} for history in histories))
    flat = [_flat(_targets_by_label(each, shared)) for each in histories]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    rows = [(key, [each.get(key, "–") for each in flat]) for key in keys]
    return [(key, _cells(texts)) for key, texts in rows if len(set(texts)) > 1]


def _targets_by_label(history: History, shared: Container[str]) -> dict[str, object]:
    """Return the configuration with its targets by label, wherever in the list they are.

    Those that not all runs have are a text each: that they differ is told in a row.
    """
    config, specs = dict(history.config), history.config.get("targets")
    if isinstance(specs, list) and len(specs) == len(history.targets):
        pairs = zip((each.label for each in history.targets), specs, strict=True)
        config["targets"] = {label: spec if label in shared else str(spec) for label, spec in pairs}
    return config


def _flat(config: object, at: str = "") -> dict[str, str]:
    named: dict[object, object] = {}
    if isinstance(config, dict):
        named = config
    elif isinstance(config, list) and any(isinstance(part, (dict, list)) for part in config):
        named = dict(enumerate(config))
    if not named:
        return {at: str(config)}
    parts = [_flat(part, f"{at}.{name}" if at else str(name)) for name, part in named.items()]
    return {key: text for part in parts for key, text in part.items()}


def _cells(texts: Sequence[str]) -> list[str]:
    """Return texts without their middles if they are long, whole if that would hide what differs."""
    cut = [elided(text, 90) for text in texts]
    return cut if len(set(cut)) == len(set(texts)) else list(texts)
