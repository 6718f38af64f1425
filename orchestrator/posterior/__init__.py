"""The posterior distribution of the parameters, given a run's evaluations: how far the data constrain each of them."""

from __future__ import annotations

from enum import Enum


class Method(str, Enum):
    """What has learnt from evaluations: Gaussian processes, or networks of the likelihood or of the posterior."""

    GP = "gp"
    NLE = "nle"
    NPE = "npe"
