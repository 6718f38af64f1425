"""What measuring costs: all nine targets of a synthetic evaluation of the real size, next to the straightforward way.

    python benchmarks/scoring.py [--directory DIRECTORY] [--repeats 3] [--neurons 100000]

Writes the evaluation once (four sheets, 100,000 neurons, seven presentations) and measures all nine targets on each
sheet, every time in a process of its own, in turns with the straightforward way (`straightforward.py`: neo's objects,
a Python loop over spike trains, an N x N correlation matrix), whose values have to be the same. Seconds are those of
reading and computing, without imports; memory is the peak of the whole process, and what that of a process that only
imports does not have. Bytes are read from the page cache.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FORMAT = 2
TOLERANCE = 1e-9
MB = 1e6


# What a child process does


def _values_of_targets(directory: Path) -> dict[str, float | None]:
    from targets import Datastore, create_targets, known_targets, measure  # noqa: PLC0415  (measured)

    datastore = Datastore(directory)
    # those of a datastore
    names = [name for name, cls in known_targets().items() if cls.model_fields["sheet_name"].is_required()]
    specs = [
        {"class": name, "sheet_name": sheet, "norm": 1, "target_value": [0, 1] if name == "SpontActivityTarget" else 1}
        for sheet in datastore.sheets
        for name in names
    ]
    targets = create_targets(specs)
    return {target.label: found.value for target, found in zip(targets, measure(targets, datastore), strict=True)}


def _nothing(_: Path) -> dict[str, float | None]:
    return {}


def _way(name: str) -> Callable[[Path], Any]:
    """Return what is measured, all its imports made."""
    if name == "straightforward":
        from straightforward import values  # noqa: PLC0415

        return values
    import targets  # noqa: F401, PLC0415

    return _values_of_targets if name == "targets" else _nothing


def _peak() -> float:
    """Return the peak of this process's resident memory in MB."""
    # not getrusage(), whose peak a process inherits from the one that started it
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / MB for line in status if line.startswith("VmHWM"))


def child(name: str, directory: Path) -> None:
    """Measure one way, and print it as JSON."""
    compute = _way(name)
    imported = _peak()
    begin = time.perf_counter()
    values = compute(directory)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "peak_mb": _peak(), "imported_mb": imported, "values": values}))


# What the parent does


def measured(name: str, directory: Path) -> dict[str, Any]:
    """Return what a child process has measured."""
    command = [sys.executable, __file__, "--child", name, "--directory", str(directory)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    root = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def reading(directory: Path) -> tuple[float, int]:
    """Read the files that targets read; return seconds and bytes."""
    files = [directory / "datastore.recordings.pickle", *directory.glob("Segment*.pickle")]
    begin = time.perf_counter()
    size = sum(len(file.read_bytes()) for file in files)
    return time.perf_counter() - begin, size


def evaluation(directory: Path, n_neurons: int) -> tuple[Path, float]:
    """Return the synthetic evaluation, written if it is not there, and the mean number of bytes of a spike train."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise SystemExit(f"{directory} is someone else's: give another --directory")
    store, complete = directory / f"evaluation-{n_neurons}", directory / f"evaluation-{n_neurons}.json"
    recipe = {"format": FORMAT, "neurons": n_neurons, "neo": importlib.metadata.version("neo")}
    known = json.loads(complete.read_text()) if complete.is_file() else {}
    if {key: known.get(key) for key in recipe} != recipe:
        from synthetic_evaluation import write_evaluation  # noqa: PLC0415  (imports neo)

        complete.unlink(missing_ok=True)
        begin = time.perf_counter()
        known = recipe | {"bytes_per_train": write_evaluation(store, n_neurons)}
        complete.write_text(json.dumps(known))
        print(f"written in {time.perf_counter() - begin:.1f} s: {store}")
    return store, known["bytes_per_train"]


def require_same(one: Mapping[str, float | None], other: Mapping[str, float | None]) -> None:
    """End loudly where two ways have different values."""
    different = []
    for name in sorted(one.keys() | other.keys()):
        a, b = one.get(name), other.get(name)
        if a is None or b is None or not abs(a - b) <= TOLERANCE * abs(b):
            different.append(f"{name}: {a} and {b}")
    if different or not one:
        raise SystemExit("the two ways differ:\n" + "\n".join(different))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(tempfile.gettempdir()) / f"scoring-benchmark-{os.getuid()}"
    parser.add_argument("--directory", type=Path, default=default, help="keeps the evaluation (250 MB)")
    parser.add_argument("--repeats", type=int, default=3, help="how often each way is measured")
    parser.add_argument("--neurons", type=int, default=100_000)
    parser.add_argument("--child", choices=("targets", "straightforward", "imports"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.directory)
        return
    store, bytes_per_train = evaluation(options.directory, options.neurons)
    print(f"{options.neurons} neurons in four sheets, seven presentations, {bytes_per_train:.0f} bytes per spike train")
    cached = [reading(store) for _ in range(1 + options.repeats)][1:]
    runs: dict[str, list[dict[str, Any]]] = {"targets": [], "straightforward": []}
    for _ in range(options.repeats):
        for name, done in runs.items():
            done.append(measured(name, store))
            print(f"{name}: {done[-1]['seconds']:.2f} s, peak {done[-1]['peak_mb']:.0f} MB", flush=True)
        require_same(runs["targets"][-1]["values"], runs["straightforward"][-1]["values"])
    report(runs, cached)


def report(runs: dict[str, list[dict[str, Any]]], cached: list[tuple[float, int]]) -> None:
    """Print the medians; the last line is JSON."""

    def median(name: str, key: str) -> float:
        return statistics.median(run[key] for run in runs[name])

    page_cache, size = statistics.median(seconds for seconds, _ in cached), cached[0][1]
    seconds, naive_seconds = median("targets", "seconds"), median("straightforward", "seconds")
    peak, naive_peak = median("targets", "peak_mb"), median("straightforward", "peak_mb")
    own, naive_own = peak - median("targets", "imported_mb"), naive_peak - median("straightforward", "imported_mb")
    n_values = len(runs["targets"][0]["values"])
    print(f"\n{n_values} values, equal within {TOLERANCE:g}, of {size / MB:.0f} MB")
    print(f"{'':26}{'seconds':>10}{'peak MB':>10}{'above imports':>16}")
    print(f"{'targets':26}{seconds:10.2f}{peak:10.0f}{own:16.0f}")
    print(f"{'the straightforward way':26}{naive_seconds:10.2f}{naive_peak:10.0f}{naive_own:16.0f}")
    print(f"{'ratio':26}{naive_seconds / seconds:9.1f}x{peak / naive_peak:10.3f}{own / naive_own:16.3f}")
    print(
        f"Reading the same bytes from the page cache takes {page_cache:.3f} s ({size / MB / page_cache:.0f} MB/s): "
        f"targets take {seconds / page_cache:.0f} times as long, at {size / MB / seconds:.0f} MB/s."
    )
    figures = {
        "speedup": round(naive_seconds / seconds, 2),
        "memory_ratio": round(peak / naive_peak, 4),
        "seconds": round(seconds, 3),
        "peak_mb": round(peak, 1),
        "page_cache_seconds": round(page_cache, 4),
        "memory_ratio_above_imports": round(own / naive_own, 4),
        "straightforward_seconds": round(naive_seconds, 2),
        "straightforward_peak_mb": round(naive_peak, 1),
        "read_mb": round(size / MB, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
