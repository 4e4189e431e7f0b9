"""`tallywire read`, from files to a table, JSON and overlays, with a real model server."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tallywire.election.loading import layout_path, load_layout
from tallywire.reasons import Code

REPOSITORY = Path(__file__).parents[2]


def tallywire(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tallywire", *map(str, arguments)],
        capture_output=True, text=True, timeout=150, check=False, cwd=REPOSITORY,
    )  # fmt: skip


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clean sheets of the shipped election, and their truth."""
    folder = tmp_path_factory.mktemp("sheets") / "out"
    done = tallywire(
        "render", "--out", folder, "--stations", "3", "--seed", "4", "--condition", "clean"
    )
    assert done.returncode == 0, done.stderr
    return folder


def sheets(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg"))


def truth(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "truth.csv").open() as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def read_all(model_server: str, *arguments: str | Path, out: Path) -> list[dict[str, Any]]:
    done = tallywire("read", *arguments, "--serving", model_server, "--json", out)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(out.read_text())["sheets"]
    return found


def test_reads_what_is_written(rendered: Path, model_server: str, tmp_path: Path) -> None:
    found = read_all(
        model_server, *sheets(rendered), "--election", rendered, out=tmp_path / "out.json"
    )
    assert len(found) == 3
    expected = truth(rendered)
    cells_right, cells = 0, 0
    for sheet in found:
        row = expected[Path(sheet["file"]).name]
        assert sheet["alignment"]["box_support"] > 0.9
        assert sheet["verdict"] in ("accepted", "held")
        for count in sheet["counts"]:
            cells += 1
            cells_right += (
                str(count["written"] if count["written"] is not None else "") == row[count["field"]]
            )
    assert cells_right / cells > 0.9


def test_shows_rows_verdict_and_overlay(rendered: Path, model_server: str, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.png"
    sheet = sheets(rendered)[0]
    station = truth(rendered)[sheet.name]["station"]
    done = tallywire(
        "read", sheet, "--election", rendered, "--station", station, "--overlay", overlay,
        "--serving", model_server,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MORENA" in done.stdout
    assert "ACCEPTED" in done.stdout or "HELD" in done.stdout
    drawn = cv2.imread(str(overlay))
    assert drawn is not None
    assert min(drawn.shape[:2]) > 700


def test_reads_by_a_layout_file_alone(rendered: Path, model_server: str, tmp_path: Path) -> None:
    layout = layout_path("mx-2015")
    found = read_all(
        model_server, sheets(rendered)[0], "--layout", layout, out=tmp_path / "out.json"
    )
    fields = [count["field"] for count in found[0]["counts"]]
    assert fields == [field.id for field in load_layout("mx-2015").fields]
    codes = {reason["code"] for reason in found[0]["reasons"]}
    assert Code.OVER_REGISTERED.value not in codes  # nobody said how many are registered


def test_a_sheet_that_cannot_be_read_says_why_and_the_others_are_read(
    rendered: Path, model_server: str, tmp_path: Path
) -> None:
    white = tmp_path / "white.png"
    cv2.imwrite(str(white), np.full((1100, 850), 255, np.uint8))
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(sheets(rendered)[0].read_bytes()[:9000])
    out = tmp_path / "out.json"
    done = tallywire(
        "read", white, torn, sheets(rendered)[0], "--json", out, "--overlay", tmp_path / "drawn",
        "--serving", model_server,
    )  # fmt: skip
    assert done.returncode == 1
    found = json.loads(out.read_text())["sheets"]
    assert [sheet["verdict"] for sheet in found[:2]] == ["refused", "refused"]
    assert found[0]["reasons"][0]["code"] == Code.MARKS_NOT_FOUND.value
    assert found[1]["reasons"][0]["code"] == Code.TRUNCATED_IMAGE.value
    assert found[2]["counts"]
    assert "marks_not_found" in done.stdout


def test_starts_a_model_server_of_its_own_where_none_answers(rendered: Path) -> None:
    done = tallywire("read", sheets(rendered)[0], "--serving", "127.0.0.1:1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "starting one" in done.stderr
    assert "Count" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jpg"], "nowhere.jpg"),
        (["{sheet}", "--station", "no-such"], "no such station"),
        (["{sheet}", "--contest", "mayor"], "--contest mayor"),
        (["{sheet}", "--layout", "no-such.toml"], "no-such.toml"),
        (["{sheet}", "--overlay", "{folder}/x.nonsense"], "x.nonsense"),
        (["{sheet}", "--model-version", "99"], "does not serve version 99 of 'digits'"),
    ],
)
def test_wrong_usage_is_named(
    rendered: Path, model_server: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    filled = [argument.format(sheet=sheets(rendered)[0], folder=tmp_path) for argument in arguments]
    done = tallywire("read", *filled, "--serving", model_server)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
