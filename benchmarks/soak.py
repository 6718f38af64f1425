"""Random faults of a real SLURM, of files, clocks and controllers, under short simulations: nothing may be lost.

    python benchmarks/soak.py [--minutes 20] [--offspring 300] [--seed 1] [--schedule rolling | --together 3]

Runs a virtual cluster of its own, with controllers on three hosts (namespaces of this machine, which takes root), and
breaks them in an order that the seed decides, for at least so long and so many evaluations, or until the optimiser has
converged. Then lets the run end in peace, compares the checkpoint bit for bit with what the optimiser asks where
nothing goes wrong (``--schedule rolling``: in the order in which results came), and counts what was simulated. The last
line is one JSON object: ``evaluations``, ``faults`` (how many, and ``kinds``: of each kind), ``wrong``, ``lost`` and
``doubled`` (evaluations), ``left`` (jobs, processes, files), ``unexpected`` (tracebacks, and what a controller has done
to a run that was no longer its own). Exit code 1 if there is anything of these five.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from slurm_configuration import ClusterSettings
from soak_controllers import Controllers, hosts
from soak_faults import Faults
from soak_findings import Simulations, check_checkpoint, left_behind
from soak_project import SIZE, Clocks, create_project, environment_of
from soak_surroundings import Surroundings
from virtual_cluster import VirtualCluster

NONE_OF = ("wrong", "lost", "doubled", "left", "unexpected")


def disturb(controllers: Controllers, faults: Faults, minutes: float, generations: int) -> None:
    """Inject faults until it was long enough, and see the run end."""
    begin = time.monotonic()
    while not controllers.ended():
        # the first generation may begin in peace, and the last end: a run that cannot end proves nothing
        if controllers.max_ngen is not None or controllers.run is None:
            pass
        elif time.monotonic() - begin < 60 * minutes or controllers.generations < generations:
            faults.administrate()
            faults.inject()
        else:
            controllers.finish()
        faults.rest()


def soak(directory: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Run the optimisation under faults; return the figures."""
    chance, begin = random.Random(given.seed), time.monotonic()
    project, wrappers, clocks = directory / "project", directory / "wrappers", Clocks(directory / "clocks")
    create_project(project, given.schedule, given.together)
    settings = ClusterSettings(extra=["SlurmdTimeout=10"])
    with VirtualCluster(directory / "c", settings) as cluster:
        environment = environment_of(clocks, wrappers, cluster.environment())
        with Controllers(project, environment, hosts(directory), chance) as controllers:
            surroundings = Surroundings(cluster, controllers, clocks, directory, chance)
            faults = Faults(cluster, controllers, surroundings, chance)
            disturb(controllers, faults, given.minutes, math.ceil(given.offspring / SIZE))
        run = controllers.run or project
        simulations = Simulations(project / "simulated")
        found = check_checkpoint(project, run, simulations)
        found.doubled += simulations.repetitions((run / "controller.log").read_text(), surroundings.away)
        left, unexpected = left_behind(cluster, run), list(faults.unexpected)
    unexpected += ["a traceback"] * controllers.printed().count("Traceback")
    for line in (*found.wrong, *found.lost, *found.doubled, *left, *unexpected):
        print(f"NOT AS IT SHOULD BE: {line}")
    third = max(1, len(controllers.memory) // 3)
    early, late = statistics.median(controllers.memory[:third]), statistics.median(controllers.memory[-third:])
    return {
        "seed": given.seed,
        "schedule": given.schedule,
        "together": given.together,
        "minutes": round((time.monotonic() - begin) / 60, 1),
        "evaluations": found.evaluations,
        "simulations": len(simulations.begun),
        "simulations_with_wrong_clock": simulations.with_wrong_clock,
        "controllers": controllers.starts,
        "faults": sum(faults.done.values()),
        "kinds": dict(sorted(faults.done.items())),
        "in_vain": dict(sorted(faults.in_vain.items())),
        "wrong": len(found.wrong),
        "lost": len(found.lost),
        "doubled": len(found.doubled),
        "left": len(left),
        "unexpected": len(unexpected),
        "memory_mb": round(late / 2**20, 1),
        "memory_growth": round(late / early, 3),
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long faults are injected")
    parser.add_argument("--offspring", type=int, default=300, help="least number of evaluations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedule", choices=["generations", "rolling"], default="generations")
    parser.add_argument("--together", type=int, default=1, metavar="N", help="evaluations per job")
    parser.add_argument("--keep", type=Path, help="an empty directory for the project, left where it is")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
    directory = options.keep or Path(tempfile.mkdtemp(prefix="soak-"))
    directory.chmod(0o755)
    try:
        figures = soak(directory, options)
    finally:
        if options.keep is None:
            shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps(figures))
    return int(any(figures[key] for key in NONE_OF))


if __name__ == "__main__":
    sys.exit(main())
