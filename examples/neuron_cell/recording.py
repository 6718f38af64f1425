"""Makes recording.npz, which stands for what was measured: the responses of a known cell, with noise."""

from pathlib import Path

import cell
import numpy as np

from orchestrator.config.file import load_config

KNOWN = {
    "cm": 0.9,
    "cm_dendrites": 1.5,
    "ra": 120.0,
    "e_leak": -68.0,
    "g_leak": 6e-5,
    "g_leak_dendrites": 9e-5,
    "e_k": -92.0,
    "soma.gbar_naf": 0.06,
    "ais.gbar_naf": 0.35,
    "trunk.gbar_naf": 0.012,
    "shift_naf": -54.0,
    "ais.shift_naf": -60.0,
    "gap_naf": 2.0,
    "slow_naf": 0.85,
    "soma.gbar_kdr": 0.008,
    "ais.gbar_kdr": 0.05,
    "trunk.gbar_kdr": 0.003,
    "shift_kdr": -58.0,
    "slow_kdr": 1.2,
    "soma.gbar_km": 6e-4,
    "ais.gbar_km": 4e-3,
    "trunk.gbar_km": 1e-4,
    "half_km": -38.0,
    "tau_km": 300.0,
    "soma.gbar_ih": 2e-5,
    "trunk.gbar_ih": 6e-5,
    "tuft.gbar_ih": 2e-4,
    "half_ih": -84.0,
    "e_ih": -38.0,
}
NOISE, RESOLUTION = 0.1, 1 / 32  # mV: standard deviation, and the smallest difference as of a digitiser


def main():
    """Write the file beside this one."""
    here = Path(__file__).parent
    config = load_config(here / "config.yaml", looking=True)  # before there is a recording
    times, rows = cell.responses(config.given().values(KNOWN))
    noisy = rows + np.random.default_rng(1).normal(0, NOISE, rows.shape)
    names = [f"sweep{number}" for number in range(len(rows))]
    digitised = (RESOLUTION * np.round(noisy / RESOLUTION)).astype(np.float32)
    np.savez_compressed(here / "recording.npz", time=times, **dict(zip(names, digitised, strict=True)))


if __name__ == "__main__":
    main()
