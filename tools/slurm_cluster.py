#!/usr/bin/env python3
"""A virtual SLURM cluster on this machine, to try things out and for the tests.

    eval "$(tools/slurm_cluster.py start)"    # SLURM's commands of this shell now talk to it
    sbatch --wrap hostname
    tools/slurm_cluster.py stop
    tools/slurm_cluster.py run -- make check  # on a cluster that lives as long as the command

Runs slurmctld, several slurmd and munged in a directory of their own: needs SLURM's programs (Debian: apt-get install
slurmctld slurmd slurm-client munge) but nothing of their configuration; several clusters can run at once. With
--accounting it also runs slurmdbd and a database (Debian: slurmdbd mariadb-server), so that sacct works.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from slurm_configuration import ClusterSettings
from virtual_cluster import ClusterError, VirtualCluster

DEFAULT_DIRECTORY = Path(tempfile.gettempdir()) / f"virtual-slurm-{os.geteuid()}"

__all__ = ["ClusterError", "ClusterSettings", "VirtualCluster"]


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Run the command line: 0 done, 1 failed or (status) not running, 2 wrong usage; of `run` the program's own."""
    parser = _parser()
    split = list(arguments).index("--") if "--" in arguments else len(arguments)
    options, program = parser.parse_args(arguments[:split]), list(arguments[split + 1 :])
    if bool(program) != (options.action == "run"):
        parser.error("run needs a program, the others take none; for example: run -- make check")
    signal.signal(signal.SIGTERM, _terminated)
    try:
        settings = ClusterSettings(
            nodes=options.nodes,
            cpus=options.cpus,
            memory=options.memory,
            max_array_size=options.max_array_size,
            min_job_age=options.min_job_age,
            extra=options.extra,
            cgroup=options.cgroup,
            accounting=options.accounting,
        )
        if options.action == "run":
            return run(VirtualCluster(options.dir or tempfile.mkdtemp(prefix="slurm-"), settings), program)
        cluster = VirtualCluster(options.dir or DEFAULT_DIRECTORY, settings)
        return {"start": start, "stop": stop, "status": status}[options.action](cluster, options.json)
    except ValueError as error:
        _say(str(error))
        return 2
    except (ClusterError, OSError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130


def start(cluster: VirtualCluster, as_json: bool) -> int:
    """Start the cluster; standard output is what the calling shell has to evaluate."""
    already = cluster.running()
    cluster.start()
    if as_json:
        print(json.dumps(_describe(cluster), indent=1))
        return 0
    print(f"export SLURM_CONF={shlex.quote(str(cluster.conf))}")
    where = f"--dir {shlex.quote(str(cluster.directory))}"
    nodes = ", ".join(cluster.node_states())
    _say(f"{'already running' if already else 'running'} in {cluster.directory}, nodes {nodes}")
    if sys.stdout.isatty():
        _say(f'give this line to your shell, or start with: eval "$({sys.argv[0]} start {where})"')
    _say(f"then use sinfo, sbatch, squeue as on any cluster; end it with: {sys.argv[0]} stop {where}")
    return 0


def stop(cluster: VirtualCluster, as_json: bool) -> int:
    """End the cluster, whatever is left of it."""
    stopped = cluster.stop()
    if as_json:
        print(json.dumps({"directory": str(cluster.directory), "stopped": stopped}))
    else:
        _say(f"{'stopped and removed' if stopped else 'nothing to stop in'} {cluster.directory}")
    return 0


def status(cluster: VirtualCluster, as_json: bool) -> int:
    """Show daemons and nodes; exit code 0 if every daemon runs, 1 otherwise."""
    description = _describe(cluster)
    if as_json:
        print(json.dumps(description, indent=1))
    elif not description["daemons"]:
        print(f"no cluster in {cluster.directory}")
    else:
        print(f"SLURM_CONF={cluster.conf}")
        for name, daemon in description["daemons"].items():
            node = description["nodes"].get(name, "")
            print(f"{name:<10} pid {daemon['pid']:<8} {daemon['state']:<10} {node}".rstrip())
    return 0 if description["running"] else 1


def run(cluster: VirtualCluster, program: list[str]) -> int:
    """Run a program on a cluster of its own, pass signals on to it, and end the cluster when it ends."""
    if cluster.running():
        raise ClusterError(f"{cluster.directory}: this cluster runs already and would end with the program")
    with cluster:
        try:
            child = subprocess.Popen(program, env=cluster.environment())
        except OSError as error:
            raise ClusterError(f"{program[0]}: can't be run: {error.strerror}") from None
        signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends it to the program as well
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _: child.send_signal(received))
        code = child.wait()
    return code if code >= 0 else 128 - code


def _terminated(number: int, _frame: FrameType | None) -> None:
    """Leave on SIGTERM as on an error, so that what was started is stopped."""
    raise SystemExit(128 + number)


def _describe(cluster: VirtualCluster) -> dict[str, Any]:
    daemons = {
        name: {
            "pid": process.pid,
            "state": "suspended" if process.suspended() else "running" if process.alive() else "dead",
        }
        for name, process in cluster.daemons().items()
    }
    answering = all(daemons.get(name, {}).get("state") == "running" for name in ("munged", "slurmctld"))
    return {
        "directory": str(cluster.directory),
        "conf": str(cluster.conf),
        "running": cluster.running(),
        "daemons": daemons,
        "nodes": cluster.node_states() if answering else {},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        usage="%(prog)s start|stop|status|run [options] [-- program ...]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["start", "stop", "status", "run"])
    parser.add_argument("--dir", type=Path, help=f"the cluster's directory (default: {DEFAULT_DIRECTORY})")
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of text")
    chosen = parser.add_argument_group("for start and run")
    fields = ClusterSettings()
    chosen.add_argument("--nodes", type=int, default=fields.nodes, help="virtual nodes (default: %(default)s)")
    chosen.add_argument("--cpus", type=int, default=fields.cpus, help="CPUs each claims to have (default: %(default)s)")
    chosen.add_argument("--memory", type=int, metavar="MB", help="memory each claims to have (default: its share)")
    chosen.add_argument("--max-array-size", type=int, default=fields.max_array_size, help="default: %(default)s")
    chosen.add_argument(
        "--min-job-age", type=int, default=fields.min_job_age, help="seconds SLURM knows ended jobs (default: 300)"
    )
    chosen.add_argument("--accounting", action="store_true", help="keep accounts, for sacct (default: none)")
    extra = "a line for slurm.conf, repeatable; replaces ours, or adds a NodeName or PartitionName"
    chosen.add_argument("--extra", action="append", default=[], metavar="KEY=VALUE", help=extra)
    cgroup = "a line for cgroup.conf, repeatable (default: cgroups are not used)"
    chosen.add_argument("--cgroup", action="append", default=[], metavar="KEY=VALUE", help=cgroup)
    return parser


def _say(message: str) -> None:
    print(f"slurm_cluster: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
