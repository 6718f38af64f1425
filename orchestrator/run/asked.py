"""What was asked for, written down before anything of it is submitted, one file per generation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from orchestrator.checkpoint import OLDER_COPY, Checkpoint
from orchestrator.errors import RunFailed, UsageError
from orchestrator.files import read_json, write_json
from orchestrator.jobs.journal import require_executor
from orchestrator.optimisers.base import Told
from orchestrator.optimisers.space import SearchSpace
from orchestrator.paths import RunPaths
from orchestrator.records import Offspring, Origin
from orchestrator.schedules.base import RecordedGeneration


class Asks:
    """Keeps what was asked for in ``generations/<g>/generation.json``.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.
    space : SearchSpace
        Decodes the points that earlier versions recorded without their parameters.
    """

    def __init__(self, paths: RunPaths, space: SearchSpace):
        self._paths = paths
        self._space = space

    def record(
        self,
        offspring: Sequence[Offspring],
        kept: Sequence[Offspring] = (),
        confirm: Callable[[], object] = lambda: None,
    ) -> None:
        """Add offspring of one generation to what is recorded of it.

        Parameters
        ----------
        offspring : sequence of Offspring
            They are submitted next.
        kept : sequence of Offspring
            What was asked for with them and is not to be submitted yet; takes the place of what was kept before.
        confirm : callable
            Raises `orchestrator.errors.Stopped` if another controller has taken the run over: called last, because what
            that one has recorded meanwhile would be lost.
        """
        number = offspring[0].generation
        paths = self._paths.generation(number)
        paths.directory.mkdir(parents=True, exist_ok=True)
        known = [*self.recorded(number).offspring, *offspring]
        rows = {"offspring": known, **({"kept": kept} if kept else {})}
        lists = {name: [_to_json(each) for each in listed] for name, listed in rows.items()}
        write_json(paths.record, {"generation": number, **lists}, confirm)

    def recorded(self, number: int) -> RecordedGeneration:
        """Return what was asked for in a generation; nothing if its controller died before it was written down.

        Raises
        ------
        RunFailed
            If the file is not readable.
        """
        file = self._paths.generation(number).record
        try:
            data = read_json(file)
            offspring, kept = (
                [self._offspring(number, each) for each in listed]
                for listed in (_listed(number, data), data.get("kept", []))
            )
            if len({each.index for each in (*offspring, *kept)}) < len(offspring) + len(kept):
                raise ValueError("an offspring is there twice")
        except FileNotFoundError:
            return RecordedGeneration(())
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise RunFailed(
                f"{file}: does not say what was asked for ({type(error).__name__}: {error}). Restore it, or end the "
                f"jobs of the generation (orchestrator cancel) and delete {file.parent}"
            ) from error
        return RecordedGeneration(offspring, kept)

    def missing(self, told: Iterable[Told]) -> dict[int, set[int]]:
        """Return, for each generation that has files, which of its offspring are in no block that was told."""
        done = {each for block in told for each in block.ids}
        return {
            number: {each.index for each in self.recorded(number).offspring}
            - {index for of, index in done if of == number}
            for number in self._paths.generation_numbers()
        }

    def require_fit(self, checkpoint: Checkpoint) -> None:
        """Make sure that what was asked for goes on from what the checkpoint holds, before anything is written.

        Raises
        ------
        RunFailed
            If something was asked for after further tells, because an older copy has taken the checkpoint's place; or
            is of other parameters.
        """
        held, names = checkpoint.n_generations, checkpoint.parameter_names
        for number in self._paths.generation_numbers():
            asked = self.recorded(number)
            recorded = [*asked.offspring, *asked.kept]
            if wrong := [each for each in recorded if [*each.parameters] != names or len(each.point) != len(names)]:
                raise RunFailed(
                    f"{self._paths.generation(number).record}: expected a point of the parameters {', '.join(names)}, "
                    f"got {', '.join(wrong[0].parameters)} for offspring {wrong[0].index}. Restore the file"
                )
            after = max((each.asked_after for each in recorded), default=0)
            if after > held:
                raise RunFailed(
                    f"{checkpoint.path}: expected {after} generations, which {self._paths.generation(number).record} "
                    f"was asked for after, got {held}: {OLDER_COPY}, and continue; nothing was changed. If it is lost, "
                    f"end the jobs (orchestrator cancel), move {self._paths.generations} away and continue: what is "
                    f"missing from generation {held} on is simulated again"
                )

    def require_executor(self, checkpoint: Checkpoint, executor: str) -> None:
        """Make sure that what is in flight, of whichever generation, is with this executor.

        Raises
        ------
        orchestrator.errors.UsageError
            If it is not: this executor could neither watch nor end it.
        """
        for number in self._paths.generation_numbers():
            try:
                require_executor(self._paths.generation(number), executor)
            except UsageError:
                # nothing waits for the jobs of a generation that is in the checkpoint completely
                if self.missing(checkpoint.told())[number]:
                    raise

    def _offspring(self, number: int, data: Mapping[str, Any]) -> Offspring:
        point = tuple(float(x) for x in data["point"])
        parameters = dict(data["parameters"]) if "parameters" in data else self._space.decode(point)
        for name, value in parameters.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f"expected a number for {name!r}, got {value!r}")
        index, after = int(data["index"]), int(data.get("asked_after", number))
        if index < 0 or after < 0:
            raise ValueError(f"expected numbers from 0 on, got offspring {index}, asked for after {after} tells")
        return Offspring(number, index, point, parameters, Origin(data["origin"]), after)


def _to_json(offspring: Offspring) -> dict[str, Any]:
    return {
        "index": offspring.index,
        "origin": offspring.origin.value,
        "asked_after": offspring.asked_after,
        "point": list(offspring.point),
        "parameters": dict(offspring.parameters),
    }


def _listed(number: int, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the offspring of a record, also of those that version 0.1 wrote."""
    if "offspring" in data:
        return list(data["offspring"])
    if "tasks" in data:  # of a re-evaluation
        points = [{"point": [math.nan] * len(task), "parameters": task} for task in data["tasks"]]
        return [{"index": index, "origin": "sample", **each} for index, each in enumerate(points)]
    origins = ["start" if (number, index) == (0, 0) else "sample" for index in range(len(data["points"]))]
    return [
        {"index": index, "origin": origin, "point": point}
        for index, (origin, point) in enumerate(zip(origins, data["points"], strict=True))
    ]
