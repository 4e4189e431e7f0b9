"""`tallywire layout`: from scans to a picture beside the layout file, and a report on others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer.testing
from numpy.typing import NDArray

from tallywire.cli.main import build
from tallywire.election.loading import load_layout
from tallywire.errors import UsageError
from tallywire.sheet.geometry import apply_map
from tests.support.elections import GREY_SEVEN
from tests.support.markless_forms import sheet
from tests.support.scan_files import png

U8 = NDArray[np.uint8]


@pytest.fixture
def form(tmp_path: Path) -> Path:
    """The grey form's layout file without marks; its picture is not there yet."""
    text = (GREY_SEVEN / "form.toml").read_text()
    text = re.sub(r"\[\[marks\]\]\n(?:.+\n)+", "", text)
    path = tmp_path / "form.toml"
    path.write_text(text.replace("\n[page]", '\nreference = "form.png"\n[page]', 1))
    return path


def scan(folder: Path, seed: int, form: str = "grey-seven") -> Path:
    path = folder / f"{form}-{seed}.png"
    path.write_bytes(png(sheet(form, seed)[0]))
    return path


def corners(seed: int) -> str:
    page = np.array([[0, 0], [210, 0], [210, 297], [0, 297]], np.float64)
    return ",".join(f"{side:.1f}" for side in apply_map(sheet("grey-seven", seed)[1], page).ravel())


def run(*arguments: str | Path) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(build(), ["layout", *map(str, arguments)])


def teach(form: Path, *seeds: int) -> typer.testing.Result:
    scans = [scan(form.parent, seed) for seed in seeds]
    return run("reference", form, *scans, "--corners", corners(seeds[0]))


def test_a_form_is_taught_from_scans_and_found_on_others(form: Path, tmp_path: Path) -> None:
    done = teach(form, 1, 2, 3)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "from 3 scans" in done.output.replace("\n", " ")
    assert load_layout(form).reference is not None
    seen = run("check", form, scan(tmp_path, 5), scan(tmp_path, 6), "--json", tmp_path / "a.json")
    assert seen.exit_code == 0, (seen.output, seen.exception)
    told = json.loads((tmp_path / "a.json").read_text())
    assert (told["found"], len(told["scans"])) == (2, 2)
    assert told["median_residual_mm"] < 0.5
    assert all(one["residual_mm"].keys() == {"oak", "elm", "ash", "fir", "yew", "spoilt", "all"}
               for one in told["scans"])  # fmt: skip
    assert all(one["align_ms"] > 0 and not one["doubtful_fields"] for one in told["scans"])


def test_a_scan_that_is_not_the_form_ends_with_1_and_its_reason(form: Path, tmp_path: Path) -> None:
    teach(form, 1)
    junk = tmp_path / "junk.png"
    junk.write_bytes(b"no picture")
    scans = [scan(tmp_path, 5), scan(tmp_path, 1, "mx-2015"), junk]
    seen = run("check", form, *scans, "--json", tmp_path / "a.json", "--overlay", tmp_path / "o")
    assert seen.exit_code == 1
    told = json.loads((tmp_path / "a.json").read_text())["scans"]
    assert [one["found"] for one in told] == [True, False, False]
    assert [one["reason"]["code"] for one in told[1:]] == ["wrong_form", "not_an_image"]
    assert "1 of 3" in seen.output
    pictures = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert pictures == [
        "001-grey-seven-5-overlay.png", "002-mx-2015-1-overlay.png", "contact-sheet.png",
    ]  # fmt: skip
    drawn = cv2.imread(str(tmp_path / "o" / pictures[0]))
    assert drawn is not None
    assert drawn.shape[0] / drawn.shape[1] == pytest.approx(297 / 210, rel=0.02)


def test_scans_that_are_not_the_form_are_left_out_and_named(form: Path, tmp_path: Path) -> None:
    other = scan(tmp_path, 1, "mx-2015")
    done = run("reference", form, scan(tmp_path, 1), other, "--corners", corners(1))
    assert done.exit_code == 1
    assert f"{other.name}: left out, wrong_form" in done.output.replace("\n", "")
    assert load_layout(form).reference is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reference", "form.toml", "no.png"], "no.png: no such file"),
        (["reference", "form.toml", "junk.png"], "junk.png: The bytes"),
        (["reference", "form.toml", "junk.png", "--corners", "1,2"], "--corners 1,2: write x,y"),
        (["reference", "no.toml", "junk.png"], "no.toml"),
        (["reference", "mx-2015", "junk.png"], "it names no picture"),
        (["check", "form.toml", "junk.png"], "form.png"),
        (["check", "mx-2015", "no.png"], "no.png: no such file"),
        (["check", "mx-2015", "junk.png", "--overlay", "junk.png"], "is a file"),
        (["check", "mx-2015", "junk.png", "--json", "no/a.json"], "--json no/a.json"),
    ],
)
def test_what_is_wrong_is_told_in_words(
    arguments: list[str], said: str, form: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (form.parent / "junk.png").write_bytes(b"no picture")
    monkeypatch.chdir(form.parent)
    result = run(*arguments)
    assert isinstance(result.exception, UsageError), (result.output, result.exception)
    assert said in str(result.exception)
    assert not (form.parent / "form.png").exists()
