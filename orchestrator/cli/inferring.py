"""Commands that infer: posterior."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.app import RunDirectory, app
from orchestrator.cli.printing import PlainConsole, say
from orchestrator.errors import UsageError
from orchestrator.paths import run_paths
from orchestrator.posterior import Method


@app.command()
def posterior(
    run_directory: RunDirectory,
    *,
    samples: Annotated[int, typer.Option(min=100, max=1_000_000, help="How many samples are kept.")] = 4000,
    method: Annotated[
        Method,
        typer.Option(
            help="What learns from the evaluations: gp, Gaussian processes of the values; nle, networks of the "
            "likelihood, for thousands of evaluations; npe, networks of the posterior, for evaluations that are spread "
            "evenly over the ranges."
        ),
    ] = Method.GP,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of the random numbers.")] = 1,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET=SD",
            help="Standard deviation of the data that a target compares with, in its unit, by default its norm. "
            "Repeatable.",
        ),
    ] = None,
    calibrate: Annotated[
        int,
        typer.Option(
            min=0,
            max=10_000,
            metavar="N",
            help="How many posteriors of data with known parameters say whether widths are right, such as 100; 0 for "
            "none. If there can be none, a warning says why.",
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the samples are written, FILE.npz or FILE.csv, by default posterior.npz in the run directory, "
            "where the report finds them.",
        ),
    ] = None,
) -> None:
    """Print how far a run's evaluations constrain each parameter, and write samples of the posterior distribution.

    A model of what simulations give is made from the evaluations; nothing is simulated or imported of the run's model.
    Needs the package emcee (extra posterior), and sbi (extra sbi) for networks. Exit codes: 0 done, also if only the
    calibration was not possible; 2 wrong usage, or too few evaluations.
    """
    sds = _sds(noise or ())
    if out is not None and out.suffix not in (".npz", ".csv"):
        raise UsageError(f"--out: expected a file .npz or .csv, got {out}")
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415  (commands that need little start quickly)
    from orchestrator.posterior.neural import sampled_by  # noqa: PLC0415
    from orchestrator.posterior.observed import observed_in  # noqa: PLC0415
    from orchestrator.posterior.tables import posterior_parts  # noqa: PLC0415

    paths = run_paths(run_directory)
    observed = observed_in(Checkpoint(paths.checkpoint), sds)
    found = sampled_by(method, observed, samples, seed, lambda text: say(text, error=True), calibrations=calibrate)
    written = out or paths.posterior
    found.write(written)
    console = PlainConsole()
    for part in posterior_parts(found, observed.space):
        console.print(part)
    say(f"Written: {written}")


def _sds(given: Sequence[str]) -> dict[str, float]:
    """Return the standard deviations of data by target, as they are on the command line."""
    found = {}
    for text in given:
        label, _, number = text.rpartition("=")
        try:
            sd = float(number)
        except ValueError:
            sd = math.nan
        if not label or not 0 < sd < math.inf:
            raise UsageError(f"--noise: expected TARGET=SD, the SD a number above 0, got {text!r}")
        found[label] = sd
    return found
