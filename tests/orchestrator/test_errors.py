"""Errors are raised in one process and shown by another: they come over as they are."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestrator
import targets
from orchestrator.cluster.base import SubmissionFailed
from orchestrator.data.errors import DataError, Unreadable
from orchestrator.errors import ConfigError, ConfigProblem, RunFailed
from orchestrator.parameters.expressions import NoNumber
from orchestrator.parameters.given import WrongParameters
from orchestrator.records import Outcome
from orchestrator.schedules.base import ReplayDiffers
from orchestrator.simulations.annarchy.loading import Unusable
from orchestrator.simulations.base import SimulationFailed
from targets.base import UnfitData, Unmeasurable
from targets.registry import TargetError, TargetProblem

# one of each class that takes more than a message
OWN_ARGUMENTS = (
    (ConfigError(Path("c.yaml"), [ConfigProblem("jobs.ntasks", "expected 1", 3)]), "c.yaml:3: jobs.ntasks: expected 1"),
    (DataError([(("data", "v"), "is empty")]), "data.v: is empty"),
    (NoNumber("'1 / x' has no value", "y"), "'1 / x' has no value"),
    (ReplayDiffers(3), "generation 3 has other points than the optimiser asks for now"),
    (SimulationFailed(Outcome.OUT_OF_MEMORY, "too large"), "too large"),
    (SubmissionFailed("no answer", transient=True, too_many=True), "no answer"),
    (TargetError([TargetProblem((2, "norm"), "is 0")]), "targets[2].norm: is 0"),
    (UnfitData("trace", "has no such trace"), "has no such trace"),
    (Unmeasurable("window", "is empty"), "window: is empty"),
    (Unreadable("columns", "expected 2"), "expected 2"),
    (Unusable("monitors", "is no list"), "is no list"),
    (WrongParameters([("x", "is no number"), ("y", "is missing")]), "x: is no number; y: is missing"),
)


@pytest.mark.parametrize(
    ("error", "text"), [(RunFailed("full"), "full"), *OWN_ARGUMENTS], ids=lambda each: type(each).__name__
)
def test_an_error_from_another_process_is_the_same(error: Exception, text: str) -> None:
    """A failed simulation came as a `TypeError` of its own class, about a missing argument."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error) == text
    assert vars(again) == vars(error)


@pytest.mark.run  # everything is imported
def test_every_error_with_arguments_of_its_own_is_tried() -> None:
    own = {each for each in exceptions() if "__init__" in vars(each)}
    assert own == {type(error) for error, _ in OWN_ARGUMENTS}


def exceptions() -> Iterator[type[BaseException]]:
    """Yield every class of the program that can be raised."""
    for package in (orchestrator, targets):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                for each in vars(importlib.import_module(module.name)).values():
                    if inspect.isclass(each) and issubclass(each, BaseException) and each.__module__ == module.name:
                        yield each
