"""Elections and layouts from disk: shipped ones by id, one's own by folder; each file read once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.election.election import Election, LayoutUsed
from tallywire.election.election_parsing import parse_election
from tallywire.election.layout_checks import contest_problems
from tallywire.election.layout_parsing import parse_layout
from tallywire.election.text_files import decode, read_bytes, read_text
from tallywire.election.validation import ID, refusal, show
from tallywire.errors import InvalidFileError, Problem, words
from tallywire.sheet.layout import Layout
from tallywire.sheet.reference import attach

SHIPPED = Path(__file__).parent / "shipped"
ELECTION_FILE, STATIONS_FILE = "election.toml", "stations.csv"
LAYOUT_SUFFIX = ".toml"
SAME_SHAPE = 0.02  # the picture's height over its width may be off the page's by this share


@dataclass(frozen=True, slots=True)
class LoadedElection:
    """An election with the layouts that its contests are read with, both by contest id."""

    election: Election
    folder: Path
    layouts: Mapping[str, Layout]
    layouts_used: Mapping[str, LayoutUsed]

    @property
    def own_layouts(self) -> tuple[Path, ...]:
        """The layout files beside election.toml that it names; shipped ones are not among them."""
        names = dict.fromkeys(contest.layout for contest in self.election.contests)
        return tuple(self.folder / name for name in names if name.endswith(LAYOUT_SUFFIX))


def load_election(name_or_folder: str | Path, layout: str | Path | None = None) -> LoadedElection:
    """Read and check an election and the layouts of its contests.

    Args:
        name_or_folder: id of a shipped election, or a folder with election.toml and stations.csv.
        layout: another layout, a file or the id of a shipped one, for the only contest.

    Raises:
        InvalidFileError: with every problem found.
    """
    folder = election_folder(name_or_folder)
    problems: list[Problem] = []
    paths = folder / ELECTION_FILE, folder / STATIONS_FILE
    toml, stations = (decode(read_bytes(path, problems), path, problems) for path in paths)
    if problems:
        raise refusal(problems)
    election = parse_election(toml, stations, ELECTION_FILE, STATIONS_FILE)
    if layout is not None and len(election.contests) > 1:
        remedy = "an election of several contests reads with the layouts that it names"
        raise refusal([Problem("--layout", str(layout), remedy)])
    names = {one.id: one.layout if layout is None else str(layout) for one in election.contests}
    files = _load_layouts(names.values(), folder if layout is None else None, problems)
    found = {contest: files[name] for contest, name in names.items() if name in files}
    for contest in election.contests:
        if contest.id in found:
            problems.extend(contest_problems(contest, found[contest.id][0]))
    if problems:
        raise refusal(problems)
    layouts = {contest: layout for contest, (layout, _) in found.items()}
    return LoadedElection(
        election, folder, layouts, {contest: used for contest, (_, used) in found.items()}
    )


def load_layout(name_or_file: str | Path) -> Layout:
    """Read a layout.

    Args:
        name_or_file: id of a shipped layout, or a TOML file.

    Raises:
        InvalidFileError: with every problem found.
    """
    return _load_layout(layout_path(str(name_or_file)))[0]


def load_layout_text(path: Path) -> Layout:
    """Read a layout file alone; its form's picture need not be there yet.

    Raises:
        InvalidFileError: with every problem found.
    """
    return parse_layout(read_text(path), path.name)


def layout_path(name_or_file: str, folder: Path | None = None) -> Path:
    """The file of a layout, in `folder` if one is given; it may not exist.

    Raises:
        InvalidFileError: it is no file's name, and no shipped layout has this id.
    """
    if name_or_file.endswith(LAYOUT_SUFFIX):
        return (folder or Path()) / name_or_file
    shipped = SHIPPED / "layouts" / f"{name_or_file}{LAYOUT_SUFFIX}"
    if re.fullmatch(ID, name_or_file) and shipped.is_file():
        return shipped
    ids = ", ".join(sorted(path.stem for path in shipped.parent.iterdir()))
    remedy = f"give a layout file (its name ends in {LAYOUT_SUFFIX}), or a shipped layout: {ids}"
    raise refusal([Problem("layout", show(name_or_file), remedy)])


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
    ids = ", ".join(sorted(path.name for path in shipped.iterdir() if path.is_dir()))
    remedy = f"give a folder with {ELECTION_FILE} and {STATIONS_FILE}, or a shipped election: {ids}"
    folder = Path(name_or_folder)
    try:
        if folder.is_dir():
            return folder
    except OSError as error:  # no right to look, a name too long
        remedy = f"{words(error)}: {remedy}"
    raise refusal([Problem("election", show(str(name_or_folder)), remedy)])


def _load_layouts(
    names: Iterable[str], folder: Path | None, problems: list[Problem]
) -> Mapping[str, tuple[Layout, LayoutUsed]]:
    """The layouts that can be read, each once, by the name that contests give them."""
    found = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = _load_layout(layout_path(name, folder))
        except InvalidFileError as error:
            problems.extend(error.problems)
    return found


def _load_layout(path: Path) -> tuple[Layout, LayoutUsed]:
    problems: list[Problem] = []
    data = read_bytes(path, problems)
    text = decode(data, path, problems)
    if problems:
        raise refusal(problems)
    layout = parse_layout(text, path.name)
    digest = hashlib.sha256(data)
    if layout.reference_file is not None:  # it says where a scan is read as much as the text does
        beside = path.parent / layout.reference_file
        data = read_bytes(beside, problems)
        picture = _picture(data, beside, layout, problems)
        if picture is None:
            raise refusal(problems)
        digest.update(data)
        layout = attach(layout, picture)
    return layout, LayoutUsed(layout.id, layout.version, digest.hexdigest())


def _picture(
    data: bytes, path: Path, layout: Layout, problems: list[Problem]
) -> NDArray[np.uint8] | None:
    """The reference of a form, uint8 [H, W]; None after a problem."""
    if problems:
        return None
    packed = np.frombuffer(data, np.uint8)
    picture = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE) if len(packed) else None
    if picture is None:
        remedy = "save the rectified page as PNG"
        problems.append(Problem(str(path), "not a picture", remedy))
        return None
    height, width = picture.shape
    if abs(height / width / (layout.height_mm / layout.width_mm) - 1) > SAME_SHAPE:
        what = f"{width} x {height} px for {layout.width_mm:g} x {layout.height_mm:g} mm"
        remedy = "the picture must be of the whole page, upright and nothing but it"
        problems.append(Problem(str(path), what, remedy))
        return None
    return np.asarray(picture, np.uint8)
