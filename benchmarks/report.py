"""What the report of a long run costs: 1,000 generations x 64 offspring x 40 parameters x 40 targets by default.

    python benchmarks/report.py [--generations 1000] [--offspring 64] [--parameters 40] [--targets 40]
                                [--directory DIRECTORY] [--chromium /usr/bin/chromium]

Writes a synthetic checkpoint once, then its report in a process of its own (seconds with reading, without imports; the
peak of the whole process), and opens it in headless Chromium (until every figure is drawn), if there is one. The last
line is one JSON object. Ends with exit code 1 if a figure is above its limit: 20 s, 1 GB, 15 MB, and 3 s until all is
drawn.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import yaml

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, FloatArray, Offspring, Origin, Outcome, Result

MB = 1e6
LIMITS = {"seconds": 20.0, "peak_mb": 1000.0, "file_mb": 15.0, "drawn_seconds": 3.0}
LOG = "NEST 3.10\n" + "\n".join(f"[INFO] node {n}: simulating" for n in range(30)) + "\nMPI_ABORT was invoked"


def search_space(n_parameters: int) -> SearchSpace:
    """Return parameters with dotted names, every third on a log scale."""
    return SearchSpace(
        [
            Parameter(f"sheets.layer_{n // 4}.Connection{n}.base_weight", 0.001, 1.0, log=n % 3 == 0)
            for n in range(n_parameters)
        ]
    )


def config(n_parameters: int, n_targets: int, generations: int, size: int) -> str:
    """Return a configuration of that many parameters and targets."""
    return yaml.safe_dump(
        {
            "parameters": {
                each.name: {"bounds": [each.low, each.high], "scale": "log" if each.log else "linear"}
                for each in search_space(n_parameters).parameters
            },
            "targets": [
                {"class": "ReturnedValue", "key": f"value{n}", "target_value": 0.0, "norm": 0.5, "name": f"Target {n}"}
                for n in range(n_targets)
            ],
            "offspring_size": size,
            "max_ngen": generations,
            "simulation": {"type": "function", "function": "model:simulate"},
        },
        sort_keys=False,
    )


def create_checkpoint(path: Path, *, generations: int, size: int, n_parameters: int, n_targets: int) -> Checkpoint:
    """Write an empty checkpoint."""
    text = config(n_parameters, n_targets, generations, size)
    return Checkpoint.create(
        path,
        config=text,
        parameters=search_space(n_parameters).names,
        targets=[target["name"] for target in yaml.safe_load(text)["targets"]],
        versions={"orchestrator": "0.1.0"},
    )


def generations_of(
    *, generations: int, size: int, n_parameters: int, n_targets: int
) -> Iterator[tuple[list[Evaluation], dict[str, FloatArray | float]]]:
    """Yield evaluations and distributions of a run that closes in on its targets; one in eight offspring fails."""
    rng = np.random.default_rng(0)
    space = search_space(n_parameters)
    mixing = rng.normal(size=(n_parameters, n_targets)) / math.sqrt(n_parameters)
    goal = rng.uniform(0.3, 0.7, n_parameters)
    for generation in range(generations):
        share = 0.98 ** (200 * generation / generations)
        mean = goal + share * (0.9 - goal)
        covariance = np.diag(np.linspace(0.5, 1.5, n_parameters)) * (0.2 * share) ** 2
        points = np.clip(mean + 0.2 * share * rng.normal(size=(size, n_parameters)), 0, 1)
        values = (points - goal) @ mixing * 4 + 0.05 * rng.normal(size=(size, n_targets))
        evaluations = [_evaluation((generation, n), points[n], values[n], space, rng) for n in range(size)]
        yield evaluations, {"mean": mean, "sigma": 0.2 * share, "covariance": covariance}


def write_checkpoint(path: Path, *, generations: int, size: int, n_parameters: int, n_targets: int) -> None:
    """Write a whole run."""
    shape = {"generations": generations, "size": size, "n_parameters": n_parameters, "n_targets": n_targets}
    checkpoint = create_checkpoint(path, **shape)
    for evaluations, state in generations_of(**shape):
        checkpoint.append(evaluations, state)


def _evaluation(
    place: tuple[int, int], point: FloatArray, values: FloatArray, space: SearchSpace, rng: np.random.Generator
) -> Evaluation:
    generation, index = place
    failed = rng.random() < 0.125
    outcome = (Outcome.EXPLODED if rng.random() < 0.7 else Outcome.SIMULATION_ERROR) if failed else Outcome.OK
    begin = 1.7e9 + 4000 * generation
    queue, seconds = 600 * rng.random(), 600 if failed else 2500 + 500 * rng.random()
    result = Result(
        outcome,
        message="sheet V1_Exc_L4 fired at 120.5 Hz" if outcome is Outcome.EXPLODED else "exit code 1" if failed else "",
        log_tail=LOG if failed else "",
        seconds={"build": 200.0, "check": 60.0} | ({} if failed else {"protocols": seconds - 400, "measuring": 100.0}),
        host=f"w{index % 16}",
        job_id=f"{100000 + generation}_{index}",
        started=begin + queue,
        finished=begin + queue + seconds,
        versions={"orchestrator": "0.1.0", "python": "3.11.7"},
    )
    found = np.full(len(values), np.nan) if failed else values
    scores = np.where(np.isnan(found), 20.0, np.minimum(np.abs(found) / 0.5, 20.0))
    offspring = Offspring(
        generation, index, tuple(point), space.decode(point), Origin.SAMPLE if generation or index else Origin.START
    )
    return Evaluation(offspring, result, tuple(found), tuple(scores), 1, begin, generation)


def child(directory: Path) -> None:
    """Write the report of a run, and print what it took."""
    from orchestrator.report import write_report  # noqa: PLC0415  (measured)

    begin = time.perf_counter()
    output = write_report([RunPaths(directory)], directory / "report.html")
    seconds = time.perf_counter() - begin
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) * 1024 / MB for line in status if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "file_mb": output.stat().st_size / MB}))


def opened(page: Path, chromium: Path) -> dict[str, float]:
    """Return seconds until the page is loaded, and until every figure on it is drawn."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        begin = time.perf_counter()
        tab.goto(page.as_uri())
        loaded = time.perf_counter() - begin
        tab.wait_for_selector("html[data-drawn=all]", state="attached")
        drawn = time.perf_counter() - begin
        browser.close()
    return {"loaded_seconds": loaded, "drawn_seconds": drawn}


def judged(figures: Mapping[str, float], limits: Mapping[str, float]) -> int:
    """Print figures as one JSON object; return 1, and say which are above their limits, if any are."""
    above = [
        f"{name} is {figures[name]:.4g}, more than {limit:g}"
        for name, limit in limits.items()
        if name in figures and not figures[name] <= limit
    ]
    if above:
        print("; ".join(above), file=sys.stderr)
    print(json.dumps(figures))
    return 1 if above else 0


def main() -> int:
    """Measure, and print the figures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(tempfile.gettempdir()) / "orchestrator-report-benchmark"
    parser.add_argument("--directory", type=Path, default=default, help="keeps the checkpoint (130 MB)")
    parser.add_argument("--generations", type=int, default=1000)
    parser.add_argument("--offspring", type=int, default=64)
    parser.add_argument("--parameters", type=int, default=40)
    parser.add_argument("--targets", type=int, default=40)
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child)
        return 0
    sizes = (given.generations, given.offspring, given.parameters, given.targets)
    directory = given.directory / "x".join(str(size) for size in sizes)
    if not (directory / "checkpoint.h5").exists():
        directory.mkdir(parents=True, exist_ok=True)
        print(f"writing {directory / 'checkpoint.h5'} ...")
        shape = dict(zip(("generations", "size", "n_parameters", "n_targets"), sizes, strict=True))
        write_checkpoint(directory / "unfinished.h5", **shape)
        (directory / "unfinished.h5").rename(directory / "checkpoint.h5")
    command = [sys.executable, __file__, "--child", str(directory)]
    figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    if given.chromium.exists():
        figures |= opened(directory / "report.html", given.chromium)
    return judged({"evaluations": given.generations * given.offspring, **figures}, LIMITS)


if __name__ == "__main__":
    sys.exit(main())
