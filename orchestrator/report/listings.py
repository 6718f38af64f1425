"""Tables of the page: the best, the failures, configuration and versions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import yaml

from orchestrator.durations import format_duration
from orchestrator.report.history import History
from orchestrator.report.naming import elided, short_labels

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
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
    """Return the best evaluations, the best first."""
    rows = history.ranked(top)
    spent = np.fmax(history.times["finished"] - history.times["started"], 0)
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
                parameters=tuple(f"{value:.4g}" for value in history.points[row]),
                values=tuple(f"{value:.4g}" if math.isfinite(value) else "–" for value in history.values[row]),
                good=tuple(bool(score <= 1) for score in scores),
            )
        )
    return best


def centroid_yaml(history: History) -> str:
    """Return the parameters of the best evaluation with all digits, as `optimiser_centroid` takes them."""
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
        log = last_lines(str(logs[row]))
        found.append(Failure(kind[0], message, counts[kind], place, str(history.frame["host"].iloc[row]), log))
    return found


def plain(text: str) -> str:
    """Return `text` without colours, other control characters, and marks that reverse the order of letters."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def last_lines(text: str) -> str:
    """Return the end of a log that fits on the page."""
    lines = [line.rstrip()[:400] for line in plain(text).splitlines()]
    return "\n".join(line for line in lines[-_LOG_LINES:])[-_LOG_LETTERS:].strip("\n")


def versions(history: History) -> list[tuple[str, str]]:
    """Return programs and versions: those of the checkpoint, and those of the jobs where they differ."""
    found = {name: {str(version)} for name, version in history.versions.items()}
    for each in history.details["versions"]:
        for name, version in each.items():
            found.setdefault(str(name), set()).add(str(version))
    return [(name, ", ".join(sorted(versions))) for name, versions in found.items()]


def hosts(history: History) -> str:
    """Return on which nodes how many evaluations ran."""
    counts = Counter(str(host) for host in history.frame["host"] if host)
    return ", ".join(f"{host} ({count:,})" for host, count in counts.most_common(12))


def differing_keys(histories: Sequence[History]) -> list[tuple[str, list[str]]]:
    """Return keys of the configurations that differ between runs, and what each run says."""
    flat = [_flat(each.config) for each in histories]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    rows = [(key, [elided(each.get(key, "–"), 90) for each in flat]) for key in keys]
    return [(key, texts) for key, texts in rows if len({each.get(key) for each in flat}) > 1]


def _flat(config: object, at: str = "") -> dict[str, str]:
    if isinstance(config, dict) and config:
        parts = [_flat(part, f"{at}.{name}" if at else str(name)) for name, part in config.items()]
        return {key: text for part in parts for key, text in part.items()}
    return {at: str(config)}
