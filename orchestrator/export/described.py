"""What an RO-Crate says of a run, in JSON-LD: files, the optimisation, its programs, parameters and targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from orchestrator.reevaluation.choosing import Candidate
from orchestrator.report.history import History
from orchestrator.report.listings import versions

METADATA = "ro-crate-metadata.json"
_CRATE, _PROFILE = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/wfrun/process/0.5"
_PROGRAM, _ACTION = "#orchestrator", "#optimisation"
_NO_LICENCE = "None is stated: ask those who made the run"
# what is said of one thing
Entity = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A file.

    Parameters
    ----------
    name : str
        Relative to the crate.
    media_type, description : str
        What it is, for programs and for people.
    is_input : bool
        Whether the optimisation began with it, rather than made it.
    """

    name: str
    media_type: str
    description: str
    is_input: bool = False


@dataclass(frozen=True, eq=False)
class Published:
    """A run that is published.

    Parameters
    ----------
    name : str
        Of the run.
    history : History
        What it holds.
    best : tuple of Candidate
        The best evaluation, if there is one.
    terms : str or None
        The licence, an address or a text; None if none is stated.
    """

    name: str
    history: History
    best: tuple[Candidate, ...]
    terms: str | None

    @property
    def description(self) -> str:
        """The run in a sentence."""
        history = self.history
        outcomes = ", ".join(f"{n} {name}" for name, n in history.frame["outcome"].value_counts().items())
        method = history.config.get("optimiser")
        named = method.get("method") if isinstance(method, Mapping) else None
        by = f" by the optimiser {named}" if isinstance(named, str) else ""
        return (
            f"An optimisation of {len(history.parameters)} parameters against {len(history.targets)} targets{by}: "
            f"{len(history)} evaluations ({outcomes})."
        )


def metadata_of(run: Published, parts: Sequence[Part], folder: Path) -> Mapping[str, Any]:
    """Return the content of `METADATA`.

    Parameters
    ----------
    run : Published
        The run.
    parts : sequence of Part
        All files but the metadata.
    folder : pathlib.Path
        Where they are.
    """
    history = run.history
    searched = [_parameter(history, n) for n in range(len(history.parameters))]
    targets = [_target(history, n) for n in range(len(history.targets))]
    found = [each for candidate in run.best for each in _found(candidate)]
    programs = list(_programs(history))
    began = [part.name for part in parts if part.is_input]
    made = [part.name for part in parts if not part.is_input]
    action: Entity = {
        "@id": _ACTION,
        "@type": "CreateAction",
        "name": f"Optimisation {run.name}",
        "description": run.description,
        "instrument": {"@id": _PROGRAM},
        "object": _one_or_all([*map(_reference, began), *map(_to, [*searched, *targets])]),
        "result": _one_or_all([*map(_reference, made), *map(_to, found)]),
        **_times(history),
    }
    licence, entities = _licence(run.terms)
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": run.name,
        "description": run.description,
        "datePublished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "license": licence,
        "conformsTo": {"@id": _PROFILE},
        "hasPart": [_reference(part.name) for part in parts],
        "mentions": {"@id": _ACTION},
    }
    about: Entity = {"@id": METADATA, "@type": "CreativeWork"}
    about |= {"conformsTo": {"@id": _CRATE}, "about": {"@id": "./"}}
    profile: Entity = {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    files = [_file(part, folder) for part in parts]
    graph = [about, root, profile, *entities, *files, action, *programs, *searched, *targets, *found]
    return {"@context": f"{_CRATE}/context", "@graph": graph}


def _reference(name: str) -> Entity:
    return {"@id": quote(name)}


def _to(entity: Entity) -> Entity:
    return {"@id": entity["@id"]}


def _one_or_all(entities: list[Entity]) -> Entity | list[Entity]:
    """Return a list, and what is in it alone, as RO-Crate recommends."""
    return entities[0] if len(entities) == 1 else entities


def _file(part: Part, folder: Path) -> Entity:
    return {
        **_reference(part.name),
        "@type": "File",
        "name": part.name,
        "description": part.description,
        "encodingFormat": part.media_type,
        "contentSize": str((folder / part.name).stat().st_size),
    }


def _licence(terms: str | None) -> tuple[Any, list[Entity]]:
    """Return what the crate refers to, and the entity if that is an address."""
    if terms is None or not terms.startswith(("https://", "http://")):
        return terms or _NO_LICENCE, []
    return {"@id": terms}, [{"@id": terms, "@type": "CreativeWork", "name": terms, "description": "The licence"}]


def _programs(history: History) -> Iterator[Entity]:
    """Yield this program, and what else decided about the run, in the versions that the run was made with."""
    known = dict(versions(history))
    own = known.pop("orchestrator", "unknown")
    others = [
        {"@id": f"#program-{quote(name, safe='')}", "@type": "SoftwareApplication", "name": name, "version": version}
        for name, version in known.items()
    ]
    yield {
        "@id": _PROGRAM,
        "@type": "SoftwareApplication",
        "name": "mozaik-orchestrator",
        "version": own,
        "softwareRequirements": _one_or_all([_to(each) for each in others]),
    }
    yield from others


def _parameter(history: History, number: int) -> Entity:
    each = history.parameters[number]
    scale = f"{'whole numbers, ' if each.integer else ''}{'logarithmic' if each.log else 'linear'} scale"
    between = "" if each.moving is None else f", between {each.moving.low.text} and {each.moving.high.text}"
    values = f"one of {each.choice}" if each.choice is not None else f"{scale}{between}"
    return {
        "@id": f"#parameter-{quote(each.name, safe='')}",
        "@type": "PropertyValue",
        "name": each.name,
        "description": f"A searched parameter: {values}",
        "minValue": each.low,
        "maxValue": each.high,
    }


def _target(history: History, number: int) -> Entity:
    each = history.targets[number]
    known = [each.class_name] if each.class_name else []
    known += [] if math.isnan(each.norm) else [f"norm {each.norm:g}"]
    return {
        "@id": f"#target-{quote(each.label, safe='')}",
        "@type": "PropertyValue",
        "name": each.label,
        "description": ": ".join(["A target", *filter(None, [", ".join(known)])]),
        **({"value": each.text} if each.text else {}),
        **({"unitText": each.unit} if each.unit else {}),
    }


def _found(best: Candidate) -> Iterator[Entity]:
    """Yield the parameters of the best evaluation."""
    for name, value in best.parameters.items():
        yield {
            "@id": f"#best-{quote(name, safe='')}",
            "@type": "PropertyValue",
            "name": name,
            "description": f"Of the best evaluation, {best.name}: {best.score_words}",
            "value": value,
        }


def _times(history: History) -> Entity:
    """Return when the first evaluation began and the last one ended, as far as that is known."""
    began, ended = (history.frame[name].to_numpy(dtype=float) for name in ("started", "finished"))
    found = {"startTime": began[np.isfinite(began)], "endTime": ended[np.isfinite(ended)]}
    ends = {"startTime": np.min, "endTime": np.max}
    return {
        name: datetime.fromtimestamp(float(ends[name](times)), timezone.utc).isoformat(timespec="seconds")
        for name, times in found.items()
        if len(times)
    }
