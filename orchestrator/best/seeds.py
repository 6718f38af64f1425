"""Other seeds, that anybody can work out again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# simulators take seeds from 1 to 2^31 - 1 and beyond; some add the number of the MPI process to them
_RANGE = 2**31 - 2**20


def other_seeds(seeds: Mapping[str, int], replicate: int) -> dict[str, int]:
    """Return the seeds of a re-evaluation.

    Each is the first word of ``numpy.random.SeedSequence([seed, replicate])``, brought into the range from 1 to
    2^31 - 2^20: a function of the original and of the number alone.

    Parameters
    ----------
    seeds : mapping of str to int
        The originals.
    replicate : int
        From 1.
    """
    return {name: _other(seed, replicate) for name, seed in seeds.items()}


def _other(seed: int, replicate: int) -> int:
    # SeedSequence takes no negative numbers, which some models have for "unseeded"
    (word,) = np.random.SeedSequence([abs(seed), replicate]).generate_state(1)
    return 1 + int(word) % _RANGE
