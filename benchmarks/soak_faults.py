"""What the soak breaks, one thing at a time, and repairs: the controllers, and all that is around them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence

from soak_controllers import Controllers
from soak_surroundings import InVain, Surroundings
from virtual_cluster import ClusterError, VirtualCluster

# how long what must happen may take on a machine that does other work, in s
_LIMIT = 300.0
# states of a job before and after, of which the latter is a controller's doing
_BY_CONTROLLERS = {
    *((None, state) for state in ("PENDING", "CONFIGURING", "RUNNING", "CANCELLED", "COMPLETED", "FAILED")),
    *((state, "CANCELLED") for state in ("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED")),
}


class Deck:
    """Faults in a random order, each of them once before any comes again.

    Parameters
    ----------
    faults : sequence of callable
        What breaks something, and repairs it.
    chance : random.Random
        Decides the order.
    """

    def __init__(self, faults: Sequence[Callable[[], None]], chance: random.Random):
        self._faults = faults
        self._chance = chance
        self._left: list[Callable[[], None]] = []

    def draw(self) -> Callable[[], None]:
        """Return the next one."""
        self._left = self._left or self._chance.sample(self._faults, len(self._faults))
        return self._left.pop()


class Faults:
    """Breaks things, and repairs them.

    Parameters
    ----------
    cluster : VirtualCluster
        SLURM.
    controllers : Controllers
        Of the run.
    surroundings : Surroundings
        What is around the controllers.
    chance : random.Random
        Decides what is broken.
    """

    def __init__(
        self, cluster: VirtualCluster, controllers: Controllers, surroundings: Surroundings, chance: random.Random
    ):
        self._cluster = cluster
        self._controllers = controllers
        self._surroundings = surroundings
        self._chance = chance
        self.done: Counter[str] = Counter()
        self.in_vain: Counter[str] = Counter()
        self.unexpected: list[str] = []
        of_controllers = [
            *(self._kill_controller, self._stop_controller, self._kill_controller_twice, self._start_second_controller),
            *(self._continue_elsewhere, self._suspend_controller, self._suspend_controller_until_it_is_succeeded),
        ]
        others = surroundings.faults
        self._all, self._others = Deck([*of_controllers, *others], chance), Deck(others, chance)

    def inject(self) -> None:
        """Inject one fault."""
        self._inject(self._all)

    def administrate(self) -> None:
        """Resume nodes that SLURM has drained, such as when it gave a job an id that they know already."""
        with contextlib.suppress(ClusterError):
            for node, state in self._cluster.node_states().items():
                if state.startswith("drain"):
                    self._cluster.run("scontrol", "update", f"nodename={node}", "state=resume")

    def rest(self) -> None:
        """Let some seconds pass, or less if the run is done."""
        end = time.monotonic() + self._chance.uniform(0.5, 6)
        while time.monotonic() < end and not self._controllers.ended():
            time.sleep(0.2)

    def _inject(self, deck: Deck) -> None:
        fault = deck.draw()
        name = fault.__name__.removeprefix("_")
        print(f"  {time.strftime('%H:%M:%S')} {name}", flush=True)
        try:
            fault()
        except (ClusterError, InVain) as error:  # such as a job that has ended meanwhile
            self.in_vain[name] += 1
            print(f"           in vain: {str(error).splitlines()[0]}", flush=True)
        else:
            self.done[name] += 1

    def _meanwhile(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Break other things until a condition holds, the run is done, or time is up; return whether it holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or self._controllers.ended():
                return False
            self.administrate()
            self._inject(self._others)
            self.rest()
        return True

    def _kill_controller(self) -> None:
        self._controllers.current.signal(signal.SIGKILL)

    def _kill_controller_twice(self) -> None:
        for _ in range(2):
            self._controllers.current.signal(signal.SIGKILL)
            self._controllers.current.wait(_LIMIT)
            if self._controllers.ended():
                return
            time.sleep(self._chance.uniform(0.2, 1.5))

    def _stop_controller(self) -> None:
        self._controllers.current.signal(signal.SIGTERM)

    def _start_second_controller(self) -> None:
        """Start another one; where both have just begun, either may be refused."""
        first = self._controllers.current
        second = self._controllers.start()
        both = (first, second)
        end = time.monotonic() + _LIMIT
        while all(program.code is None for program in both):
            if time.monotonic() > end:
                raise SystemExit("two controllers work on one run")
            time.sleep(0.1)
        refused = next(program for program in both if program.code is not None)
        if refused.code == 2:
            self._controllers.current = second if refused is first else first

    def _continue_elsewhere(self) -> None:
        """Stop or kill a controller, and go on on another host, with another clock."""
        first = self._controllers.current
        first.signal(self._chance.choice([signal.SIGTERM, signal.SIGKILL]))
        if first.wait(_LIMIT) is None:
            raise SystemExit("a controller does not stop")
        host = self._controllers.elsewhere(first.host)
        self._surroundings.move_clock(host.name)
        if first.code != 0:
            self._controllers.start(host)

    def _suspend_controller(self) -> None:
        self._controllers.current.signal(signal.SIGSTOP)
        time.sleep(self._chance.uniform(0.2, 20))
        self._controllers.current.signal(signal.SIGCONT)

    def _suspend_controller_until_it_is_succeeded(self) -> None:
        """Then wake it, while its successor is suspended: what is written meanwhile is its doing."""
        first = self._controllers.current
        if not self._controllers.holds(first):
            raise InVain("it does not hold the run")
        first.signal(signal.SIGSTOP)
        host = self._controllers.elsewhere(first.host)
        self._surroundings.move_clock(host.name)
        self._controllers.start(host)
        if not self._meanwhile(lambda: self._controllers.holds(self._controllers.current), _LIMIT):
            raise SystemExit("a controller that is suspended is not succeeded")
        self._meanwhile(lambda: False, self._chance.uniform(0, 15))
        second = self._controllers.current
        second.signal(signal.SIGSTOP)
        time.sleep(1)
        for command in second.commands():
            with contextlib.suppress(Exception):
                command.wait(10)
        before, jobs = self._written(), self._jobs()
        first.signal(signal.SIGCONT)
        code, after, jobs_after = first.wait(_LIMIT), self._written(), self._jobs()
        second.signal(signal.SIGCONT)
        if code != 3 or "another controller has taken this run over" not in first.log.read_text():
            self.unexpected.append(f"a controller that was succeeded ended with exit code {code}")
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        changed += [f"job {job}" for job, state in jobs_after.items() if (jobs.get(job), state) in _BY_CONTROLLERS]
        if changed:
            self.unexpected.append(f"a controller that was succeeded has changed {', '.join(sorted(changed))}")

    def _written(self) -> dict[str, str]:
        """Return what is in the files that only controllers write."""
        run, found = self._controllers.run, {}
        patterns = (
            "[!.]*",
            "generations/*/[!.]*.json*",
            "generations/*/results/[!.]*",
            "generations/*/*/*/offspring.*",
        )
        for path in (path for pattern in patterns for path in run.glob(pattern)) if run else ():
            if path.is_file() and path.name not in ("controller.log", "report.html"):
                content = path.read_bytes()
                if path.parent.name != "results" or not _is_of_job(content):
                    found[str(path.relative_to(run))] = hashlib.sha256(content).hexdigest()
        return found

    def _jobs(self) -> dict[str, str]:
        """Return the state of each job."""
        lines = self._cluster.run("squeue", "-h", "-r", "-t", "all", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)


def _is_of_job(content: bytes) -> bool:
    """Return whether a result was written by a job, and not by a controller."""
    try:
        return bool(json.loads(content)["versions"])
    except (ValueError, KeyError):
        return True
