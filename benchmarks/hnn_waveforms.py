"""Waveforms of hnn-core's evoked response for the test bed that needs no NEURON: data/hnn_waveforms.npz.

    nice -n 19 python benchmarks/hnn_waveforms.py [--spread 96] [--near 64] [--dt 0.1]

Simulates jones_2009_model with the drives of examples/hnn_evoked_response: first at Sobol points of the ten parameters,
then around the best points so far, in rounds. The file has ``points`` of the unit cube, ``waveforms`` in nAm (the
dipole, scaled and smoothed, every 0.5 ms), ``times`` in ms, ``rmse`` against the data as hnn-core has it, ``names`` and
``bounds`` of the parameters, and ``dt``. It is written after every batch, and a later call goes on from there. A
simulation takes about 5 CPU seconds at dt 0.1 ms. The last line is one JSON object: ``points``, ``best_rmse``,
``cpu_seconds``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from hnn_forks import BOUNDS, DATA, SharedPrefix, as_parameters, rmse
from scipy.stats import qmc

from orchestrator.files import replacing
from orchestrator.records import FloatArray

FILE = Path(__file__).parent / "data" / "hnn_waveforms.npz"
BATCH = 16
STEP = 0.5  # ms between the samples that are kept
NEAREST, SPREAD = 4, 0.15


class Waveforms:
    """What has been simulated so far.

    Parameters
    ----------
    file : pathlib.Path
        Is read if it is there.
    """

    def __init__(self, file: Path):
        self.file = file
        self.points: list[FloatArray] = []
        self.waveforms: list[FloatArray] = []
        self.rmse: list[float] = []
        if file.exists():
            with np.load(file) as kept:
                self.points, self.waveforms, self.rmse = (list(kept[name]) for name in ("points", "waveforms", "rmse"))

    def add(self, points: FloatArray, dt: float) -> None:
        """Simulate these points, shape (n, 10), and write the file."""
        found = dict(SharedPrefix(dt).simulated([as_parameters(each) for each in points]))
        data, every = np.loadtxt(DATA), round(STEP / dt)
        for number, point in enumerate(points):
            dipole = found[number]
            self.points.append(point)
            self.rmse.append(rmse(np.arange(dipole.size) * dt, dipole, data))
            self.waveforms.append(dipole[::every].astype(np.float32))
        with replacing(self.file) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(
                stream,
                points=np.array(self.points),
                waveforms=np.array(self.waveforms, np.float32),
                times=np.arange(len(self.waveforms[0])) * STEP,
                rmse=np.array(self.rmse),
                names=list(BOUNDS),
                bounds=np.array(list(BOUNDS.values())),
                dt=dt,
            )


def next_points(kept: Waveforms, spread: int, near: int) -> FloatArray:
    """Return the next batch, shape (n, 10); none are left if n is 0."""
    done = len(kept.points)
    if done < spread:
        sobol = qmc.Sobol(len(BOUNDS), seed=0).random_base2(10)
        return np.asarray(sobol[done : min(done + BATCH, spread)])
    left = min(BATCH, spread + near - done)
    rng = np.random.default_rng(done)
    centres = np.array(kept.points)[np.argsort(kept.rmse)[:NEAREST]]
    steps = SPREAD * rng.standard_normal((max(left, 0), len(BOUNDS)))
    return np.clip(centres[np.arange(len(steps)) % NEAREST] + steps, 0, 1)


def main() -> None:
    """Simulate what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spread", type=int, default=96, help="points all over the ranges")
    parser.add_argument("--near", type=int, default=64, help="points around the best")
    parser.add_argument("--dt", type=float, default=0.1, help="time step in ms")
    parser.add_argument("--file", type=Path, default=FILE)
    given = parser.parse_args()
    kept = Waveforms(given.file)
    while len(points := next_points(kept, given.spread, given.near)):
        kept.add(points, given.dt)
        used = time.process_time() + sum(os.times()[2:4])
        print(f"{len(kept.points)} points, best {min(kept.rmse):.2f} nAm, {used:.0f} CPU s", flush=True)
    used = sum(os.times()[:4])
    print(json.dumps({"points": len(kept.points), "best_rmse": min(kept.rmse), "cpu_seconds": round(used)}))


if __name__ == "__main__":
    main()
