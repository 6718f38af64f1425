"""Seeds that anybody can work out again: of evaluations that have one each, and of re-evaluations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from orchestrator.config.section import PER_OFFSPRING, AnySeed

# simulators take seeds from 1 to 2^31 - 1 and beyond; some add the number of the MPI process to them
_RANGE = 2**31 - 2**20


def seeds_of(seeds: Mapping[str, AnySeed], run_seed: int, generation: int, index: int) -> dict[str, int]:
    """Return the seeds of one evaluation, the same whenever it is submitted.

    One that is ``per_offspring`` is the first word of ``numpy.random.SeedSequence([run_seed, generation, index,
    *name])``, the name in bytes of UTF-8, brought into the range from 1 to 2^31 - 2^20.

    Parameters
    ----------
    seeds : mapping of str to int or str
        As ``simulation.seeds`` has them.
    run_seed : int
        ``optimiser_seed``.
    generation, index : int
        Identity of the evaluation.
    """
    return {
        name: _drawn(run_seed, generation, index, *name.encode()) if seed == PER_OFFSPRING else int(seed)
        for name, seed in seeds.items()
    }


def seeds_of_trial(seeds: Mapping[str, int], trial: int) -> dict[str, int]:
    """Return the seeds of one of several trials of an evaluation.

    Each is the first word of ``numpy.random.SeedSequence([seed, trial, *b"trial"])``, brought into the range from 1 to
    2^31 - 2^20.

    Parameters
    ----------
    seeds : mapping of str to int
        Those of the evaluation.
    trial : int
        From 0.
    """
    return {name: _drawn(abs(seed), trial, *b"trial") for name, seed in seeds.items()}


def originals_of(seeds: Mapping[str, AnySeed], run_seed: int) -> dict[str, int]:
    """Return what the other seeds of re-evaluations are made of, for `other_seeds`.

    A seed that all evaluations of the run have is that itself.
    """
    return {
        name: _drawn(run_seed, *name.encode()) if seed == PER_OFFSPRING else int(seed) for name, seed in seeds.items()
    }


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
    # SeedSequence takes no negative numbers, which some models have for "unseeded"
    return {name: _drawn(abs(seed), replicate) for name, seed in seeds.items()}


def _drawn(*entropy: int) -> int:
    (word,) = np.random.SeedSequence(entropy).generate_state(1)
    return 1 + int(word) % _RANGE
