"""The best parameters, and the Pareto front, for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

import yaml

from orchestrator.reevaluation.choosing import BestEvaluations
from orchestrator.reevaluation.front import Front
from orchestrator.reevaluation.noise import Luck
from orchestrator.text import command_line

# longest name of a file in nearly every file system, in bytes
_LONGEST_NAME = 255
# above it mozaik shortens the overridden names in the name of its results directory to their last parts
_LONG = 100

TOO_LONG = (
    "mozaik names its results directory after all overrides, and with these the name is longer than file systems take "
    "(255 bytes): write them into a parameter folder instead, orchestrator best RUN --apply param_best"
)


def as_json(luck: Luck) -> str:
    """Return a list, best first; with each target its noise, null if nothing is known of it."""
    found = [candidate.to_json() for candidate in luck.choice.best]
    noises = {label: noise.to_json() for label, noise in luck.noises.items()}
    for candidate in found:
        candidate["targets"] = [{**target, "noise": noises.get(target["name"])} for target in candidate["targets"]]
    return json.dumps(found, indent=1, allow_nan=False)


def as_yaml(choice: BestEvaluations) -> str:
    """Return the parameters, fit for ``optimiser_centroid``; of several evaluations a list of them, best first."""
    parameters = [dict(candidate.parameters) for candidate in choice.best]
    return yaml.safe_dump(parameters[0] if choice.wanted == 1 else parameters, sort_keys=False, width=200)


def as_csv(front: Front) -> str:
    """Return a table with a row for each member of a Pareto front, empty if there are none.

    The columns are ``rank``, ``generation``, ``offspring``, ``knee`` (0 or 1) and ``total_score``, then as in a
    checkpoint ``parameter:<name>`` of what is searched, and ``value:<target>`` (empty if there is none) and
    ``score:<target>`` of all targets.
    """
    text, knee = io.StringIO(), front.knee
    writer = csv.writer(text, lineterminator="\n")
    if knee is not None:
        columns = {"parameter": knee.parameters, "value": knee.values, "score": knee.scores}
        names = [f"{kind}:{name}" for kind, named in columns.items() for name in named]
        writer.writerow(["rank", "generation", "offspring", "knee", "total_score", *names])
    for each in front.members:
        identity = (each.rank, each.generation, each.offspring, int(each is knee), each.total_score)
        writer.writerow([*identity, *each.parameters.values(), *each.values.values(), *each.scores.values()])
    return text.getvalue()


def as_overrides(parameters: Mapping[str, float | int]) -> str:
    """Return ``name value`` pairs for the command line of a model's run.py, quoted for the shell.

    mozaik evaluates every value, so that numbers are written with all their digits and without quotes of their own.
    """
    return command_line(*(word for name, value in parameters.items() for word in (name, repr(value))))


def overrides_too_long(parameters: Mapping[str, float | int]) -> bool:
    """Whether mozaik cannot make the results directory of these overrides, which it names after all of them."""
    # the order of mozaik does not matter here; the model's and the run's name come on top, of unknown length
    text = "_".join(f"{name}:{value}" for name, value in parameters.items())
    if len(text) > _LONG:
        text = "_".join(f"{name.split('.')[-1]}:{value}" for name, value in parameters.items())
    return len(f"_____{text}".encode()) + 40 > _LONGEST_NAME
