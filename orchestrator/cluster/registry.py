"""Makes the executor that a configuration names; its module is imported only then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.cluster.base import Cluster
from orchestrator.files import umask

if TYPE_CHECKING:
    from orchestrator.config.model import Config


def create_cluster(
    config: Config,
    stop: threading.Event | None = None,
    confirm: Callable[[], object] = lambda: None,
    *,
    ending: bool = False,
) -> Cluster:
    """Return the executor that the configuration names.

    Parameters
    ----------
    config : Config
        The whole configuration; ``executor`` names the executor, its sections say how it works.
    stop : threading.Event or None
        Set when the program is asked to stop: a question to the executor that is under way is ended then.
    confirm : callable
        Called before jobs are started or ended, and again before what was submitted is given its work; raises
        `orchestrator.errors.Stopped` if another controller has taken the run over.
    ending : bool
        Whether jobs are only to be ended: nothing is started then that a controller has left waiting.
    """
    if config.executor == "local":
        from orchestrator.cluster.local import LocalCluster  # noqa: PLC0415

        return LocalCluster(workers=0 if ending else config.workers, confirm=confirm)
    from orchestrator.cluster.slurm import SlurmCluster  # noqa: PLC0415
    from orchestrator.cluster.submission import PRIVATE  # noqa: PLC0415

    mask = umask() if config.run_mode == "group" else PRIVATE
    return SlurmCluster(config.jobs, config.slurm, stop=stop, timeout=config.timeout, confirm=confirm, umask=mask)
