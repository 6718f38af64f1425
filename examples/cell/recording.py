"""Makes recording.npz, which stands for what was measured: the responses of a cell with known parameters."""

from pathlib import Path

import cell
import numpy as np

KNOWN = {
    "cm": 0.8,
    "g_na": 90.0,
    "e_na": 55.0,
    "na_shift": -60.0,
    "na_gap": 2.0,
    "na_tau": 0.8,
    "g_kd": 6.0,
    "e_k": -92.0,
    "kd_shift": -2.0,
    "kd_tau": 1.2,
    "g_leak": 0.06,
    "e_leak": -66.0,
    "g_m": 0.3,
    "m_half": -38.0,
    "m_tau": 300.0,
    "g_h": 0.01,
    "h_half": -84.0,
    "e_h": -40.0,
    "g_couple": 0.08,
    "g_dendrite": 0.04,
}


def main():
    """Write the file beside this one."""
    times, (rows,) = cell.responses(np.array([[KNOWN[name] for name in cell.NAMES]]))
    names = [f"sweep{number}" for number in range(len(rows))]
    sweeps = dict(zip(names, rows.astype(np.float32), strict=True))
    np.savez_compressed(Path(__file__).with_name("recording.npz"), time=times, **sweeps)


if __name__ == "__main__":
    main()
