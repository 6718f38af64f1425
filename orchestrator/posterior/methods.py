"""How a posterior distribution is found, for those that only name it: importing this takes no time."""

from __future__ import annotations

from enum import Enum


class Method(str, Enum):
    """What has learnt from evaluations: Gaussian processes, or networks of the likelihood or of the posterior."""

    GP = "gp"
    NLE = "nle"
    NPE = "npe"
