"""The layouts of four real forms, kept as geometry: what they say, without their pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tallywire.election.election_parsing import parse_election
from tallywire.election.layout_checks import contest_problems
from tallywire.election.loading import load_layout_text
from tallywire.sheet.layout import EmptyRow, Role
from tallywire.workshop.synthetic.arithmetic import adds_up, misadd, row_values

FOLDERS = sorted((Path(__file__).parents[2] / "data" / "forms").iterdir())
NAMES = [folder.name for folder in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_a_forms_layout_fits_its_election(folder: Path) -> None:
    toml, stations = ((folder / name).read_text() for name in ("election.toml", "stations.csv"))
    election = parse_election(toml, stations, "election.toml", "stations.csv")
    layout = load_layout_text(folder / "form.toml")
    assert contest_problems(election.contests[0], layout) == ()
    assert (layout.id, layout.reference_file, layout.marks) == (folder.name, "reference.png", ())


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_its_rules_agree_with_each_other(folder: Path) -> None:
    layout = load_layout_text(folder / "form.toml")
    votes = {field.option: 10 + at for at, field in enumerate(layout.fields) if field.option}
    values = row_values(layout, votes)
    assert adds_up(layout, values)
    assert not adds_up(layout, misadd(layout, values, 500, np.random.default_rng(1)))


def test_ballots_are_no_votes() -> None:
    layout = load_layout_text(FOLDERS[NAMES.index("bolivia-2025")] / "form.toml")
    roles = {field.id: field.role for field in layout.fields}
    assert roles["papeletas_anfora"] is Role.BALLOTS_CAST
    votes = {"PDC": 40, "LIBRE": 164, "blancos": 2, "nulos": 3}
    values = row_values(layout, votes)
    assert (values["validos"], values["papeletas_anfora"]) == (204, 209)


def test_a_row_of_fillers_is_a_zero_where_a_total_stands_over_it() -> None:
    zeros = {folder.name for folder in FOLDERS
             if load_layout_text(folder / "form.toml").empty_row is EmptyRow.ZERO}  # fmt: skip
    assert zeros == {"colombia-2026", "indonesia-2019"}
