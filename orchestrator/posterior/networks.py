"""Networks that learn a density from examples (package sbi, on PyTorch)."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from orchestrator.errors import UsageError
from orchestrator.posterior import Method
from orchestrator.posterior.examples import Examples
from orchestrator.records import FloatArray

# evaluations of a step of training, and copies of each with noise of its own
_BATCH, _COPIES = 50, 5
# share of the evaluations that are not learnt, at which training ends after so many rounds without progress, or else
# after so many steps
_HELD_OUT, _PATIENCE, _MOST = 0.1, 30, 1000
_LEARNING_RATE = 1e-3
# least standard deviation of points in the cube
_WIDTH = 1e-9

LogDensity = Callable[[FloatArray], FloatArray]


class _Silent:
    """A tracker of sbi that keeps nothing: its own writes a directory where the program runs."""

    log_dir = None

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        pass

    log_metrics = log_params = add_figure = log_metric

    def flush(self) -> None:
        pass


def trained(method: Method, examples: Examples, seed: int) -> LogDensity:
    """Return what a network has learnt: the logarithm of the likelihood at points of the cube, up to a constant.

    `Method.NLE` learns the density of distances with noise, given parameters (neural likelihood estimation:
    Papamakarios, Sterratt & Murray 2019, AISTATS). `Method.NPE` learns that of parameters, given distances with noise
    (neural posterior estimation: Papamakarios & Murray 2016, NIPS), which is in proportion to the likelihood if the
    points are drawn evenly. Both are masked autoregressive flows (Papamakarios, Pavlakou & Murray 2017, NIPS), trained
    by sbi (Tejero-Cantero et al. 2020, JOSS 5:2505).

    Parameters
    ----------
    method : Method
        Of networks.
    examples : Examples
        What is learnt.
    seed : int
        Of the random numbers.

    Returns
    -------
    callable
        Takes points, shape (n_points, n_parameters), and returns shape (n_points,).
    """
    torch, inference, networks = sbi_packages()
    coordinates = _standardised(examples.points)
    centre, spread = examples.distances.mean(axis=0), np.hypot(examples.distances.std(axis=0), 1.0)
    theta, x = (
        torch.as_tensor(each, dtype=torch.float32)
        for each in (coordinates(examples.points), (examples.distances - centre) / spread)
    )
    wanted = torch.as_tensor(-centre / spread, dtype=torch.float32)[None]
    noise = torch.as_tensor(1 / spread, dtype=torch.float32)

    def noisy(batch: Sequence[Sequence[Any]]) -> list[Any]:
        rows = [torch.stack(column).repeat_interleave(_COPIES, dim=0) for column in zip(*batch, strict=True)]
        # the same in every batch, and balanced, so that losses differ by the network alone
        drawn = torch.randn(rows[1].shape, generator=torch.Generator().manual_seed(seed))
        rows[1] = rows[1] + (drawn - drawn.mean(0)) / drawn.std(0) * noise
        return rows

    with one_thread(), _quiet(torch, seed):
        likely = method is Method.NLE
        train, network = (inference.NLE, networks.likelihood_nn) if likely else (inference.NPE, networks.posterior_nn)
        trainer = train(
            density_estimator=network("maf", z_score_theta="none", z_score_x="none"),
            tracker=_Silent(),
            show_progress_bars=False,
        )
        estimator = trainer.append_simulations(theta, x).train(
            training_batch_size=_BATCH,
            learning_rate=_LEARNING_RATE,
            validation_fraction=_HELD_OUT,
            stop_after_epochs=_PATIENCE,
            max_num_epochs=max(_MOST * _BATCH // len(theta), 1),
            dataloader_kwargs={"collate_fn": noisy},
        )
    estimator.eval()

    def log_density(points: FloatArray) -> FloatArray:
        given = torch.as_tensor(coordinates(points), dtype=torch.float32)
        data = wanted.expand(len(given), -1)
        value, condition = (data, given) if likely else (given, data)
        with torch.no_grad():
            return np.asarray(estimator.log_prob(value[None], condition)[0].numpy(), dtype=float)

    return log_density


def _standardised(points: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return what makes coordinates of points, in which these have mean 0 and, as covariance, the unit matrix."""
    width, mean = points.shape[1], points.mean(axis=0)
    root = np.linalg.cholesky(np.cov(points.T).reshape(width, width) + _WIDTH**2 * np.eye(width))
    return lambda others: np.asarray(np.linalg.solve(root, (others - mean).T).T)


@contextlib.contextmanager
def _quiet(torch: Any, seed: int) -> Iterator[None]:
    """Let nothing be printed, and random numbers be those of a seed; afterwards torch's are as before."""
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let networks, which are small, compute in one thread; afterwards torch has as many as before."""
    torch = sbi_packages()[0]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def sbi_packages() -> tuple[Any, Any, Any]:
    """Return torch, and the modules of sbi that train and build networks.

    Raises
    ------
    orchestrator.errors.UsageError
        If they are not installed.
    """
    try:
        torch, inference, networks = (
            importlib.import_module(name) for name in ("torch", "sbi.inference", "sbi.neural_nets")
        )
    except ImportError as error:
        raise UsageError(
            f"posterior: --method nle and npe need sbi, which is not installed ({error}): pip install "
            "'mozaik-orchestrator[sbi]'"
        ) from error
    return torch, inference, networks
