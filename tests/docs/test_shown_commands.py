"""Every command that README and docs show is executed, in the order of the page; see shown.py for how.

A failure names the page and the line, as ``docs/results.md:12``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import command_reference
import pytest
import yaml
from bare_models import make_small
from clones import make_clone
from posterior_runs import linear_run
from shown import ROOT, SHELL, Block, Reader, blocks_of

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.model import Config
from orchestrator.config.points import POINTS

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]

# how blocks begin that are not executed, and why; their syntax is checked, and that what they start exists
NOT_EXECUTED = {
    "./tools/demo\n": "takes five minutes; an optimisation of the same model is one of the tests",
    "./tools/test": "it is what runs these tests",
    "pip install 'mozaik-orchestrator[": "installs; tools/test has done so",
    "cd examples/": "simulates for minutes; the suite of the example's simulator runs it smaller",
    "python3 -m venv ~/orchestrator": "installs for a minute; tests/package does so",
    "orchestrator prepare --function cell:simulate --import-pna": "reads a recording; tests of the import make one",
    "pip install --constraint": "installs for a minute; tests/package does so",
    "pip install optuna-dashboard": "installs, and serves until it is stopped; tests/browser does so",
    "python benchmarks/": "benchmarks take minutes; they are not part of the tests",
}
# pages with commands, by the test that executes them
ON_A_FUNCTION = (
    *("docs/api.md", "docs/continue.md", "docs/objectives.md", "docs/plug-ins.md", "docs/status.md"),
    "docs/validation.md",
)
ON_A_FINISHED_RUN = ("docs/notebooks.md", "docs/own-target.md", "docs/rescore.md", "docs/targets.md")
ON_A_CLUSTER = ("README.md", "docs/own-model.md", "docs/own-cluster.md")
# with so many runs
IN_AN_EMPTY_DIRECTORY = {"docs/generators.md": 1, "docs/programs.md": 2, "docs/python.md": 1}
OTHERS = ("docs/nest-script.md", "docs/neuron.md", "docs/posterior.md", "docs/results.md", "docs/tutorial.md")
# whose files are those of an example
OF_EXAMPLES = {"docs/nest-script.md": ("nest_script", "brian2_network")}


def smaller(settings: dict[str, Any]) -> None:
    """Let an optimisation be of one generation of three, near its start."""
    settings.update(max_ngen=1, offspring_size=3, optimiser_sigma=0.05)
    settings["explosion_check"] = {"duration": 70, "slices": 2}
    settings["jobs"] = {"poll_interval": 1, "result_grace": 2, "time": "10m"}


def test_no_page_is_forgotten() -> None:
    executed = (*ON_A_FUNCTION, *ON_A_FINISHED_RUN, *ON_A_CLUSTER, *IN_AN_EMPTY_DIRECTORY, *OTHERS)
    for page in PAGES:
        blocks = [block for block in blocks_of(page) if block.language in (*SHELL, "python")]
        there_is_some = not all(block.text.startswith(tuple(NOT_EXECUTED)) for block in blocks)
        assert there_is_some == (page in executed), page


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_what_they_say(page: str) -> None:
    for block in blocks_of(page):
        assert block.language in (*SHELL, "python", "yaml", "text"), block.where
        if block.language in SHELL:
            done = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), block.where
        elif block.language == "python":
            compile(block.text, block.where, "exec")
        elif block.language == "yaml":
            known(yaml.safe_load(block.text), block)


def known(settings: Mapping[str, Any], block: Block) -> None:
    """Make sure that the configuration has these keys."""
    for key, value in settings.items():
        assert key in Config.model_fields, f"{block.where}: {key}"
        section = Config.model_fields[key].annotation
        if isinstance(value, dict) and key in POINTS:
            name = value.get(POINTS[key].key, POINTS[key].default)
            if ":" in name:  # a file of the page, which its commands read
                continue
            section = POINTS[key].find(name, ROOT).options
        if isinstance(value, dict) and isinstance(section, type) and hasattr(section, "model_fields"):
            assert set(value) <= set(section.model_fields), f"{block.where}: {key}"


def test_what_is_not_executed_exists() -> None:
    blocks = [block for page in PAGES for block in blocks_of(page)]
    for beginning in NOT_EXECUTED:
        listed = [block for block in blocks if block.text.startswith(beginning)]
        assert listed, f"no page shows {beginning}"
        for block in listed:
            for file in re.findall(r"(?:^|\s)(?:\./)?((?:tools|benchmarks|tests)/\S+)", block.text):
                assert (ROOT / file).exists(), block.where


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_text_have_these_options(page: str) -> None:
    functions = command_reference.commands()
    text = (ROOT / page).read_text(encoding="utf-8")
    for command, rest in re.findall(r"`orchestrator (\w+)([^`]*)`", text):
        assert command in (*functions, "COMMAND"), f"{page}: orchestrator {command}"
        if command in functions:
            options = [name for each in command_reference.parameters_of(functions[command]) for name in each.names]
            given = re.findall(r"(?<![\w-])--?[a-z][\w-]*", rest)
            assert set(given) <= {*options, "-h", "--help"}, f"{page}: orchestrator {command}{rest}"


@pytest.mark.run
@pytest.mark.parametrize("page", ON_A_FUNCTION)
def test_commands_on_runs_of_a_function(page: str, copy_of_function: Path) -> None:
    shutil.copy(ROOT / "slurm_templates/optimisation.sbatch", copy_of_function)
    first = min(copy_of_function.glob("*_Optimization")).name
    # this machine has no SLURM: what the job does is done here
    changes = {
        r"(?m)^sbatch --wait ": "bash ",
        r"\bRUN\b": first,
        "max_ngen=100": "max_ngen=2",
        "max_ngen=120": "max_ngen=3",
        "--rank 4": "--rank 1",  # of three evaluations
    }
    Reader(copy_of_function, changes=changes).follow(page, NOT_EXECUTED)


@pytest.mark.run
@pytest.mark.parametrize("page", ON_A_FINISHED_RUN)
def test_commands_on_a_finished_run(page: str, copy_of_finished: Path) -> None:
    Reader(copy_of_finished).follow(page, NOT_EXECUTED)


@pytest.mark.run
@pytest.mark.parametrize("page", IN_AN_EMPTY_DIRECTORY)
def test_commands_in_an_empty_directory(page: str, tmp_path: Path) -> None:
    changes = {"max_evaluations=200": "max_evaluations=12", "max_evaluations=400": "max_evaluations=18"}
    Reader(tmp_path, changes=changes).follow(page, NOT_EXECUTED)
    runs = [Checkpoint(run).evaluations() for run in tmp_path.glob("*_Optimization")]
    assert len(runs) == IN_AN_EMPTY_DIRECTORY[page]
    assert all("OK" in set(found["outcome"]) for found in runs)


@pytest.mark.reference
def test_commands_about_the_posterior(tmp_path: Path) -> None:
    run = linear_run(tmp_path)
    changes = {r"\bRUN\b": run.directory.name, "--calibrate 100": "--calibrate 9"}
    Reader(tmp_path, changes=changes).follow("docs/posterior.md", NOT_EXECUTED)
    assert run.posterior.exists()
    assert 'id="posterior_pair"' in run.report.read_text(encoding="utf-8")


@pytest.mark.mozaik
def test_commands_about_results(copy_of_finished: Path) -> None:
    changes = {"--reevaluate 2 --seeds 3": "--reevaluate 1 --seeds 1"}
    Reader(copy_of_finished, changes=changes).follow("docs/results.md", NOT_EXECUTED)
    assert (copy_of_finished / "param_best/best_parameters.yaml").exists()
    assert (copy_of_finished / "comparison.html").exists()


@pytest.mark.slurm
@pytest.mark.mozaik
@pytest.mark.usefixtures("on_cluster")
@pytest.mark.parametrize("page", ON_A_CLUSTER)
def test_commands_on_a_cluster(page: str, bare: Callable[[str], Path]) -> None:
    model = bare("balanced_network")
    if page == "docs/own-cluster.md":  # it begins where another page ends
        command = [str(Path(sys.executable).parent / "orchestrator"), "prepare", str(model)]
        subprocess.run(command, check=True, capture_output=True)
    Reader(model, smaller=smaller).follow(page, NOT_EXECUTED)
    if page != "docs/own-cluster.md":
        runs = sorted(model.glob("*_Optimization"))
        assert runs
        for run in runs:
            assert list(Checkpoint(run).evaluations()["outcome"]) == ["OK"] * 3, run


@pytest.mark.slurm
@pytest.mark.simulators
@pytest.mark.usefixtures("on_cluster")
def test_commands_about_a_neuron_script(tmp_path: Path) -> None:
    Reader(tmp_path).follow("docs/neuron.md", NOT_EXECUTED)
    here, on_cluster = (Checkpoint(run).evaluations() for run in sorted(tmp_path.glob("*_Optimization")))
    assert list(here["outcome"]) == list(on_cluster["outcome"]) == ["OK"] * 12
    assert here["value:SpikeCount(v)[0]"].tolist() == on_cluster["value:SpikeCount(v)[0]"].tolist()


@pytest.mark.slurm
@pytest.mark.mozaik
@pytest.mark.usefixtures("on_cluster")
def test_commands_about_a_nest_script(tmp_path: Path, with_brian: Path) -> None:
    changes = {r"(?m)^  python: python$": f"  python: {with_brian}"}
    Reader(tmp_path, changes=changes).follow("docs/nest-script.md", NOT_EXECUTED)
    here, on_cluster, trials = (Checkpoint(run).evaluations() for run in sorted(tmp_path.glob("*_Optimization")))
    for found in (here, on_cluster, trials):
        assert list(found["outcome"]) == ["OK"] * 6
    rates = "value:ReturnedValue(rate)"
    assert here[rates].tolist() == on_cluster[rates].tolist()
    assert trials[f"se:{rates.removeprefix('value:')}"].gt(0).any()
    (brian,) = (tmp_path / "brian2_network").glob("*_Optimization")
    assert len(Checkpoint(brian).evaluations()) == 6


@pytest.mark.parametrize(("page", "examples"), OF_EXAMPLES.items())
def test_files_of_an_example_are_shown_as_they_are(page: str, examples: tuple[str, ...]) -> None:
    shown = {file: block.text.partition("\n")[2] for block in blocks_of(page) if (file := block.file)}
    whole = [path for name in examples for path in (ROOT / "examples" / name).iterdir() if path.is_file()]
    assert len(shown) == len(whole)
    for path in whole:
        file = path.name if path.parent.name == examples[0] else f"{path.parent.name}/{path.name}"
        assert shown[file] == path.read_text(encoding="utf-8"), file


@pytest.mark.mozaik
def test_the_tutorial(tmp_path: Path) -> None:
    """From the bare visual model to the best parameters applied, its own protocol run with them, and other seeds."""
    clone = make_clone(tmp_path / "clone")
    make_small(clone / "tests/models/visual_model")
    changes = {"--reevaluate 1 --seeds 3": "--reevaluate 1 --seeds 1"}
    reader = Reader(clone, {"OMP_NUM_THREADS": "1"}, changes, smaller)
    reader.follow("docs/tutorial.md", NOT_EXECUTED)

    assert reader.directory == tmp_path / "my_model"
    (run,) = reader.directory.glob("*_Optimization")
    evaluations = Checkpoint(run).evaluations()
    assert len(evaluations) == 3
    best = evaluations.loc[evaluations["total_score"].idxmin()]
    applied = yaml.safe_load((reader.directory / "param_best/best_parameters.yaml").read_text(encoding="utf-8"))
    for name, value in applied["parameters"].items():
        assert value == best[f"parameter:{name}"]
    assert (run / "reevaluation/reevaluation.h5").exists()
    assert not list(run.glob("generations/*"))
