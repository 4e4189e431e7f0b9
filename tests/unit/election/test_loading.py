"""Elections and layouts from files: the shipped ones, another country's, and bad ones."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.election import LayoutUsed, OptionKind, select_stations
from tallywire.election.loading import election_folder, layout_path, load_election, load_layout
from tallywire.errors import InvalidFileError, UsageError
from tallywire.sheet.layout import MarkKind, Role
from tests.support.elections import GREY_SEVEN
from tests.support.scan_files import booth

DISTRICT_15 = {
    "PAN": 56625, "PRI": 17975, "PRD": 8886, "PVEM": 6227, "PT": 2056, "MC": 7522, "NA": 3380,
    "MORENA": 31787, "PH": 5202, "ES": 9275, "PRD-PT": 93, "unregistered": 751, "null": 15790,
}  # fmt: skip


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GREY_SEVEN, tmp_path / "mine"))


def test_the_shipped_election_is_district_15_of_2015() -> None:
    election = load_election("mx-2015-d15").election
    contest = election.contests[0]
    assert election.rehearsal
    assert election.date == date(2015, 6, 7)
    assert dict(contest.official["15"]) == DISTRICT_15
    assert sum(DISTRICT_15.values()) == 165_569
    assert sum(one.registered for one in election.stations.values()) == 349_222
    assert max(one.registered for one in election.stations.values()) <= 750
    assert [option.id for option in contest.options] == list(DISTRICT_15)


def test_the_shipped_layout_is_the_papers_form() -> None:
    layout = load_layout("mx-2015")
    assert (layout.width_mm, layout.height_mm) == (215.9, 279.4)
    assert [mark.kind for mark in layout.marks] == [
        MarkKind.COLOUR_RECT,
        MarkKind.COLOUR_RECT,
        MarkKind.COLOUR_CIRCLE,
    ]
    assert len(layout.fields) == 14
    assert all(len(field.cells) == 3 for field in layout.fields)
    assert len(layout.cells) == 42
    assert set(layout.sum_rules[0].parts) == set(DISTRICT_15)
    assert layout.cap_rules[0].field == "total"


def test_another_countrys_form_comes_from_its_files_alone() -> None:
    loaded = load_election(GREY_SEVEN)
    election, layout = loaded.election, loaded.layouts["council"]
    assert {mark.kind for mark in layout.marks} == {MarkKind.CORNER_SQUARE}
    assert len(layout.marks) == 4
    assert [field.role for field in layout.fields].count(Role.TOTAL) == 1
    assert layout.cap_rules[0].tolerance == 5
    assert layout.version == 3
    assert election.contests[0].options[4].kind is OptionKind.INDEPENDENT


def test_a_bare_id_is_the_shipped_election_even_beside_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(GREY_SEVEN, tmp_path / "mx-2015-d15")
    monkeypatch.chdir(tmp_path)
    assert load_election("mx-2015-d15").election.id == "mx-2015-d15"
    assert load_election("./mx-2015-d15").election.id == "grey-seven"


def test_an_unknown_election_names_the_shipped_ones() -> None:
    with pytest.raises(InvalidFileError, match=r"nowhere.*mx-2015-d15"):
        election_folder("nowhere")


def test_both_missing_files_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError) as caught:
        load_election(tmp_path)
    assert [Path(one.where).name for one in caught.value.problems] == [
        "election.toml",
        "stations.csv",
    ]


def test_a_file_that_is_not_utf8_is_named(own_folder: Path) -> None:
    (own_folder / "stations.csv").write_bytes("id,district,registered\nñ,north,1".encode("latin-1"))
    with pytest.raises(InvalidFileError, match=r"stations\.csv: not UTF-8 at byte 23"):
        load_election(own_folder)


def test_a_layout_that_does_not_fit_the_contest_is_refused(own_folder: Path) -> None:
    text = (own_folder / "form.toml").read_text()
    (own_folder / "form.toml").write_text(text.replace('option = "elm"', 'option = "palm"'))
    with pytest.raises(InvalidFileError, match=r"(?s)no row for option elm.*unknown option palm"):
        load_election(own_folder)


def test_a_contest_whose_layout_is_missing_is_refused(own_folder: Path) -> None:
    (own_folder / "form.toml").unlink()
    with pytest.raises(InvalidFileError, match=r"form\.toml: No such file"):
        load_election(own_folder)


@given(st.integers(1, 510))
def test_chosen_stations_are_evenly_spread(count: int) -> None:
    election = booth().election
    ids = list(election.stations)
    chosen = select_stations(election, count)
    places = [ids.index(one) for one in chosen.stations]
    steps = {b - a for a, b in pairwise(places)}
    assert len(chosen.stations) == count
    assert max(steps, default=0) - min(steps, default=0) <= 1
    assert chosen.contests == election.contests


@pytest.mark.parametrize("count", [0, -1, 511])
def test_impossible_numbers_of_stations_are_refused(count: int) -> None:
    with pytest.raises(UsageError, match="choose 1 to 510"):
        select_stations(booth().election, count)


def test_another_layout_can_read_an_elections_only_contest(tmp_path: Path) -> None:
    shipped = load_election("mx-2015-d15")
    assert load_election("mx-2015-d15", Path("mx-2015")).layouts_used == shipped.layouts_used
    other = tmp_path / "moved.toml"
    text = layout_path("mx-2015").read_text()
    other.write_text(re.sub(r"(?m)^version = \d+", "version = 77", text))
    moved = load_election("mx-2015-d15", other)
    (layout,), (used,) = moved.layouts.values(), moved.layouts_used.values()
    assert layout.version == used.version == 77
    assert used.sha256 == hashlib.sha256(other.read_bytes()).hexdigest()
    assert moved.election == shipped.election


def test_another_layout_must_be_there_fit_and_be_unmistakable(own_folder: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"no-such.*or a shipped layout: mx-2015"):
        load_election("mx-2015-d15", Path("no-such"))
    with pytest.raises(InvalidFileError, match="no row for option PAN"):
        load_election("mx-2015-d15", GREY_SEVEN / "form.toml")
    add_contest(own_folder)
    with pytest.raises(InvalidFileError, match="several contests"):
        load_election(own_folder, Path("mx-2015"))


def add_contest(folder: Path) -> None:
    """A second contest, on the form of the first."""
    text = (folder / "election.toml").read_text()
    again = text[text.index("[[contests]]") :].replace('id = "council"', 'id = "mayor"', 1)
    (folder / "election.toml").write_text(f"{text}\n{again}")


def test_each_file_is_read_once_and_known_by_its_hash(own_folder: Path) -> None:
    loaded = load_election(own_folder)
    digest = hashlib.sha256((own_folder / "form.toml").read_bytes()).hexdigest()
    assert loaded.layouts_used == {"council": LayoutUsed("grey-seven", 3, digest)}
    assert loaded.folder == own_folder
    assert loaded.own_layouts == (own_folder / "form.toml",)
    assert load_election("mx-2015-d15").own_layouts == ()


def test_two_contests_on_one_form(own_folder: Path) -> None:
    add_contest(own_folder)
    loaded = load_election(own_folder)
    assert loaded.layouts["council"] == loaded.layouts["mayor"]
    assert loaded.own_layouts == (own_folder / "form.toml",)


@pytest.mark.parametrize("name", ["election.toml", "stations.csv", "form.toml"])
@pytest.mark.parametrize(
    ("content", "named"),
    [
        (bytes(range(256)) * 40, "not UTF-8 at byte 128"),
        ("id = 1".encode("utf-16"), "not UTF-8 at byte 0"),
        (b"", ""),
        (b"\0" * 100, ""),
        (b"x = " + b"[" * 100_000, ""),
        (b".".join([b"a"] * 4_000) + b" = 1\n", ""),
        (b"[[contests]]\n" * 5_000, ""),
        (b"id = " + b"9" * 10_000 + b"\n", ""),
        (b"id = 0x" + b"f" * 10_000 + b"\n", ""),
        (b'"a\\u001b[2J\\n" = 1\n', ""),
        (b'id = "a"\nid = "b"\n', ""),
    ],
    ids=[
        "binary", "utf-16", "empty", "zeros", "deep", "deep keys", "many tables", "long number",
        "long hex", "control characters", "twice",
    ],
)  # fmt: skip
def test_no_file_ends_in_a_traceback(
    own_folder: Path, name: str, content: bytes, named: str
) -> None:
    (own_folder / name).write_bytes(content)
    with pytest.raises(InvalidFileError) as caught:
        load_election(own_folder)
    assert all(name in one.where for one in caught.value.problems)
    assert named in str(caught.value)
    assert len(str(caught.value)) < 100_000
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["election.toml", "stations.csv", "form.toml"])
def test_what_windows_adds_to_a_file_is_understood(own_folder: Path, name: str) -> None:
    text = (own_folder / name).read_text()
    (own_folder / name).write_bytes(f"\ufeff{text}".replace("\n", "\r\n").encode())
    changed, plain = load_election(own_folder), load_election(GREY_SEVEN)
    assert changed.election == plain.election
    assert changed.layouts == plain.layouts


@pytest.mark.parametrize("name", ["/dev/zero", "."])
def test_what_might_never_end_is_not_read(own_folder: Path, name: str) -> None:
    (own_folder / "stations.csv").unlink()
    (own_folder / "stations.csv").symlink_to(name)
    with pytest.raises(InvalidFileError, match=r"stations\.csv: not a plain file"):
        load_election(own_folder)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ""])
def test_what_is_no_path_is_refused(name: str) -> None:
    with pytest.raises(InvalidFileError):
        load_election(name)
    with pytest.raises(InvalidFileError):
        load_layout(f"{name}.toml")
    with pytest.raises(InvalidFileError):
        load_layout(name)
