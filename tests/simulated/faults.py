"""What can go wrong in a world, by kind: each is planned from a seed, and happens at a step, a call or a time."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulated.hosts import Host, Process
    from simulated.slurm import Call, Job
    from simulated.world import World

Numbers = dict[str, float]
# about as long as an undisturbed run takes, in s, and about as many steps as its controller makes
_LASTS = 60.0
_STEPS = 500
# more faults than this are no site's lot
_MOST = 6


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Parameters
    ----------
    draw : callable
        Returns what decides about one, given a random generator.
    plan : callable
        Lets it happen in a world, given that.
    """

    draw: Callable[[random.Random], Numbers]
    plan: Callable[[World, Numbers], None]


@dataclass(frozen=True)
class Fault:
    """One fault."""

    kind: str
    numbers: Mapping[str, float]

    def plan(self, world: World) -> None:
        """Let it happen."""
        KINDS[self.kind].plan(world, dict(self.numbers))

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{name}={value:g}' for name, value in self.numbers.items())})"


KINDS: dict[str, Kind] = {}


def faults_of(seed: int, kinds: Sequence[str] | None = None) -> list[Fault]:
    """Return what goes wrong in the world of a seed.

    Parameters
    ----------
    seed : int
        Of the world.
    kinds : sequence of str or None
        Of which kinds; None for all.
    """
    choose = random.Random(f"faults {seed}")
    names = list(KINDS if kinds is None else kinds)
    drawn = [names[choose.randrange(len(names))] for _ in range(choose.randint(1, _MOST))]
    found = [Fault(name, KINDS[name].draw(choose)) for name in drawn]
    # an offspring under which two nodes die one after the other is given up: that is no fault of the cluster's
    deaths = [fault for fault in found if fault.kind.startswith("node fails")]
    return [fault for fault in found if fault not in deaths[1:]]


def _kind(
    name: str, draw: Callable[[random.Random], Numbers]
) -> Callable[[Callable[[World, Numbers], None]], Callable[[World, Numbers], None]]:
    def register(plan: Callable[[World, Numbers], None]) -> Callable[[World, Numbers], None]:
        KINDS[name] = Kind(draw, plan)
        return plan

    return register


def _which(choose: random.Random) -> int:
    """Return the number of a controller: the first ones, as a rule."""
    return min(int(choose.expovariate(1.2)) + 1, 4)


def _at_step(choose: random.Random) -> Numbers:
    # most of what a controller does at its start is done within 80 steps
    steps = choose.randrange(1, 80) if choose.random() < 0.3 else choose.randrange(1, _STEPS)
    return {"controller": _which(choose), "step": steps}


def _when(choose: random.Random, longest: float) -> Numbers:
    return {"begin": choose.uniform(0, _LASTS), "seconds": choose.choice([2.0, 20.0, longest * choose.random()])}


# controllers


def _plan_at_step(world: World, numbers: Numbers, action: Callable[[Process], object]) -> None:
    def arm(process: Process) -> None:
        process.faults.setdefault(int(numbers["step"]), []).append(lambda: action(process))

    world.at_controller.setdefault(int(numbers["controller"]), []).append(arm)


@_kind("controller killed", _at_step)
def _crash(world: World, numbers: Numbers) -> None:
    def die(process: Process) -> None:
        world.inject("controller killed", process.name, "is killed")
        world.kill(process)

    _plan_at_step(world, numbers, die)


@_kind(
    "controller suspended", lambda choose: _at_step(choose) | {"seconds": choose.choice([10.0, 65.0, 200.0, 12000.0])}
)
def _suspend(world: World, numbers: Numbers) -> None:
    def sleep(process: Process) -> None:
        if process.is_guarded:
            process.faults.setdefault(process.guarded_until, []).append(lambda: sleep(process))
            return
        world.inject("controller suspended", process.name, f"is suspended for {numbers['seconds']:g} s")
        process.suspended_until = world.scheduler.now + numbers["seconds"]
        _seen_by_its_user(world, numbers["seconds"])

    _plan_at_step(world, numbers, sleep)


@_kind(
    "host suspended",
    lambda choose: {"begin": choose.uniform(0, _LASTS), "seconds": choose.choice([10.0, 65.0, 200.0, 12000.0])},
)
def _suspend_host(world: World, numbers: Numbers) -> None:
    def sleep() -> None:
        affected = [process for process in world.controllers if process.lives and process.host is world.logins[0]]
        if any(process.is_guarded for process in affected):
            world.scheduler.at(world.scheduler.now + 0.1, sleep)
            return
        world.inject("host suspended", "login1", f"is suspended for {numbers['seconds']:g} s")
        world.logins[0].slept += numbers["seconds"]
        for process in affected:
            process.suspended_until = world.scheduler.now + numbers["seconds"]
        _seen_by_its_user(world, numbers["seconds"])

    world.scheduler.at(world.scheduler.now + numbers["begin"], sleep)


def _seen_by_its_user(world: World, seconds: float) -> None:
    """Let a user see that nothing goes on, and continue the run somewhere else."""
    world.scheduler.at(world.scheduler.now + min(seconds / 2, 100.0), world.start_elsewhere)


@_kind("controller stopped", lambda choose: {"begin": choose.uniform(0, _LASTS)})
def _stop(world: World, numbers: Numbers) -> None:
    def ask() -> None:
        for process in world.controllers:
            if process.lives:
                world.inject("controller stopped", process.name, "gets SIGTERM")
                world.terminate(process)

    world.scheduler.at(world.scheduler.now + numbers["begin"], ask)


@_kind("second controller", lambda choose: {"begin": choose.uniform(0, _LASTS)})
def _rival(world: World, numbers: Numbers) -> None:
    def start() -> None:
        world.inject("second controller", "operator", "a second controller is started")
        world.start_elsewhere()

    world.scheduler.at(world.scheduler.now + numbers["begin"], start)


# clocks


def _host_number(choose: random.Random) -> int:
    return choose.randrange(5)


@_kind(
    "clock off",
    lambda choose: {"host": _host_number(choose), "seconds": choose.choice([-3600.0, -100, -30, 30, 100, 3600])},
)
def _skew(world: World, numbers: Numbers) -> None:
    host = world.hosts[int(numbers["host"])]
    world.inject("clock off", host.name, f"its clock is off by {numbers['seconds']:g} s")
    host.skew += numbers["seconds"]


@_kind(
    "clock jumps",
    lambda choose: {
        "begin": choose.uniform(0, _LASTS),
        "host": _host_number(choose),
        "seconds": choose.choice([-3600.0, -100, 100, 3600, 20000]),
    },
)
def _jump(world: World, numbers: Numbers) -> None:
    host = world.hosts[int(numbers["host"])]

    def jump() -> None:
        world.inject("clock jumps", host.name, f"its clock jumps by {numbers['seconds']:g} s")
        host.skew += numbers["seconds"]

    world.scheduler.at(world.scheduler.now + numbers["begin"], jump)


# files


def _plan_while(
    world: World, numbers: Numbers, kind: str, begin: Callable[[Host], object], end: Callable[[Host], object]
) -> None:
    host = world.hosts[int(numbers["host"])]

    def start() -> None:
        world.inject(kind, host.name, f"{kind} for {numbers['seconds']:g} s")
        begin(host)

    world.scheduler.at(world.scheduler.now + numbers["begin"], start)
    world.scheduler.at(world.scheduler.now + numbers["begin"] + numbers["seconds"], lambda: end(host))


@_kind(
    "files late",
    lambda choose: _when(choose, 300.0) | {"host": _host_number(choose), "late": choose.choice([0.5, 3.0, 10.0, 30.0])},
)
def _late(world: World, numbers: Numbers) -> None:
    def begin(host: Host) -> None:
        host.see_late(numbers["late"], world.scheduler.now)

    def end(host: Host) -> None:
        host.see_late(0.0, world.scheduler.now)

    world.longest_lateness = max(world.longest_lateness, numbers["late"])
    _plan_while(world, numbers, "files late", begin, end)


@_kind("disk full", lambda choose: _when(choose, 200.0) | {"host": _host_number(choose)})
def _full(world: World, numbers: Numbers) -> None:
    def begin(host: Host) -> None:
        host.full_until = world.scheduler.now + numbers["seconds"]

    _plan_while(world, numbers, "disk full", begin, lambda _: None)


@_kind(
    "files away",
    lambda choose: (
        _when(choose, 100.0)
        | {"host": _host_number(choose), "error": choose.choice([errno.EIO, errno.ESTALE, errno.ENOENT])}
    ),
)
def _away(world: World, numbers: Numbers) -> None:
    def begin(host: Host) -> None:
        host.away_until, host.away_as = world.scheduler.now + numbers["seconds"], int(numbers["error"])

    _plan_while(world, numbers, "files away", begin, lambda _: None)


# SLURM's commands


def _nth(most: int) -> Callable[[random.Random], Numbers]:
    return lambda choose: {"call": choose.randint(1, most), "seconds": choose.choice([0.5, 3.0, 8.0, 70.0])}


def _at_call(program: str, kind: str, change: Callable[[Call, Numbers], object]) -> Callable[[World, Numbers], None]:
    def plan(world: World, numbers: Numbers) -> None:
        def act(call: Call) -> None:
            world.inject(kind, program, kind)
            change(call, numbers)

        world.slurm.faults[program, int(numbers["call"])] = act

    return plan


_TIMED_OUT = (1, "", "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation")


def _sbatch_fails(call: Call, numbers: Numbers) -> None:
    call.taken_after, call.says = None, _TIMED_OUT


def _sbatch_fails_and_does(call: Call, numbers: Numbers) -> None:
    call.silent_for, call.says = 9.0, _TIMED_OUT


def _sbatch_is_taken_late(call: Call, numbers: Numbers) -> None:
    call.taken_after, call.says = min(numbers["seconds"], 3.0), _TIMED_OUT


def _sbatch_hangs(call: Call, numbers: Numbers) -> None:
    call.silent_for, call.taken_after = 1000.0, None if numbers["seconds"] > 3 else 0.0


def _job_is_lost(call: Call, numbers: Numbers) -> None:
    slurm = call.slurm
    call.after = lambda number: slurm.scheduler.at(slurm.scheduler.now + 0.05, lambda: slurm.lose(number))


def _prints_more(call: Call, numbers: Numbers) -> None:
    call.preface = "sbatch: submitting job 7 of project 12\n"


def _fails(call: Call, numbers: Numbers) -> None:
    call.taken_after = None
    call.says = (1, "", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)")


def _answers_nothing(call: Call, numbers: Numbers) -> None:
    call.taken_after, call.says = None, (0, "", "")


def _hangs(call: Call, numbers: Numbers) -> None:
    call.silent_for = numbers["seconds"]


for _program, _name, _change, _most in (
    ("sbatch", "sbatch fails", _sbatch_fails, 3),
    ("sbatch", "sbatch fails and does it", _sbatch_fails_and_does, 3),
    ("sbatch", "sbatch is obeyed late", _sbatch_is_taken_late, 3),
    ("sbatch", "sbatch hangs", _sbatch_hangs, 3),
    ("sbatch", "SLURM forgets a submission", _job_is_lost, 3),
    ("sbatch", "sbatch prints more", _prints_more, 3),
    ("squeue", "squeue fails", _fails, 20),
    ("squeue", "squeue answers nothing", _answers_nothing, 20),
    ("squeue", "squeue hangs", _hangs, 20),
    ("scancel", "scancel fails", _fails, 3),
    ("scancel", "scancel does nothing", _answers_nothing, 3),
    ("scontrol", "scontrol fails", _fails, 2),
):
    KINDS[_name] = Kind(_nth(_most), _at_call(_program, _name, _change))


# jobs


def _of_job(choose: random.Random) -> Numbers:
    return {
        "job": choose.randint(1, 9),
        "step": choose.randint(1, 40),
        "seconds": choose.choice([3.0, 15.0, 70.0, 400.0]),
    }


def _to_payload(kind: str, act: Callable[[World, Job, Numbers], object]) -> Callable[[World, Numbers], None]:
    """Do something to a job at a step of its payload."""

    def plan(world: World, numbers: Numbers) -> None:
        def arm(job: Job) -> None:
            def happen() -> None:
                world.inject(kind, f"job {job.id}", kind)
                job.excused = True
                act(world, job, numbers)

            if job.process is not None:
                job.process.faults.setdefault(int(numbers["step"]), []).append(happen)

        world.slurm.faults["payload", int(numbers["job"])] = arm

    return plan


def _ended_as(state: str, *, gently: bool = False, payload: bool = True) -> Callable[[World, Job, Numbers], object]:
    return lambda world, job, _: world.scheduler.at(
        world.scheduler.now, lambda: world.slurm.end(job, state, gently=gently, payload=payload)
    )


def _process_killed(world: World, job: Job, _: Numbers) -> None:
    def kill() -> None:
        if job.process is not None and job.is_active:
            world.scheduler.end(job.process)
            world.slurm.end_by_itself(job, 137)

    world.scheduler.at(world.scheduler.now, kill)


for _name, _act in (
    ("node fails", _ended_as("NODE_FAIL")),
    ("node fails, payload lives on", _ended_as("NODE_FAIL", payload=False)),
    ("job preempted", _ended_as("PREEMPTED", gently=True)),
    ("job cancelled", _ended_as("CANCELLED", gently=True)),
    ("job killed", _ended_as("FAILED")),
    ("job's process killed", _process_killed),
):
    KINDS[_name] = Kind(_of_job, _to_payload(_name, _act))


@_kind("job listed late", _of_job)
def _listed_late(world: World, numbers: Numbers) -> None:
    def hide(job: Job) -> None:
        world.inject("job listed late", f"job {job.id}", f"is not listed for {numbers['seconds']:g} s")
        job.listed_from = world.scheduler.now + numbers["seconds"]

    world.slurm.faults["job", int(numbers["job"])] = hide


@_kind("job waits in the queue", _of_job)
def _waits(world: World, numbers: Numbers) -> None:
    def wait(job: Job) -> None:
        world.inject("job waits in the queue", f"job {job.id}", f"waits for {numbers['seconds']:g} s")
        job.held_until = world.scheduler.now + numbers["seconds"]

    world.slurm.faults["job", int(numbers["job"])] = wait


@_kind("job forgotten in the queue", _of_job)
def _forgotten(world: World, numbers: Numbers) -> None:
    def forget(job: Job) -> None:
        world.inject("job forgotten in the queue", f"job {job.id}", "is forgotten")
        world.scheduler.at(world.scheduler.now + 0.3, lambda: world.slurm.forget(job))

    world.slurm.faults["job", int(numbers["job"])] = forget
