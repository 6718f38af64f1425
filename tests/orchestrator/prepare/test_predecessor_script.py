"""The settings in the predecessor's run_optimisation.py, of which nothing is executed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bare_models import bare_model

from orchestrator.checking.problems import load_checked_config
from orchestrator.prepare import prepare_model
from orchestrator.prepare.predecessor_script import SCRIPT, read_script

WEIGHT = "sheets.exc.ExcExcConnection.weights"
CONFIG = {
    "parameters": {WEIGHT: [1e-05, 0.004]},
    "optimiser_centroid": {WEIGHT: 0.0003},
    "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 2.5], "norm": 0.1}],
}
# the shape of the predecessor's own
RUN = """import multiprocessing as mp
from bluepyopt.deapext.optimisationsCMA import DEAPOptimisationCMA
from evaluator import define_evaluator

offspring_size = 12                 # Size of the population
timeout = 20 * 3600
optimiser_seed = 7
optimiser_sigma = 0.3               # default: 0.4
max_ngen = 200
continue_cp = False
raise SystemExit("executed")
evaluator = define_evaluator(run_script="run.py", timeout=timeout)
if not continue_cp:
    cp_filename = f"./{evaluator.optimization_id}/opt_check.pkl"
optimizer = DEAPOptimisationCMA(
    evaluator=evaluator, seed=optimiser_seed, offspring_size=offspring_size, sigma=optimiser_sigma,
    map_function=mp.Pool(processes=offspring_size).map, centroids=[[1]],
)
optimizer.run(max_ngen=max_ngen, cp_filename=cp_filename, continue_cp=continue_cp)
"""
VALUES = {"offspring_size": 12, "max_ngen": 200, "timeout": 72000, "optimiser_sigma": 0.3, "optimiser_seed": 7}


def settings_of(tmp_path: Path, text: str) -> tuple[dict[str, float], list[str]]:
    (tmp_path / SCRIPT).write_text(text)
    found = read_script([tmp_path / "nowhere", tmp_path])
    return found.values, found.unread


def test_the_predecessors_script_is_read_and_not_executed(tmp_path: Path) -> None:
    assert settings_of(tmp_path, RUN) == (VALUES, [])
    assert read_script([tmp_path]).sigma == 0.15


@pytest.mark.parametrize(
    ("old", "new", "key", "value", "why"),
    [
        ("sigma=optimiser_sigma", "sigma=0.4", "optimiser_sigma", 0.4, None),  # what it is run with
        ("max_ngen = 200", "max_ngen = 100\nmax_ngen = 300", "max_ngen", 300, None),
        ("= 12 ", "= None ", "offspring_size", None, None),  # BluePyOpt's own choice, which is ours
        (
            "seed=optimiser_seed",
            "seed=int(argv[1])",
            "optimiser_seed",
            None,
            "line 16 is int(argv[1]), expected a whole",
        ),
        (
            "= 7",
            "= 7\nif mp:\n    optimiser_seed = 8",
            "optimiser_seed",
            None,
            "optimiser_seed, which has one of several",
        ),
        ("= 0.3 ", "= 3 ", "optimiser_sigma", None, "line 8 is 3, expected a number above 0, at most 2"),
        ("= 200", "= 0", "max_ngen", None, "line 9 is 0, expected a whole number above 0"),
        ("= 20 * 3600", "= 1e999", "timeout", None, "line 6 is inf, expected seconds above 0"),
        ("= 20 * 3600", "= 1 / 0", "timeout", None, "line 6 is 1 / 0, expected seconds above 0"),
        ("max_ngen = 200\n", "", "max_ngen", None, "line 18 is max_ngen, expected"),
        ("timeout = 20 * 3600", "timeout = timeout", "timeout", None, "is timeout, expected"),
    ],
)
def test_what_cannot_be_read_is_named(  # noqa: PLR0917
    tmp_path: Path, old: str, new: str, key: str, value: float | None, why: str | None
) -> None:
    assert old in RUN
    values, unread = settings_of(tmp_path, RUN.replace(old, new))
    assert values.get(key) == value
    assert {name for name in VALUES if name != key} <= values.keys()
    if why is None:
        assert unread == []
    else:
        (message,) = unread
        assert message.startswith(f"{key}: ")
        assert why in message


def test_a_script_of_python_2_says_nothing(tmp_path: Path) -> None:
    values, (message,) = settings_of(tmp_path, "offspring_size = 12\nprint 'x'\n")
    assert values == {}
    assert message.startswith(f"its settings: {tmp_path / SCRIPT}:2: is not Python 3")


def prepared(tmp_path: Path, script: str | None) -> tuple[str, Path]:
    model = bare_model("balanced_network", tmp_path)
    source = tmp_path / "lab" / "config_optimisation"
    source.parent.mkdir()
    source.write_text(json.dumps(CONFIG))
    if script is not None:
        (source.parent / SCRIPT).write_text(script)
    return "\n".join(prepare_model(model, imported=source)), model / "param_optim/config_optimisation.yaml"


def test_sigma_is_converted_and_the_user_is_told(tmp_path: Path) -> None:
    """BluePyOpt searches [-1, 1]: its 0.3 is 0.15 of a range."""
    said, path = prepared(tmp_path, RUN.replace("= 7", "= seed_of_the_day()"))
    config = load_checked_config(path, ["executor=local"])
    assert (config.optimiser_sigma, config.offspring_size, config.max_ngen, config.timeout) == (0.15, 12, 200, 72000)
    assert config.optimiser_seed == 1
    script = tmp_path / "lab" / SCRIPT
    assert f"Note: from {script}: offspring_size 12, max_ngen 200, timeout 72000." in said
    assert "Note: optimiser_sigma is 0.15, 0.3 in run_optimisation.py: BluePyOpt searches [-1, 1], so that" in said
    assert (
        f"Note: not taken over from {script}, the default is written: optimiser_seed: line 7 is seed_of_the_day(), "
        in said
    )
    text = path.read_text()
    assert "\noptimiser_sigma: 0.15 # first steps, as a fraction of each range; 0.3 of half a range in run_opt" in text
    assert "\ntimeout: 72000 # s; of a generation, from its first submission, time in the queue included; as in" in text


def test_without_a_script_the_user_is_told_where_the_settings_are(tmp_path: Path) -> None:
    said, path = prepared(tmp_path, None)
    assert "Note: there is no run_optimisation.py beside config_optimisation: offspring, timeout, generations, " in said
    assert "take half of its optimiser_sigma." in said
    assert load_checked_config(path, ["executor=local"]).optimiser_sigma == 0.2


def test_a_small_sigma_is_a_number_in_yaml(tmp_path: Path) -> None:
    _, path = prepared(tmp_path, RUN.replace("= 0.3 ", "= 1e-5 "))
    assert load_checked_config(path, ["executor=local"]).optimiser_sigma == 5e-06
