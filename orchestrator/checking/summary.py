"""What `orchestrator check` shows: a short table, problems and notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from orchestrator.checking.check import Inspection
from orchestrator.checking.costs import cost_text, job_text
from orchestrator.config.durations import format_duration
from orchestrator.config.model import Config
from orchestrator.data import DataSource
from orchestrator.data.described import described
from orchestrator.errors import ConfigProblem
from orchestrator.simulations import model_of


def summary_table(found: Inspection) -> Table:
    """Return the table of what a run is and costs, for a terminal; empty if nothing could be read."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in summary_rows(found):
        table.add_row(f"  {name}", Text(value))
    return table


def summary_rows(found: Inspection) -> Iterator[tuple[str, str]]:
    """Yield what a run is and costs, name and value; nothing if nothing could be read."""
    config = found.config
    if config is None:
        return
    yield "model", f"{model_of(config).describe()} in {config.model_dir}"
    yield "parameters", _parameters(config)
    yield "targets", _targets(config)
    for name, recording in config.measured.items():
        yield "data", f"{name}: {described(recording)} ({_origin(config.data[name])})"
    if found.costs is not None:
        trials = config.simulation.jobs_per_evaluation
        factors = f"{f' x {trials} trials' if trials > 1 else ''} x {config.generations} generations"
        size = f"{config.offspring_size} offspring{factors} = {found.costs.jobs} simulations"
        yield "jobs", f"{size} ({job_text(config, found.costs)})"
        if config.executor == "slurm":
            yield "cost", cost_text(found.costs)
        total = format_duration(config.generations * config.timeout)
        yield "duration", f"at most {total} ({config.generations} x timeout of {format_duration(config.timeout)})"
    if found.disk is not None:
        yield "disk", found.disk.text()
    if found.cluster:
        yield "cluster", found.cluster
    if found.node:
        yield "node", found.node


def _parameters(config: Config) -> str:
    specs, given = list(config.searched.values()), config.given()
    kinds = {
        "logarithmic": sum(spec.scale == "log" for spec in specs),
        "integer": sum(spec.integer and spec.choice is None for spec in specs),
        "of a few values": sum(spec.choice is not None for spec in specs),
    }
    named = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
    others = {"constant": len(given.constants), "expression": len(given.expressions)}
    besides = ", ".join(f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in others.items() if number)
    return f"{len(specs)}{f' ({named})' if named else ''}{f'; besides {besides}' if besides else ''}"


def _origin(source: DataSource) -> str:
    return str(source.file or source.function)


def _targets(config: Config) -> str:
    sheets = dict.fromkeys(str(spec["sheet_name"]) for spec in config.targets if spec.get("sheet_name"))
    where = f" on {', '.join(sheets)}" if sheets else ""
    return f"{len(config.targets)}{where}"


def lines_of(problems: Sequence[ConfigProblem], source: Path, style: str) -> Iterator[Text]:
    """Yield a line for each problem or note: file and line, key, message."""
    for problem in problems:
        text = Text()
        if problem.key or problem.line:
            text.append(f"{source}{f':{problem.line}' if problem.line else ''}: ", style="dim")
        if problem.key:
            text.append(f"{problem.key}: ", style=style)
        text.append(problem.message)
        yield text
