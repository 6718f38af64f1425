"""Launch scripts: their placeholders, what bash and shellcheck say of them, and the examples for several sites."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from checked_project import ROOT, visual_model

from orchestrator.checking.problems import load_checked_config
from orchestrator.checking.scripts import Remark, script_remarks
from orchestrator.config.file import load_config
from orchestrator.config.moved_keys import MOVED
from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.paths import AttemptPaths
from orchestrator.simulations import model_of
from orchestrator.simulations.mozaik.launch_script import PLACEHOLDERS, template_problems
from orchestrator.simulations.mozaik.options import MozaikOptions

SITES = sorted((ROOT / "slurm_templates/sites").glob("*.yaml"))
TEMPLATES = [ROOT / "slurm_templates/offspring.sh", *sorted((ROOT / "slurm_templates/sites").glob("*.sh"))]
KEYS = {
    "simulation": MozaikOptions.model_fields,
    "jobs": JobsSection.model_fields,
    "slurm": {**SlurmSection.model_fields, **JobsSection.model_fields},
}


def attempt(directory: Path) -> AttemptPaths:
    return AttemptPaths(directory / "0/1", directory / "results/0.1.json")


def remarks(path: Path) -> list[Remark]:
    config = load_config(path)
    return list(script_remarks(config, model_of(config)))


def own_script(folder: Path, text: str) -> Path:
    path = visual_model(folder, {"simulation|launch_script": "own.sh"})
    (path.parents[1] / "own.sh").write_text(text)
    return path


def test_the_shipped_script_has_nothing_to_remark(tmp_path: Path) -> None:
    assert remarks(visual_model(tmp_path)) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_placeholder_of_the_shipped_templates_is_known(template: Path) -> None:
    assert template_problems(template, KEYS) == []


def test_the_shipped_script_explains_every_placeholder() -> None:
    comments = [line for line in TEMPLATES[0].read_text().splitlines() if line.startswith("#")]
    assert not [name for name in PLACEHOLDERS if not any(f" {name}" in line for line in comments)]


def test_all_unknown_placeholders_come_at_once_with_their_lines(tmp_path: Path) -> None:
    template = tmp_path / "own.sh"
    template.write_text("{{ one }}\n{% for line in setup %}{{ line }}{% endfor %}\n{{ slurm.tim }} {{ two | quote }}\n")
    found = template_problems(template, KEYS)
    assert [(name, line) for name, line, _ in found] == [("one", 1), ("two", 3), ("slurm.tim", 3)]


def test_keys_of_the_configuration_fill_an_own_script_and_those_without_a_value_leave_nothing(tmp_path: Path) -> None:
    text = "{{ slurm.ntasks }}|{{ slurm.partition }}|{{ simulation.simulator }}|{{ slurm.mem }}|{{ threads }}"
    config = load_checked_config(own_script(tmp_path, text))
    assert model_of(config).launch_script(attempt(tmp_path)) == "2||nest|2G|1"


def test_a_script_that_was_written_when_all_keys_of_jobs_were_in_slurm_is_filled_as_it_was(tmp_path: Path) -> None:
    keys = [key for key in JobsSection.model_fields if key in MOVED["slurm"]]
    old, new = ("|".join(f"{{{{ {section}.{key} }}}}" for key in keys) for section in ("slurm", "jobs"))
    config = load_checked_config(own_script(tmp_path, f"{old}\n{new}"))
    first, second = (model_of(config).launch_script(attempt(tmp_path)) or "").splitlines()
    assert first == second
    assert first.startswith("2|2||2G|14400.0|")


def test_a_script_that_bash_refuses_is_an_error_with_its_line(tmp_path: Path) -> None:
    (found,) = remarks(own_script(tmp_path, "set -e\nif true; then\n  {{ python }}\n"))
    assert (found.location, found.error) == (("simulation", "launch_script"), True)
    assert found.message.startswith("own.sh, rendered, line 4: syntax error: unexpected end of file")


def test_a_setup_line_that_bash_refuses_is_an_error_of_that_key(tmp_path: Path) -> None:
    (found,) = remarks(visual_model(tmp_path, {"simulation|setup": ["module load nest", "fi"]}))
    assert (found.location, found.error) == (("simulation", "setup"), True)
    assert "syntax error near unexpected token `fi' in 'fi'" in found.message


def test_a_setup_line_of_the_job_that_bash_refuses_is_an_error_of_that_key(tmp_path: Path) -> None:
    found = remarks(visual_model(tmp_path, {"jobs|setup": ["export A=(1"], "executor": "slurm"}))
    assert [(each.location, each.error) for each in found] == [(("jobs", "setup"), True)]


def test_the_controllers_script_is_looked_at(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    script = path.parents[1] / "optimisation.sbatch"
    script.write_text(script.read_text() + "\ndone\n")
    (found,) = remarks(path)
    assert found.location == ()
    assert found.error
    assert found.message.startswith(f"{script}:{len(script.read_text().splitlines())}: syntax error near")


SHELLCHECK = """#!/bin/sh
for script; do :; done
printf '%s:2:1: warning: Use cd ... || exit in case cd fails. [SC2164]\\n' "$script"
printf '%s:3:9: note: Double quote to prevent globbing. [SC2086]\\n' "$script"
printf '%s:4:6: error: You need a space before and after [SC1009]\\n' "$script"
"""


def test_what_shellcheck_warns_of_is_no_error_and_what_it_calls_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/shellcheck").write_text(SHELLCHECK)
    (tmp_path / "bin/shellcheck").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    path = own_script(tmp_path, "#!/bin/bash\ncd /nowhere\necho $1\nif [ $foo -eq1 ]; then true; fi\n")
    (path.parents[1] / "optimisation.sbatch").unlink()
    found = remarks(path)
    assert [(each.location, each.error) for each in found] == [
        (("simulation", "launch_script"), False),
        (("simulation", "launch_script"), True),
    ]
    assert found[0].message == (
        "own.sh, rendered, line 2: Use cd ... || exit in case cd fails. [SC2164] in 'cd /nowhere'"
    )
    assert found[1].message.startswith("own.sh, rendered, line 4: You need a space")


def test_without_shellcheck_bash_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bash").symlink_to(shutil.which("bash") or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert remarks(own_script(tmp_path, "cd /\nif [ $foo -eq1 ]; then true; fi\n")) == []


def merged(path: Path, site: Path) -> Path:
    """Add a site's keys to a sound configuration, as its reader is told to do."""
    config, fragment = (yaml.safe_load(file.read_text()) for file in (path, site))
    for section, keys in fragment.items():
        config[section] = {**config.get(section, {}), **keys}
    own = config["simulation"].get("launch_script")
    if own:
        shutil.copy(site.parent / own, path.parents[1])
    path.write_text(yaml.safe_dump({**config, "executor": "slurm"}))
    return path


def rendered(path: Path) -> str:
    return model_of(load_config(path)).launch_script(attempt(path.parents[1])) or ""


@pytest.mark.parametrize("site", SITES, ids=lambda path: path.stem)
def test_the_examples_fit_a_configuration_and_their_scripts_have_nothing_to_remark(site: Path, tmp_path: Path) -> None:
    path = merged(visual_model(tmp_path), site)
    assert load_config(path).executor == "slurm"
    assert remarks(path) == []
    assert site.read_text().startswith("# ")


def last_line(site: str, tmp_path: Path) -> str:
    path = merged(visual_model(tmp_path), ROOT / f"slurm_templates/sites/{site}.yaml")
    return " ".join(rendered(path).replace("\\\n", "").splitlines()[-1].split())


@pytest.mark.parametrize(
    ("site", "command"),
    [
        ("modules_and_venv", "exec srun --ntasks=16 --mpi=pmix python -m mpi4py param_optim/run_optimization"),
        ("conda", "exec srun --ntasks=16 --mpi=pmi2 python -m mpi4py param_optim/run_optimization"),
        ("mpirun", "exec mpirun -n 16 -x ORCHESTRATOR_OFFSPRING -x PYTHONPATH -x OMP_NUM_THREADS python -m mpi4py"),
        ("container", "exec srun --ntasks=16 --mpi=pmix apptainer exec --bind"),
    ],
)
def test_the_examples_start_what_they_say(site: str, command: str, tmp_path: Path) -> None:
    assert last_line(site, tmp_path).startswith(command)


PROGRAM = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done
printf 'task %s\\n' "$ORCHESTRATOR_OFFSPRING"
pwd
"""


@pytest.mark.parametrize(
    ("site", "program"), [("container", "srun"), ("mpirun", "mpirun"), ("modules_and_venv", "srun")]
)
def test_a_launch_script_hands_everything_on_in_a_directory_with_spaces(
    site: str, program: str, tmp_path: Path
) -> None:
    path = merged(visual_model(tmp_path), ROOT / f"slurm_templates/sites/{site}.yaml")
    bin_ = tmp_path / "bin"
    (tmp_path / "mozaik/bin").mkdir(parents=True)
    (tmp_path / "mozaik/bin/activate").touch()
    bin_.mkdir()
    for name, text in ((program, PROGRAM), ("module", "#!/bin/sh\n")):
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    environment: dict[str, Any] = {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    script = tmp_path / "offspring.sh"
    script.write_text(rendered(path))
    done = subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()
    model = path.parents[1]
    assert "param_optim/run_optimization_experiment.py" in words
    assert words[-8:-2] == [
        "nest",
        "1",
        f"{model}/0/1/overlay",
        "results_dir",
        f"'{model}/0/1/simulation/'",
        "offspring",
    ]
    assert words[-2:] == [f"task {model}/0/1/offspring.json", str(model)]


def test_a_whole_node_is_asked_for(tmp_path: Path) -> None:
    from orchestrator.checking.acceptance import submission_script  # noqa: PLC0415

    path = merged(visual_model(tmp_path), ROOT / "slurm_templates/sites/whole_nodes.yaml")
    lines = submission_script(load_config(path), tmp_path).splitlines()
    wanted = {"nodes=2", "ntasks=64", "mem=0", "hint=nomultithread", "exclude='w[1-4],w17'", "exclusive"}
    assert {f"#SBATCH --{each}" for each in wanted} <= set(lines)
