"""The network that the benchmarks emulate is the one that they simulate."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import real_network

from orchestrator.checking.problems import load_checked_config


def test_the_model_of_the_benchmark_can_be_optimised(tmp_path: Path) -> None:
    config = load_checked_config(real_network.copy_of_the_model(tmp_path / "network"), ["optimiser.model=targets"])
    assert len(config.parameters) == len(config.targets) == 8
    assert set(config.optimiser_centroid) == set(config.parameters)
    folder = tmp_path / "network" / "param_optim"
    densities = [(folder / name).read_text().split("'density': ")[1].split(",")[0] for name in ("exc", "inh")]
    assert densities == ["25.0", "6.25"]  # 400 and 100 neurons on 16 square millimetres


def test_the_method_with_the_worst_seed_and_the_one_with_the_best_are_compared() -> None:
    def run(method: str, seed: int, *best: float) -> dict[str, object]:
        totals = [best[0]] * 40 + [best[1]] * 40
        return {"method": method, "seed": seed, "best": totals, "seconds": 60.0, "cpu_seconds": 100.0}

    found = [run("none", 1, 20, 9), run("targets", 1, 12, 4), run("none", 2, 22, 8), run("targets", 2, 8, 5)]
    figures = real_network.figures(found, 80)
    assert figures["best_at_40"] == {"none": {"1": 20, "2": 22}, "targets": {"1": 12, "2": 8}}
    assert figures["best_at_80"] == {"none": {"1": 9, "2": 8}, "targets": {"1": 4, "2": 5}}
    assert (figures["model_worst_at_80"], figures["plain_best_at_80"]) == (5, 8)
    assert (figures["simulations"], figures["cpu_seconds"]) == (320, 400.0)
