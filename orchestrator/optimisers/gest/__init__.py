"""The gest-api standard of generators (https://gest-api.readthedocs.io): theirs used here, ours offered to others.

``from orchestrator.optimisers.gest import OrchestratorGenerator`` needs the extra ``gest``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.optimisers.gest.offered import OrchestratorGenerator

__all__ = ["OrchestratorGenerator"]


def __getattr__(name: str) -> object:
    """Look up the generator where it is asked for: its base class is that of an optional package."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orchestrator.optimisers.options import missing_extra  # noqa: PLC0415

    if missing := missing_extra(name, "gest_api", "gest"):
        raise ImportError(missing)
    from orchestrator.optimisers.gest.offered import OrchestratorGenerator  # noqa: PLC0415

    return OrchestratorGenerator
