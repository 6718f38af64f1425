"""Connectors that are built in processes, as today's mozaik does, on a real network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.config.sections import ExplosionCheck
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.mozaik.simulation import MozaikSimulation
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.phases import Phase, noted
from targets import Datastore

pytestmark = pytest.mark.mozaik

# two processes for each connector, with a queue each, which are waited for one after the other
BUILT = """
    def _build(self, part, queue):
        if part == 0 and self.name == "InhExcConnection":
            {}
        queue.put([self.parameters.k] * 50_000)

    def _connect(self):
        queues = [multiprocessing.Queue() for _ in range(2)]
        processes = [multiprocessing.Process(target=self._build, args=pair) for pair in enumerate(queues)]
        for process in processes:
            process.start()
        for process, queue in zip(processes, queues):
            assert queue.get()[-1] == self.parameters.k
            process.join()
"""
BEFORE = ("import os", "import nest", "os.environ['FROM_BEFORE'] = nest.__version__")


class Built:
    """A copy of the balanced network in which a process of the third connector does something."""

    def __init__(self, model: Any, does: str, between_checks: float) -> None:
        text, connect = (model.path / "model.py").read_text(), "\n    def _connect(self):\n"
        assert connect in text
        text = text.replace(connect, BUILT.format(does))
        (model.path / "model.py").write_text(f"import multiprocessing\nimport os\n\nos.environ['FROM_BEFORE']\n{text}")
        script = model.path / "param_optim/run_optimization_experiment.py"
        checks = "CHECKS, BETWEEN_CHECKS = 6, 5.0"
        assert checks in script.read_text()
        script.write_text(script.read_text().replace(checks, f"CHECKS, BETWEEN_CHECKS = 6, {between_checks}"))
        self.attempt = AttemptPaths(model.path / "attempt", model.path / "result.json")
        self.attempt.directory.mkdir()
        context = SimulationContext(explosion_check=ExplosionCheck(enabled=False))
        options = MozaikOptions(model=model.reference, before=BEFORE)
        self.simulation = MozaikSimulation(options, model.path, context)
        task = {"model": options.model, "experiments": options.experiments, "before": list(options.before)}
        task |= {"progress": str(self.attempt.progress), "explosion_check": {"enabled": False}}
        self.attempt.task.write_text(json.dumps(task))

    def simulate(self) -> None:
        self.simulation.simulate({"spontaneous_duration": 50.0}, self.attempt)


@pytest.fixture
def built(make_model: Callable[[str, str], Any]) -> Callable[[str, float], Built]:
    return lambda does, between_checks: Built(
        make_model("balanced_network", "model:BalancedNetwork"), does, between_checks
    )


def test_a_network_whose_connectors_are_built_in_processes_is_simulated(built: Callable[[str, float], Built]) -> None:
    network = built("pass", 0.5)
    network.simulate()
    # as every kind in tests/conformance/test_simulations.py has to
    store = network.simulation.recordings(network.attempt)
    assert isinstance(store, Datastore)
    assert store.sheets == ["Exc", "Inh"]
    seconds = network.simulation.seconds(network.attempt)
    assert seconds
    assert all(each >= 0 for each in seconds.values())
    assert list(noted(network.attempt))[-1] is Phase.FINISHED
    assert "in vain" not in network.attempt.log.read_text()


@pytest.mark.parametrize(
    ("does", "between_checks", "outcome", "said"),
    [
        ('raise AssertionError("InhExcConnection: 10 20")', 5.0, Outcome.SIMULATION_ERROR, "ended with exit code 1"),
        ("os.kill(os.getpid(), 9)", 0.5, Outcome.CANCELLED, "was killed by SIGKILL"),
    ],
    ids=["raises, as often as is looked", "is killed, more often"],
)
def test_one_that_dies_ends_the_simulation_within_a_minute(
    built: Callable[[str, float], Built], does: str, between_checks: float, outcome: Outcome, said: str
) -> None:
    """A process that raised was waited for until the job's time was over."""
    network = built(f"open('dies', 'w').close(); {does}", between_checks)
    with pytest.raises(SimulationFailed, match=rf"{said}, and is waited for in vain$") as caught:
        network.simulate()
    died = network.simulation.model_dir / "dies"
    assert 6 * between_checks <= time.time() - died.stat().st_mtime < 60
    assert caught.value.outcome is outcome
    log = network.attempt.log.read_text()
    assert ("AssertionError: InhExcConnection: 10 20" in log) == ("Assertion" in does)
    assert "in _connect\n" in log
