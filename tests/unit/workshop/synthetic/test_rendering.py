"""`tallywire render`: folders of sheets with their truth, reproducible to the byte."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tallywire.election.ground_truth import TruthRow, read_truth, truth_text
from tallywire.election.loading import load_election
from tallywire.errors import InvalidFileError, UsageError
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.rendering import CONTACT_FILE, RenderOptions, RenderResult, render
from tallywire.workshop.synthetic.simulated_counts import simulate_counts
from tests.support.elections import GREY_SEVEN


def draw(out: Path, **changes: object) -> RenderResult:
    given: dict[str, object] = {
        "out": out, "stations": 4, "seed": 7, "condition": ConditionName.SCANNER, "dpi": 100,
    }  # fmt: skip
    return render(RenderOptions(**(given | changes)), lambda done, total: None)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_folder_holds_sheets_truth_contact_sheet_and_election(tmp_path: Path) -> None:
    done = draw(tmp_path / "out")
    names = set(contents(tmp_path / "out"))
    sheets = {row.file for row in done.rows}
    assert names == sheets | {"truth.csv", "contact.png", "election.toml", "stations.csv"}
    assert len(sheets) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_sheets_appear_one_by_one_behind_the_election_and_are_the_same(tmp_path: Path) -> None:
    live, found = tmp_path / "live", []

    def look() -> None:
        found.append(set(contents(live)))

    options = RenderOptions(
        live, stations=4, seed=7, condition=ConditionName.SCANNER, dpi=100, as_drawn=True
    )
    render(options, lambda done, total: look(), ready=look)
    assert found[0] == {"election.toml", "stations.csv"}
    assert [len(names) for names in found] == sorted(len(names) for names in found)
    assert all("truth.csv" not in names for names in found)
    draw(tmp_path / "whole")
    assert contents(live) == contents(tmp_path / "whole")


def test_the_truth_names_every_file_and_what_is_written(tmp_path: Path) -> None:
    draw(tmp_path / "out")
    election = load_election("mx-2015-d15").election
    counts = simulate_counts(election, election.contests[0], seed=7)
    for row in read_truth(tmp_path / "out" / "truth.csv"):
        data = (tmp_path / "out" / row.file).read_bytes()
        assert row.scan_id == hashlib.sha256(data).hexdigest()
        assert row.adds_up
        votes = counts[row.station]
        assert {name: row.written[name] for name in votes} == votes
        assert row.written["total"] == sum(votes.values())
        assert all(
            int(cells.replace("_", "0")) == row.written[field] for field, cells in row.cells.items()
        )


def test_a_subset_says_the_same_as_the_whole(tmp_path: Path) -> None:
    few = {row.station: row for row in draw(tmp_path / "few", stations=3).rows}
    more = {row.station: row for row in draw(tmp_path / "more", stations=6).rows}
    assert few.keys() < more.keys()
    assert all(row == more[station] for station, row in few.items())


def test_the_written_election_is_that_of_the_sheets(tmp_path: Path) -> None:
    done = draw(tmp_path / "out")
    written = load_election(tmp_path / "out").election
    assert list(written.stations) == [row.station for row in done.rows]
    assert written.contests == load_election("mx-2015-d15").election.contests


def test_an_election_with_its_own_form_takes_it_along(tmp_path: Path) -> None:
    done = draw(tmp_path / "out", election=GREY_SEVEN, stations=None)
    assert len(done.rows) == 12
    assert (tmp_path / "out" / "form.toml").is_file()
    written, own = load_election(tmp_path / "out"), load_election(GREY_SEVEN)
    assert written.election == own.election
    assert written.layouts_used == own.layouts_used


@pytest.mark.parametrize("condition", list(ConditionName))
def test_the_same_seed_gives_the_same_bytes_whatever_the_jobs(
    tmp_path: Path, condition: ConditionName
) -> None:
    draw(tmp_path / "one", condition=condition, jobs=1)
    draw(tmp_path / "three", condition=condition, jobs=3)
    draw(tmp_path / "other", condition=condition, seed=8)
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")
    assert all(one[name] != other[name] for name in one if name.endswith(".jpg"))


def test_the_contact_sheet_is_a_picture_of_the_sheets(tmp_path: Path) -> None:
    draw(tmp_path / "out")
    picture = cv2.imread(str(tmp_path / "out" / CONTACT_FILE))
    assert picture is not None
    assert picture.shape[1] > 4 * 300


def test_wrong_totals_are_marked_in_the_truth(tmp_path: Path) -> None:
    rows = draw(tmp_path / "out", stations=8, inconsistent=1.0).rows
    assert not any(row.adds_up for row in rows)
    for row in rows:
        parts = sum(value or 0 for field, value in row.written.items() if field != "total")
        assert row.written["total"] != parts


def test_a_full_folder_is_left_alone_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    draw(out)
    (out / "mine.txt").write_text("keep me")
    before = contents(out)
    with pytest.raises(UsageError, match="not empty"):
        draw(out, stations=2, seed=9)
    assert contents(out) == before
    done = draw(out, stations=2, seed=9, force=True)
    assert {path.stem for path in out.glob("*.jpg")} == {row.station for row in done.rows}
    assert (out / "mine.txt").read_text() == "keep me"


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        draw(tmp_path / "out")


def test_an_interrupted_render_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    request = RenderOptions(tmp_path / "out", 6, 1, ConditionName.CLEAN, dpi=100)
    with pytest.raises(KeyboardInterrupt):
        render(request, interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--stations", "0"], 2, "--stations"),
        (["--stations", "9999"], 2, "choose 1 to 510"),
        (["--condition", "foggy"], 2, "foggy"),
        (["--election", "nowhere"], 2, "mx-2015-d15"),
        (["--inconsistent", "2"], 2, "--inconsistent"),
    ],
)
def test_wrong_usage_ends_with_a_message(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    command = [sys.executable, "-m", "tallywire", "render", "--out", str(tmp_path / "out")]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_command_draws_and_says_where(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tallywire", "render", "--out", str(out), "--dpi", "100"]
    done = subprocess.run(
        [*command, "--stations", "2", "--condition", "clean"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 sheets" in done.stdout
    assert len(list(out.glob("*.jpg"))) == 2


def test_truth_survives_its_file(tmp_path: Path) -> None:
    rows = (
        TruthRow(
            "a.jpg",
            "a",
            "d",
            "c",
            "0" * 64,
            "clean",
            True,
            {"A": 7, "B": None},
            {"A": "__7", "B": "___"},
        ),
        TruthRow("b.jpg", "b", "d", "e", "1" * 64, "clean", False, {"X": 0}, {"X": "0"}),
    )
    path = tmp_path / "truth.csv"
    path.write_text(truth_text(rows))
    assert read_truth(path) == rows


@pytest.mark.parametrize("text", ["", "file,station\n", "\x00", None])
def test_what_is_no_truth_file_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "truth.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidFileError, match=r"truth\.csv"):
        read_truth(path)


def test_a_truth_file_cut_short_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "out", stations=2)
    path = tmp_path / "out" / "truth.csv"
    path.write_text(path.read_text()[:-8])
    with pytest.raises(InvalidFileError, match=r"truth\.csv:3"):
        read_truth(path)
