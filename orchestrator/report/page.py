"""report.html: one file with everything in it."""

from __future__ import annotations

import base64
import functools
import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from orchestrator import __version__
from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.files import write_text
from orchestrator.jobs.trials.trial import trials_in
from orchestrator.paths import RunPaths
from orchestrator.reevaluation.noise import Luck
from orchestrator.report import figures, listings, summary
from orchestrator.report.embedding import Embedding, script_json
from orchestrator.report.figures.common import parameter_names, target_names
from orchestrator.report.figures.comparison import look, run_names
from orchestrator.report.figures.registry import sections_of
from orchestrator.report.history import History
from orchestrator.report.naming import elided, plural, short_labels, short_names
from orchestrator.report.palette import DARK
from orchestrator.report.scene import Figure
from orchestrator.report.svg import static
from orchestrator.report.texts.dates import dates, ending
from orchestrator.report.texts.differences import differences, read_reference
from orchestrator.report.texts.methods import bibtex, methods_text
from orchestrator.simulations.registry import describe
from orchestrator.text import plain

_FOLDER = Path(__file__).parent / "web"
_SCRIPTS = ("data", "scales", "marks", "panel", "hover", "evaluation", "brush", "downloads", "figures")


def write_report(runs: Sequence[RunPaths], output: Path, *, ended: str = "", reference: Path | None = None) -> Path:
    """Write the report of a run, or of several that are compared, as one file that needs no other.

    Parameters
    ----------
    runs : sequence of RunPaths
        At least one. Their checkpoints are read; nothing else of them has to be there.
    output : pathlib.Path
        The html file. It is replaced in one step, so that who opens it sees it whole.
    ended : str
        Why the run has just ended, if its own controller has its last report written.
    reference : pathlib.Path, optional
        A file with values of parameters that the best of a single run are compared with, instead of the start values,
        as `orchestrator.report.texts.differences.read_reference` reads it.

    Returns
    -------
    pathlib.Path
        `output`.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no run, or one has no readable checkpoint, or numbers in it that no run of this program has; if the
        reference is not readable, or there are several runs.
    OSError
        If `output` cannot be written; what was there is then as it was.
    """
    if not runs:
        raise UsageError("a report needs at least one run")
    if reference is not None and len(runs) > 1:
        raise UsageError(f"--reference {reference}: is for the report of one run, got {len(runs)} runs")
    checkpoints = [Checkpoint(paths.checkpoint) for paths in runs]
    try:
        histories = [History.of(checkpoint) for checkpoint in checkpoints]
        html = _run_page(histories[0], runs[0], ended, reference) if len(runs) == 1 else _comparison_page(histories)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        named = ", ".join(str(checkpoint.path) for checkpoint in checkpoints)
        words = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(f"{named}: holds numbers or texts of which no report can be made ({words})") from error
    write_text(output, html)
    return output


def _run_page(history: History, paths: RunPaths, ended: str, reference: Path | None) -> str:
    other = read_reference(reference, [each.name for each in history.parameters]) if reference is not None else None
    begun = bool(len(history))
    luck, problem = _luck(paths)
    sections = sections_of(history) if begun else []
    pictures = [kind.draw(history) for section in sections for kind in section.figures]
    done, most = summary.progress(history)
    return _render(
        "run.html",
        pictures,
        _shown(history),
        _names(history),
        history=history,
        sections=sections,
        subtitle=_subtitle(history),
        done=done,
        most=most,
        pace=summary.pace(history),
        in_flight=_in_flight(paths, done, trials_in(history.config)),
        tiles=summary.tiles(history, luck),
        findings=[*([problem] if problem else []), *summary.findings(history, luck)],
        good_news=summary.good_news(history),
        ending=ending(paths, ended),
        dates=dates(history),
        methods=methods_text(history, listings.files_changed(paths)),
        bibtex=bibtex(history),
        noises=listings.noises(history, luck),
        begun=begun,
        best=listings.best_evaluations(history),
        listed=_listed([*(each.name for each in history.parameters), *history.derived]),
        labelled=_labelled([each.label for each in history.targets]),
        differences=differences(history, other),
        centroid=listings.centroid_yaml(history),
        failures=listings.failures(history),
        failed=int((~history.ok).sum()),
        versions=listings.versions(history),
        hosts=listings.hosts(history),
        config=plain(history.config_text),
    )


def _listed(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return what simulations got, names and short names: what is searched, then what follows from it."""
    return list(zip(names, short_names(names), strict=True))


def _labelled(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is measured, labels and short labels."""
    return list(zip(labels, short_labels(labels), strict=True))


def _luck(paths: RunPaths) -> tuple[Luck | None, str]:
    """Return what is known of a run's luck, or why nothing is; the page can do without."""
    try:
        return Luck.of(Checkpoint(paths.checkpoint), 1), ""
    except UsageError as error:
        return None, str(error)


def _comparison_page(histories: Sequence[History]) -> str:
    pictures = [
        make(histories) for make in (figures.compare_scores, figures.compare_targets, figures.compare_parameters)
    ]
    names = list(dict.fromkeys(each.name for history in histories for each in history.parameters))
    bests = [
        dict(zip([each.name for each in history.parameters], history.points[history.best], strict=True))
        if history.best is not None
        else {}
        for history in histories
    ]
    return _render(
        "compare.html",
        pictures,
        None,
        {"parameters": [], "parameters_short": [], "targets": [], "targets_short": []},
        runs=list(zip(run_names(histories), histories, [look(n) for n in range(len(histories))], strict=True)),
        tiles=[summary.tiles(each) for each in histories],
        progress=[summary.progress(each) for each in histories],
        listed=_listed(names),
        labelled=_labelled(list(dict.fromkeys(each.label for history in histories for each in history.targets))),
        values=[[f"{best[name]:.4g}" if name in best else "–" for best in bests] for name in names],
        differences=listings.differing_keys(histories),
        notes=[f"{each.name}: {note}" for each in histories for note in each.notes],
    )


def _render(template: str, pictures: Sequence[Figure], shown: Any, names: Mapping[str, Any], **content: Any) -> str:
    embedding = Embedding()
    data = {
        "figures": [embedding.data(figure) for figure in pictures],
        "shown": embedding.data(shown),
        "names": embedding.data(names),
        "arrays": embedding.arrays,
    }
    script = "(function () {\n'use strict';\n" + "".join(_file(f"{name}.js") for name in _SCRIPTS) + "})();\n"
    text = (
        _environment()
        .get_template(template)
        .render(
            figure={figure.name: figure for figure in pictures},
            style=_file("report.css") + _dark(),
            script=script,
            # whatever a name or a log says, only this script runs, and nothing is loaded
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            data=script_json(data),
            written=time.strftime("%Y-%m-%d %H:%M %Z"),
            version=__version__,
            **content,
        )
    )
    # lone surrogates, which no file can hold, may come from names in a user's file
    return text.encode("utf-8", "replace").decode()


@functools.cache  # the report of a run is written again and again, and its templates stay
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # names and messages are texts to every browser, and reverse the order of no letters
    environment.finalize = lambda value: plain(value) if type(value) is str else value
    environment.filters["plural"] = plural
    environment.filters["elided"] = elided
    environment.filters["static"] = static
    return environment


def _dark() -> str:
    """Return the rules that draw figures on a dark page: whatever has a colour of the palette."""
    rules = "\n".join(
        f'  svg [fill="{light}"] {{ fill: {dark}; }}\n  svg [stroke="{light}"] {{ stroke: {dark}; }}'
        for light, dark in DARK.items()
    )
    return f"@media screen and (prefers-color-scheme: dark) {{\n{rules}\n}}\n"


def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _shown(history: History) -> dict[str, Any]:
    """Return everything about the evaluations that are drawn as points."""
    rows = history.shown
    outcomes, outcome = np.unique(history.outcome[rows].astype(str), return_inverse=True)
    return {
        "generation": history.generation[rows],
        "offspring": history.offspring[rows],
        "outcomes": [str(name) for name in outcomes],
        "outcome": outcome,
        "total": history.total[rows],
        "parameters": [history.points[rows, n] for n in range(len(history.parameters))],
        "values": [history.values[rows, n] for n in range(len(history.targets))],
        "scores": [history.scores[rows, n] for n in range(len(history.targets))],
    }


def _names(history: History) -> dict[str, list[str]]:
    return {
        "parameters": [each.name for each in history.parameters],
        "parameters_short": list(parameter_names(history)),
        "targets": [each.label for each in history.targets],
        "targets_short": list(target_names(history)),
    }


def _subtitle(history: History) -> str:
    size = history.config.get("offspring_size")
    parts = [
        describe(history.config.get("simulation")),
        plural(len(history.parameters), "parameter"),
        plural(len(history.targets), "target"),
        f"{size} offspring per generation" if size else "",
    ]
    return " · ".join(part for part in parts if part)


def _in_flight(paths: RunPaths, number: int, trials: int) -> str:
    """Return what is known of the generation that is not complete, empty if there is none."""
    generation = paths.generation(number)
    if not generation.record.is_file():
        return ""
    landed = {path.name.partition(".")[0] for path in generation.results.glob("*.json")}
    word = "result" if trials == 1 else "trial"
    return f"generation {number} in flight, {plural(len(landed), word)} so far"
