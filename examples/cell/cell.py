"""A cell of 20 parameters under steps of current: five channels in a soma, and a passive dendrite.

Hodgkin-Huxley channels after Pospischil et al. (2008), Biological Cybernetics 99:427-441: sodium and delayed rectifier
of Traub & Miles, the slow potassium current M; and a hyperpolarisation-activated one. Many cells are simulated at once,
each under each current, which costs hardly more than one: ``function_of_many``.
"""

import numpy as np

from orchestrator import Exploded, Trace

CURRENTS = (1.0, 5.0, 9.4)  # uA/cm2
STIMULUS = (20.0, 140.0)  # ms
DURATION, SETTLING = 160.0, 40.0  # ms
STEP, EVERY = 0.05, 4  # ms; every fourth step is recorded

NAMES = (
    *("cm", "g_na", "e_na", "na_shift", "na_gap", "na_tau", "g_kd", "e_k", "kd_shift", "kd_tau"),
    *("g_leak", "e_leak", "g_m", "m_half", "m_tau", "g_h", "h_half", "e_h", "g_couple", "g_dendrite"),
)
_GATES = 5
# rates are tabulated at these potentials, as in NEURON
_LOWEST, _HIGHEST, _PER_MV = -120.0, 80.0, 20
_POTENTIALS = np.arange(_LOWEST, _HIGHEST, 1 / _PER_MV)


def simulate(parameter_sets, directory):
    """Return the membrane potential of each of the cells, a row for each current."""
    times, potentials = responses(np.array([[each[name] for name in NAMES] for each in parameter_sets]))
    return [
        {"v": Trace(times, rows, "mV")} if np.isfinite(rows).all() else Exploded("the potential grows without bounds")
        for rows in potentials
    ]


def responses(cells, currents=CURRENTS):
    """Return times in ms, and potentials of the soma in mV, shape (n_cells, n_currents, n_times).

    Parameters
    ----------
    cells : ndarray of float, shape (n_cells, 20)
        Parameters in the order of `NAMES`: uF/cm2, mS/cm2, mV, and factors of time constants; ``m_tau`` in ms.
    currents : sequence of float
        In uA/cm2.
    """
    columns = np.repeat(cells, len(currents), axis=0)
    p = dict(zip(NAMES, columns.T, strict=True))
    injected = np.tile(currents, len(cells))
    table = _table(cells)
    row = np.repeat(np.arange(len(cells)) * len(_POTENTIALS), len(currents))
    conductances = np.stack([p["g_na"], p["g_kd"], p["g_m"], p["g_h"], p["g_leak"] + p["g_couple"]])
    reversals = np.stack([p["e_na"], p["e_k"], p["e_k"], p["e_h"]])
    resting, to_dendrite = p["g_leak"] * p["e_leak"], p["g_couple"] + p["g_dendrite"]
    decay = np.exp(-STEP * to_dendrite / p["cm"])
    soma, dendrite = p["e_leak"].copy(), p["e_leak"].copy()
    state = table[row + _place(soma), :_GATES]
    steps, begin = round((SETTLING + DURATION) / STEP), round(SETTLING / STEP)
    first, last = (begin + round(each / STEP) for each in STIMULUS)
    recorded = np.empty((len(columns), (steps - begin) // EVERY))
    for step in range(steps):
        if step >= begin and (step - begin) % EVERY == 0:
            recorded[:, (step - begin) // EVERY] = soma
        found = table[row + _place(soma)]
        state += (found[:, :_GATES] - state) * found[:, _GATES:]
        m, h, n, slow, mixed = state.T
        now = conductances.copy()
        now[:4] *= m * m * m * h, (n * n) ** 2, slow, mixed
        driven = (now[:4] * reversals).sum(axis=0) + resting + p["g_couple"] * dendrite
        if first <= step < last:
            driven += injected
        whole = now.sum(axis=0)
        goal = driven / whole
        soma = goal + (soma - goal) * np.exp(-STEP * whole / p["cm"])
        goal = (p["g_couple"] * soma + p["g_dendrite"] * p["e_leak"]) / to_dendrite
        dendrite = goal + (dendrite - goal) * decay
    times = EVERY * STEP * np.arange(recorded.shape[1])
    return times, recorded.reshape(len(cells), -1, recorded.shape[1])


def _place(potentials):
    """Return which entry of the tables holds at these potentials."""
    return ((np.clip(potentials, _LOWEST, _HIGHEST - 0.1) - _LOWEST) * _PER_MV).astype(np.intp)


def _table(cells):
    """Return steady states of gates, and which share of the way to them they go in a step.

    Of shape (n_cells * n_potentials, 10): first the five steady states, then the shares.
    """
    p = {name: column[:, np.newaxis] for name, column in zip(NAMES, cells.T, strict=True)}
    v = _POTENTIALS - p["na_shift"]
    later = v - p["na_gap"]  # inactivation
    k = _POTENTIALS - p["na_shift"] - p["kd_shift"]
    sodium = 0.32 * _linear(v - 13, 4), 0.28 * _linear(40 - v, 5)
    inactivation = 0.128 * np.exp(-(later - 17) / 18), 4 / (1 + np.exp(-(later - 40) / 5))
    rectifier = 0.032 * _linear(k - 15, 5), 0.5 * np.exp(-(k - 10) / 40)
    pairs = sodium, inactivation, rectifier
    factors = p["na_tau"], p["na_tau"], p["kd_tau"]
    found = [(a / (a + b), f / (a + b)) for (a, b), f in zip(pairs, factors, strict=True)]
    m = _POTENTIALS - p["m_half"]
    found.append((1 / (1 + np.exp(-m / 10)), p["m_tau"] / (3.3 * np.exp(m / 20) + np.exp(-m / 20))))
    opening = 1 / (1 + np.exp((_POTENTIALS - p["h_half"]) / 8))
    found.append((opening, np.full_like(opening, 60.0)))
    steady, taus = (np.stack(each, axis=-1) for each in zip(*found, strict=True))
    return np.concatenate([steady, -np.expm1(-STEP / taus)], axis=-1).reshape(-1, 2 * _GATES)


def _linear(x, width):
    """Return ``x / (1 - exp(-x / width))``, which is `width` at 0."""
    near = np.where(np.abs(x) < 1e-6, 1e-6, x)
    return near / -np.expm1(-near / width)
