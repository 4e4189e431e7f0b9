"""Elections and layouts from disk: shipped ones by id, one's own by folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from tallywire.election.election import Election, LayoutUsed
from tallywire.election.layout_parsing import check_layout, parse_layout
from tallywire.election.parsing import parse_election
from tallywire.election.validation import ID
from tallywire.errors import InvalidFileError, Problem
from tallywire.sheet.layout import Layout

SHIPPED = Path(__file__).parent / "shipped"
ELECTION_FILE, STATIONS_FILE = "election.toml", "stations.csv"
MOST_BYTES = 64 * 1024 * 1024  # a station list of the largest country is a tenth of this


def load_election(name_or_folder: str | Path) -> Election:
    """Read and check an election and that its contests' layouts fit it.

    Args:
        name_or_folder: id of a shipped election, or a folder with election.toml and stations.csv.

    Raises:
        InvalidFileError: with every problem found.
    """
    folder = election_folder(name_or_folder)
    toml, stations = _read_all(folder / ELECTION_FILE, folder / STATIONS_FILE)
    election = parse_election(toml, stations, ELECTION_FILE, STATIONS_FILE)
    load_layouts(election, folder)
    return election


def load_layouts(
    election: Election, folder: Path | None = None, instead: Path | None = None
) -> Mapping[str, Layout]:
    """The layout of every contest, by contest id.

    Args:
        election: its contests name their layouts.
        folder: where the election file stands.
        instead: another layout, a file or the id of a shipped one, for the only contest.

    Raises:
        InvalidFileError: with every problem of every layout.
    """
    layouts: dict[str, Layout] = {}
    problems: list[Problem] = []
    if instead is not None and len(election.contests) > 1:
        remedy = "an election of several contests reads with the layouts that it names"
        raise InvalidFileError([Problem("--layout", str(instead), remedy)])
    for contest in election.contests:
        try:
            if instead is not None:
                layouts[contest.id] = load_layout(str(instead))
            else:
                layouts[contest.id] = load_layout(contest.layout, folder)
        except InvalidFileError as error:
            problems.extend(error.problems)
        else:
            problems.extend(check_layout(contest, layouts[contest.id]))
    if problems:
        raise InvalidFileError(problems)
    return layouts


def layouts_used(
    election: Election, folder: Path | None = None, instead: Path | None = None
) -> Mapping[str, LayoutUsed]:
    """Which layout files `load_layouts` reads, exactly; the arguments are the same.

    Raises:
        InvalidFileError: with every problem of every layout.
    """
    layouts = load_layouts(election, folder, instead)
    used = {}
    for contest in election.contests:
        path = layout_path(str(instead)) if instead else layout_path(contest.layout, folder)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        layout = layouts[contest.id]
        used[contest.id] = LayoutUsed(layout.id, layout.version, digest)
    return used


def load_layout(contest_layout: str, folder: Path | None = None) -> Layout:
    """Read a layout.

    Args:
        contest_layout: id of a shipped layout, or a TOML file (in `folder`, if one is given).
        folder: where the election file stands.

    Raises:
        InvalidFileError: with every problem found.
    """
    path = layout_path(contest_layout, folder)
    (text,) = _read_all(path)
    return parse_layout(text, path.name)


def layout_path(contest_layout: str, folder: Path | None = None) -> Path:
    """The file of a layout; it may not exist."""
    if contest_layout.endswith(".toml"):
        return (folder or Path()) / contest_layout
    return SHIPPED / "layouts" / f"{contest_layout}.toml"


def election_folder(name_or_folder: str | Path) -> Path:
    """The folder of an election.

    A bare name is a shipped election's id first, so that a folder that happens to be called the
    same does not take its place; write `./name` for the folder.

    Raises:
        InvalidFileError: if there is none.
    """
    shipped = SHIPPED / "elections"
    bare = isinstance(name_or_folder, str) and re.fullmatch(ID, name_or_folder)
    if bare and (shipped / name_or_folder / ELECTION_FILE).is_file():
        return shipped / name_or_folder
    if (folder := Path(name_or_folder)).is_dir():
        return folder
    ids = ", ".join(sorted(path.name for path in shipped.iterdir() if path.is_dir()))
    remedy = f"give a folder with {ELECTION_FILE} and {STATIONS_FILE}, or a shipped election: {ids}"
    raise InvalidFileError([Problem("election", repr(str(name_or_folder)), remedy)])


def _read_all(*paths: Path) -> list[str]:
    """The texts of all files, or every file's problem at once."""
    texts: list[str] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            texts.append(_read(path))
        except OSError as error:
            what = error.strerror or type(error).__name__
            problems.append(Problem(str(path), what, "check the path and its rights"))
        except UnicodeDecodeError as error:
            remedy = "save the file as UTF-8"
            problems.append(Problem(str(path), f"not UTF-8 at byte {error.start}", remedy))
        except ValueError as error:
            problems.append(Problem(str(path), str(error), "give the right file"))
    if problems:
        raise InvalidFileError(problems)
    return texts


def _read(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES} bytes")
    return path.read_text(encoding="utf-8")
