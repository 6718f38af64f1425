"""What a paper's methods section says of a run, as text to paste and as BibTeX."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from orchestrator import __version__
from orchestrator.config.moved_keys import with_moved_keys
from orchestrator.jobs.trials.trial import trials_in
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.priors import Choice, Prior
from orchestrator.optimisers.registry import kind_of, recorded_options, sigma_decides
from orchestrator.optimisers.space import Parameter
from orchestrator.references import PROGRAMS, Cited, Reference, entry
from orchestrator.report.described import Wanted, range_of
from orchestrator.report.history import History
from orchestrator.report.listings import versions
from orchestrator.report.naming import plural
from orchestrator.report.texts.dates import day
from orchestrator.simulations.loaded import COMMIT
from orchestrator.simulations.registry import describe

_SOFTWARE = (
    ("author", "{The mozaik-orchestrator developers}"),
    ("title", "mozaik-orchestrator"),
    ("version", __version__),
)


def methods_text(history: History, changed: Sequence[str] = ()) -> str:
    """Return everything that decided about a run, in sentences and lists; nothing that is not known is guessed.

    Parameters
    ----------
    history : History
        Of the run.
    changed : sequence of str
        The model's files of code that have changed since the run began.
    """
    paragraphs = [_programs(history, changed), _search(history), _simulations(history), _best(history)]
    parameters = [f"- {line}" for line in _parameters(history)]
    others = [f"- {line}" for line in _not_searched(history)]
    targets = [f"- {line}" for line in _targets(history)]
    return "\n".join(
        [
            *(f"{each}\n" for each in paragraphs if each),
            f"Parameters ({len(parameters)}), with their bounds:",
            *parameters,
            "",
            *([f"Not searched ({len(others)}):", *others, ""] if others else []),
            f"Targets ({len(targets)}); a score is the distance from what is wanted in norms, the total their sum:",
            *targets,
        ]
    )


def bibtex(history: History) -> str:
    """Return the entries of the program, of the method and of the simulators."""
    made_with = history.versions.get("orchestrator", __version__)
    software = [(name, made_with if name == "version" else value) for name, value in _SOFTWARE]
    entries = [entry("software", "mozaik_orchestrator", software)]
    return "\n\n".join([*entries, *(each.bibtex for each in _references(history))]) + "\n"


def _known(history: History) -> dict[str, str]:
    """Return the versions by program, and what is known of the model's sources."""
    return dict(versions(history))


def _references(history: History) -> list[Reference]:
    known, (method, parts, polish) = _known(history), _optimisers(history)
    own = [PROGRAMS[name] for name in PROGRAMS if name in known]
    used = [each for cited in (method, *parts, polish) for each in cited.references]
    # entries of somebody else's may have a key that is here already
    return [*{each.key: each for each in (*used, *own)}.values()]


def _section(history: History, name: str) -> Mapping[str, Any]:
    found = with_moved_keys(history.config).get(name)
    return found if isinstance(found, Mapping) else {}


def _optimisers(history: History) -> tuple[Cited, Sequence[Cited], Cited]:
    """Return the optimiser's method, what it works with, and the local one that finishes, whose words may be empty.

    One that is not here, or is in a file of the user's own, has its name and nothing that is cited.
    """
    section = _section(history, "optimiser")
    options = recorded_options(section)
    method, polish = (_optimiser(section.get(name)) for name in ("method", "polish"))
    return method, options.parts if options is not None else (), polish


def _optimiser(name: object) -> Cited:
    if not name or name == "none":
        return Cited("")
    kind = kind_of(name)
    return kind.cited if kind is not None else Cited(str(name))


def _programs(history: History, changed: Sequence[str]) -> str:
    known = _known(history)
    commit = known.pop(COMMIT, "")
    cited = {name: (PROGRAMS[name],) for name in PROGRAMS}
    named = [str(Cited(f"{name} {version}", cited.get(name, ()))) for name, version in known.items()]
    model = describe(history.config.get("simulation")) or "a model"
    text = f"The parameters of {model} were fitted with mozaik-orchestrator."
    text += f" Versions: {', '.join(named)}." if named else ""
    text += (
        f" When the run began, the model was that of {commit}."
        if commit
        else " Of which version of its sources the model was is not known."
    )
    return f"{text} Its files have changed since, while the run went on: {', '.join(changed)}." if changed else text


def _search(history: History) -> str:
    method, parts, polish = _optimisers(history)
    keys = ("offspring_size", "optimiser_seed", "optimiser_sigma")
    size, seed, sigma = (history.config.get(key) for key in keys)
    section = _section(history, "optimiser")
    # what says when something happens that does not happen at all
    idle = {"polish", *(() if polish.words else ("polish_after",))}
    idle |= {"method"} if section.get("method") == method.words else set()
    idle |= {"priors"} if all(each.uniform for each in history.parameters) else set()
    idle |= {"reweigh_after"} if section.get("weighting") == "sum" else set()
    given = [f"{name} {_as_given(value)}" for name, value in section.items() if name not in idle and _is_said(value)]
    text = f"The method was {method}" if method.words else "The method is not known"
    text += "".join(f", with {each}" for each in parts)
    text += f", to be finished by {polish}" if polish.words else ""
    text += f" ({', '.join(given)})" if given else ""
    text += f", with {size} offspring per generation" if size else ""
    text += _sigma(sigma, recorded_options(section)) if sigma else ""
    text += f", and seed {seed}" if seed is not None else ""
    seeds = _section(history, "simulation").get("seeds")
    if isinstance(seeds, Mapping) and seeds:
        text += f". Seeds of the simulations: {', '.join(f'{name} {value}' for name, value in seeds.items())}"
    return f"{text}."


def _sigma(sigma: object, options: OptimiserOptions | None) -> str:
    """Return the first width of the search if it decided; of a method that nobody here knows, what was given."""
    if options is None:
        return f", optimiser_sigma {sigma}"
    return f", an initial standard deviation of {sigma} of the ranges" if sigma_decides(options) else ""


def _is_said(value: object) -> bool:
    return value is not None and value not in ("", [], {})


def _as_given(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _simulations(history: History) -> str:
    if not len(history):
        return "No generation is complete yet."
    counts = Counter(str(outcome) for outcome in history.outcome)
    outcomes = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    trials = _section(history, "simulation").get("trials")
    each = f" of {trials} trials each" if isinstance(trials, int) and trials > 1 else ""
    text = f"{plural(len(history), 'evaluation')}{each} in {plural(len(history.numbers), 'generation')}"
    begin, end = history.begin, float(np.fmax.reduce(history.times["finished"]))
    if math.isfinite(begin) and math.isfinite(end):
        text += f" were made between {day(begin)} and {day(end)}"
    text += f", with these outcomes: {outcomes}."
    hours, cores = core_hours(history)
    if hours > 0:
        text += f" They took {hours:,.3g} core-hours ({cores:.3g} core{'' if cores == 1 else 's'} each)."
    return text


def core_hours(history: History) -> tuple[float, float]:
    """Return how long the cores of all evaluations with known times were taken in h, and the cores of one of them.

    On this machine these are ``threads`` or ``n_procs`` of the simulation. On a cluster they are ``ntasks`` times
    ``cpus_per_task`` of the section ``jobs``, or times the former if that says nothing of cores; evaluations that a job
    makes at once share them. It is not known, 0, where each trial of an evaluation has had a job of its own.
    """
    jobs, simulation = _section(history, "jobs"), _section(history, "simulation")
    own = _count(simulation.get("threads")) or _count(simulation.get("n_procs")) or 1
    cores = float(own)
    if history.config.get("executor") != "local":
        asked = (_count(jobs.get("ntasks")) or 1) * (_count(jobs.get("cpus_per_task")) or own)
        shared = jobs.get("evaluations_per_job", 1) != 1
        cores = asked / (_count(jobs.get("processes_per_job")) or asked) if shared else float(asked)
    seconds = history.times["finished"] - history.times["started"]
    if trials_in(history.config) > 1:
        return 0.0, cores
    return float(seconds[np.isfinite(seconds) & (seconds > 0)].sum()) * cores / 3600, cores


def _count(value: object) -> int:
    """Return a number of a configuration that may say anything, 0 if it is none."""
    return value if isinstance(value, int) and value > 0 else 0


def _best(history: History) -> str:
    if (row := history.best) is None:
        return ""
    met = int((history.scores[row] <= 1).sum())
    return (
        f"The best total score was {history.total[row]:.4g} (generation {history.generation[row]}, offspring "
        f"{history.offspring[row]}), with {met} of {plural(len(history.targets), 'target')} within 1 norm."
    )


def _parameters(history: History) -> Iterator[str]:
    best = history.points[history.best] if history.best is not None else None
    for n, each in enumerate(history.parameters):
        kind = ", ".join([*(["logarithmic"] if each.log else []), *(["whole numbers"] if each.integer else [])])
        found = f"; best {best[n]:.6g}" if best is not None else ""
        spec = range_of(history.config, each.name)
        bounds = f"{each.range_in_words()}{f' ({kind})' if kind else ''}" if spec else "bounds not known"
        bounds = f"one of {each.choice}" if each.choice is not None else bounds
        yield f"{each.name}: {bounds}{_prior(each)}{_other_names(spec.names if spec else None)}{found}"


def _prior(parameter: Parameter) -> str:
    """Return what is believed of a parameter, empty if every place in its range is as likely."""
    prior = parameter.prior
    if isinstance(prior, Prior):
        words = "mean {:g}, sd {:g}" if prior.kind == "normal" else "median {:g}, sd of the logarithm {:g}"
        return f"; prior: {prior.kind}, {words.format(prior.centre, prior.deviation)}"
    weights = prior.weights if isinstance(prior, Choice) else ()
    return f" with weights {', '.join(f'{weight:g}' for weight in weights)}" if weights else ""


def _other_names(names: Sequence[str] | None) -> str:
    if names is None:
        return ""
    return f"; simulations get it as {', '.join(names)}" if names else "; only in expressions"


def _not_searched(history: History) -> Iterator[str]:
    """Return what simulations got besides, one line per parameter: constants, and what is computed."""
    for name, spec in _section(history, "parameters").items():
        if isinstance(spec, Mapping) and "expression" in spec:
            yield f"{name}: {spec['expression']}, computed"
        elif isinstance(spec, (int, float)):
            yield f"{name}: {spec}, constant"


def _targets(history: History) -> Iterator[str]:
    for each in history.targets:
        wanted = f"{each.text} {each.unit}".strip() if each.text else "not known"
        yield f"{each.label}: {wanted}{_norm(each)}"


def _norm(each: Wanted) -> str:
    return f"; norm {each.norm:g}, score at most {each.max_score:g}" if math.isfinite(each.norm) else ""
