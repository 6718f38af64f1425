"""Names in figures: short, grouped, and still telling things apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_runs import config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.report import History, figures
from orchestrator.report.figures.common import parameter_rows, target_rows
from orchestrator.report.naming import cut_apart, group_of
from targets import create_targets

SHEETS = ("V1_Exc_L4", "V1_Inh_L4")
PARAMETERS = [
    f"sheets.l4_cortex_{kind}.{name}"
    for kind in ("exc", "inh")
    for name in ("AfferentConnection.base_weight", "L4ExcL4ExcConnection.base_weight", "params.cell.params.tau_m")
]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    specs = [
        {"class": name, "sheet_name": sheet, "target_value": 1, "norm": 1}
        for name in ("IrregularityTarget", "SynchronyTarget")
        for sheet in SHEETS
    ]
    labels = [target.label for target in create_targets(specs)]
    text = config(PARAMETERS, [], targets=specs)
    run = make_run(tmp_path_factory.mktemp("named") / "run", parameters=PARAMETERS, targets=labels, text=text)
    return History.of(Checkpoint(run.checkpoint))


def test_what_long_names_share_goes_first() -> None:
    names = ["AfferentConnection.base_weight", "L4ExcL4ExcConnection.base_weight", "tau_m"]
    assert cut_apart(names, 14) == ["Afferent…", "L4ExcL4Exc…", "tau_m"]
    assert cut_apart(["connections.to_a.weight_of_it", "connections.to_b.weight_of_it"], 12) == ["…a…", "…b…"]
    assert cut_apart(names, 44) == names


def test_something_is_left_of_a_name_that_is_alone_too_long_or_begins_another() -> None:
    """They became …"""
    assert cut_apart(["a" * 30 + "b" * 30, "short"], 44) == ["a" * 21 + "…" + "b" * 22, "short"]
    within = ["connection.weight", "connection.weight_of_more"]
    for names in (within, [name[::-1] for name in within]):
        cut = cut_apart(names, 12)
        assert len(set(cut)) == 2
        assert all(6 < len(name) <= 12 for name in cut)


def test_the_middle_stays_where_names_differ_there() -> None:
    middle = [f"{'x' * 30}.{each}.{end * 30}" for each in "abc" for end in "yz"]
    cut = cut_apart(middle, 12)
    assert len(set(cut)) == 6
    assert max(map(len, cut)) <= 12
    # only numbers tell apart what differs in too many places; the same text stays the same
    far = [f"{a * 9}{'m' * 30}{b * 9}{'n' * 30}{c * 9}" for a in "pq" for b in "pq" for c in "pq"]
    cut = cut_apart([*far, far[0]], 10)
    assert len(set(cut)) == 8
    assert cut[0] == cut[-1]


def test_names_are_of_sheets() -> None:
    assert group_of("sheets.l4_exc.Connection.base_weight") == ("l4_exc", "Connection.base_weight")
    assert group_of("soma.gbar") == ("soma", "gbar")
    assert group_of("gain") == ("", "gain")


def test_rows_are_grouped_by_sheet(history: History) -> None:
    axis = target_rows(history)
    assert axis.headings == ((0.0, SHEETS[0]), (3.0, SHEETS[1]))
    assert axis.rows == ("Irregularity", "Irregularity", "Synchrony", "Synchrony")
    assert axis.slots == (1.0, 4.0, 2.0, 5.0)
    assert axis.full[1] == "IrregularityTarget(V1_Inh_L4)"
    axis = parameter_rows(history)
    assert [name for _, name in axis.headings] == ["l4_cortex_exc", "l4_cortex_inh"]
    assert axis.rows[:3] == ("AfferentConnection.base_weight", "L4ExcL4ExcConnection.base_weight", "tau_m")
    np.testing.assert_allclose(axis.slot(np.array([0.0, 3.0, 3.2])), [1.0, 5.0, 5.2])


@pytest.mark.drawing
def test_rows_of_one_sheet_have_no_heading(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", parameters=["sheets.a.x", "sheets.a.y"], targets=["One", "Other"])
    history = History.of(Checkpoint(run.checkpoint))
    for axis in (target_rows(history), parameter_rows(history)):
        assert not axis.headings
        assert not axis.slots
        assert axis.domain == (-0.5, 1.5)


@pytest.mark.drawing
def test_matplotlib_draws_the_groups(history: History, tmp_path: Path) -> None:
    for draw in (figures.target_scores_by_generation, figures.parameters_in_bounds):
        text = draw(history).save(tmp_path / "figure.svg").read_text()
        group = "l4_cortex_inh" if draw is figures.parameters_in_bounds else "V1_Inh_L4"
        assert f">{group}</text>" in text
