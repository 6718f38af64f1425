"""Takes over a fit of pyneuronautofit: its ranges of parameters, its command line, and the recording it names."""

from __future__ import annotations

import argparse
import ast
import math
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import numpy as np

from orchestrator.config.yaml_text import write_yaml
from orchestrator.data import DataSource, Unreadable, read
from orchestrator.errors import UsageError
from orchestrator.prepare.autofit_targets import MODES, RecordingComparison, target_lines
from orchestrator.prepare.configuration import render
from orchestrator.prepare.function import TEMPLATE, FunctionPlan, require_function
from orchestrator.prepare.suggested_space import yaml_key
from orchestrator.simulations.mozaik.modules import python_tree
from targets.plugins import nearest
from targets.recordings import FloatArray, Trace

_OPTION = "--import-pna"
_RANGES = "param_nslh"
_SCALES = ("lin", "log", "int", "con")
# its options with a value, and without, that have no meaning here; -q and --dt are the simulation's own
_WITH_VALUE = (
    *("-A", "--algorithm", "-P", "--population-size", "-G", "--number-generation", "-E", "--number-elites"),
    *("-I", "--init-population", "-N", "-U", "--scales-update", "-b", "-M", "--mutation-rate", "-S", "-q"),
    *("--temperature", "-n", "--number-threads", "--dt", "-v", "--log-level", "-p", "-d", "-i", "-a", "--slurm-id"),
)
_FLAGS = ("-y", "-H", "-J", "-e", "--collapse-diff", "-Z", "--log-population", "--log-archive", "--dry-run")


@dataclass(frozen=True)
class Range:
    """One entry of its list of parameters.

    Parameters
    ----------
    names : tuple of str
        What has the value.
    scale : {"lin", "log", "int", "con"}
        The last two are those of whole numbers, and of a constant, which is `low`.
    low, high : float or str
        Bounds; a text is an expression of parameters before.
    """

    names: tuple[str, ...]
    scale: str
    low: float | str
    high: float | str

    def lines(self, *, linear: bool) -> list[str]:
        """Return the lines of a configuration for it.

        Parameters
        ----------
        linear : bool
            Whether logarithmic scales are not used.
        """
        key = yaml_key(self.names[0])
        names = f"names: [{', '.join(map(yaml_key, self.names))}], " if len(self.names) > 1 else ""
        if self.scale == "con":
            value = f"{{expression: {yaml_key(self.low)}}}" if isinstance(self.low, str) else _constant(self.low)
            return [f"{yaml_key(name)}: {value}" for name in self.names]
        is_log = self.scale == "log" and not linear
        bounds = write_yaml([self.low, self.high], width=10_000, flow=True).strip()
        how = ", scale: log" if is_log else ", integer: true" if self.scale == "int" else ""
        return [f"{key}: {{{names}bounds: {bounds}{how}}}" if names or how else f"{key}: {bounds}"]


def _constant(value: float) -> str:
    """Return a number as YAML reads it, with a point: it need not be whole."""
    return write_yaml(float(value), width=10_000).removesuffix("...\n").strip()


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{_OPTION}: {message}")


def autofit_plan(model_dir: Path, reference: str, arguments: str) -> FunctionPlan:
    """Return what makes a function ready for the fit that pyneuronautofit would have made.

    Parameters
    ----------
    model_dir : pathlib.Path
        Directory of the function's module, of ``project.py``, and of the recording.
    reference : str
        ``module:function`` of what is simulated.
    arguments : str
        Its arguments, as they are typed: ``-m OV -k mask.json -c 3 cell.abf``.

    Raises
    ------
    orchestrator.errors.UsageError
        If something is not understood, or the recording cannot be read.
    """
    model_dir = require_function(model_dir, reference)
    given, passed_over = _parsed(arguments)
    if unknown := sorted(set(given.modes) - set(MODES)):
        raise UsageError(f"{_OPTION}: -m {given.modes}: expected modes of {''.join(MODES)}, got {', '.join(unknown)}")
    ranges = _ranges(model_dir)
    evaluation = _evaluation(model_dir, given)
    lines, notes = target_lines(evaluation)
    if not lines:
        raise UsageError(f"{_OPTION}: -m {given.modes}: expected a mode that has something to compare; {notes[-1]}")
    parameters = [line for each in ranges for line in each.lines(linear=given.linear)]
    searched = sum(each.scale != "con" for each in ranges)
    if passed_over:
        notes.append(f"not taken over: {' '.join(passed_over)}")
    notes.append("norms are suggestions: what one unit of the score is, of each target")
    text = render(
        TEMPLATE,
        function=reference,
        parameters=parameters,
        targets=lines,
        data=[f"recording: {{file: {yaml_key(given.recording)}, channel: 0}}"],
        edits=0,
        size=4 + math.floor(3 * math.log(max(searched, 1))),
        seeds="",
        executor="slurm" if shutil.which("sbatch") else "local",
    )
    return FunctionPlan(model_dir, text, 0, notes)


def _parsed(arguments: str) -> tuple[argparse.Namespace, list[str]]:
    """Return what is taken over of a command line, and what is not."""
    parser = _Arguments(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", "--eval-mode", dest="modes", type=str.upper, default="RAMN")
    parser.add_argument("-k", "--eval-mask", dest="mask", default="None")
    parser.add_argument("-c", "--spike-count", dest="count", type=int, default=2)
    parser.add_argument("-t", "--spike-threshold", dest="threshold", type=float, default=0.0)
    parser.add_argument("-l", "--left-spike-samples", dest="before", type=int, default=110)
    parser.add_argument("-r", "--right-spike-samples", dest="after", type=int, default=220)
    parser.add_argument("-z", "--spike-Zoom", dest="weight", type=float, default=None)
    parser.add_argument("-Q", "--v-dvdt-hist-size", dest="bins", type=int, default=12)
    parser.add_argument("-u", "--smoofing-kernel", dest="smooth", type=float, default=35.0)
    parser.add_argument("-L", "--off-log-scale", dest="linear", action="store_true")
    parser.add_argument("recording")
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise UsageError(f"{_OPTION} {arguments}: {error}") from None
    kept: list[str] = []
    passed_over: list[str] = []
    while words:
        word = words.pop(0)
        name, has_value, _ = word.partition("=")
        if name in _FLAGS:
            passed_over.append(word)
        elif name in _WITH_VALUE:
            passed_over += [word] if has_value or not words else [word, words.pop(0)]
        elif word[:2] in _WITH_VALUE:  # -P32
            passed_over.append(word)
        else:
            kept.append(word)
    return parser.parse_args(kept), passed_over


def _ranges(model_dir: Path) -> list[Range]:
    """Return its list of parameters, which stands in one of the files of the directory; nothing is executed."""
    found: dict[Path, ast.expr] = {}
    for file in sorted(model_dir.glob("*.py")):
        for statement in python_tree(file).body:
            if isinstance(statement, ast.Assign) and any(
                getattr(each, "id", None) == _RANGES for each in statement.targets
            ):
                found[file] = statement.value
    if len(found) != 1:
        got = " and ".join(each.name for each in found) or "none"
        raise UsageError(f"{_OPTION}: expected one file in {model_dir} with {_RANGES} = [...], got {got}")
    ((file, node),) = found.items()
    expected = f"{file}: {_RANGES}, line {node.lineno}: expected a list of (name or tuple of names, scale, low, high)"
    try:
        entries = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError) as error:
        raise UsageError(f"{expected} that are written out, got something that is computed") from error
    if not isinstance(entries, (list, tuple)) or not entries:
        raise UsageError(f"{expected}, got {entries!r:.100}")
    return [_range(entry, expected) for entry in entries]


def _range(entry: Any, expected: str) -> Range:
    if not (isinstance(entry, (list, tuple)) and len(entry) == 4):
        raise UsageError(f"{expected}, got {entry!r:.100}")
    name, scale, low, high = entry
    names = tuple(name) if isinstance(name, (list, tuple)) else (name,)
    if not names or not all(isinstance(each, str) and each for each in names):
        raise UsageError(f"{expected}, got the name {name!r:.100}")
    if scale not in _SCALES:
        raise UsageError(
            f"{expected} with a scale of {', '.join(_SCALES)}, got {scale!r}{nearest(str(scale), _SCALES)}"
        )
    if not (_is_bound(low) and _is_bound(high)):
        raise UsageError(f"{expected} with numbers or expressions as bounds, got {low!r:.50} and {high!r:.50}")
    return Range(names, scale, low, high)


def _is_bound(value: object) -> TypeGuard[float | str]:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


def _evaluation(model_dir: Path, given: argparse.Namespace) -> RecordingComparison:
    potential, current = (_channel(model_dir, given.recording, number) for number in (0, 1))
    begin, end = _stimulus(current.times, current.rows)
    return RecordingComparison(
        modes=dict.fromkeys(given.modes),
        sweeps={mode: _masked(_mask(model_dir, given.mask), mode, len(potential.rows)) for mode in given.modes},
        potential=potential,
        stimulus=(begin, end),
        count=given.count if given.count > 0 else None,
        threshold=given.threshold,
        before=given.before,
        after=given.after,
        weight=given.weight,
        bins=given.bins,
        smooth=given.smooth,
    )


def _channel(model_dir: Path, recording: str, number: int) -> Trace:
    if Path(recording).suffix.lower() in (".npz", ".json"):
        what = "its own npz and json files have what was measured of a recording, and not the recording"
        raise UsageError(f"{_OPTION}: {recording}: expected a recording such as .abf: {what}")
    try:
        found = read(DataSource(file=Path(recording), channel=number), model_dir)
    except Unreadable as error:
        what = "potential" if number == 0 else "current"
        raise UsageError(f"{_OPTION}: the {what}, channel {number}: {error}") from error
    if not isinstance(found, Trace):
        raise UsageError(f"{_OPTION}: {recording}: expected a trace as channel {number}, got events")
    return found


def _stimulus(times: FloatArray, currents: FloatArray) -> tuple[float, float]:
    """Return from when to when the current is more than its standard deviation off its mean, in most sweeps, in ms."""
    edges = []
    for row in currents:
        away = np.flatnonzero(np.abs(row - row.mean()) > row.std())
        if away.size:
            edges.append((away[0], away[-1]))
    if not edges:
        raise UsageError(f"{_OPTION}: expected steps of current in channel 1 of the recording, it is constant")
    first, last = (np.bincount(each).argmax() for each in np.transpose(edges))
    return float(times[first]), float(times[last])


def _mask(model_dir: Path, text: str) -> Any:
    """Return the mask of a command line, or of the file that it names."""
    for source in (text, model_dir / text):
        try:
            found = ast.literal_eval(source if isinstance(source, str) else source.read_text(encoding="utf-8").strip())
        except (ValueError, TypeError, SyntaxError, OSError, RecursionError, MemoryError):
            continue
        return found
    raise UsageError(
        f"{_OPTION}: -k {text}: expected a number, tuple, list or mapping, or a file with one in {model_dir}"
    )


def _masked(mask: Any, mode: str, count: int) -> Sequence[int]:
    """Return the sweeps of a mode: all, up to a number, from one to another, or those of a list."""
    if isinstance(mask, Mapping):
        mask = mask.get(mode)
    whole = isinstance(mask, (list, tuple)) and all(type(each) is int for each in mask)
    if mask is None:
        found: Sequence[int] = range(count)
    elif type(mask) is int:
        found = range(mask + 1)
    elif whole and isinstance(mask, tuple) and len(mask) == 2:
        found = range(mask[0], mask[1] + 1)
    elif whole and isinstance(mask, list):
        found = list(dict.fromkeys(mask))
    else:
        raise UsageError(f"{_OPTION}: -k: expected a number, (first, last) or a list of sweeps, got {mask!r:.100}")
    return [each for each in found if 0 <= each < count]
