"""The render process: an election's sheets into a folder, with the truth about each."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.election.election import Contest, Election, Station, select_stations
from tallywire.election.ground_truth import TRUTH_FILE, TruthRow, read_truth, truth_text
from tallywire.election.loading import (
    ELECTION_FILE,
    STATIONS_FILE,
    LoadedElection,
    load_election,
)
from tallywire.election.station_list import stations_text
from tallywire.errors import UsageError
from tallywire.records import BLANK
from tallywire.sheet.contact_sheet import contact_sheet, thumbnail
from tallywire.workshop.synthetic.arithmetic import adds_up, misadd, most_votes, row_values
from tallywire.workshop.synthetic.conditions import Condition, ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, compose_sheet, render_sheet, sheet_rng
from tallywire.workshop.synthetic.form import Form, print_form
from tallywire.workshop.synthetic.handwriting import Hand
from tallywire.workshop.synthetic.mnist_sample import load_hand
from tallywire.workshop.synthetic.signs import Signs, written_value
from tallywire.workshop.synthetic.simulated_counts import Votes, simulate_counts

U8 = NDArray[np.uint8]

ELECTION = "mx-2015-d15"  # shipped; the counts of its stations add up to the official result
CONTACT_FILE = "contact.png"
MOST_THUMBNAILS = 24
Progress = Callable[[int, int], None]
"""Called with sheets done and sheets in all."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What to render. `stations` None means all; `inconsistent` is a share from 0 to 1."""

    out: Path
    stations: int | None
    seed: int
    condition: ConditionName
    dpi: int = 200
    election: str | Path = ELECTION
    inconsistent: float = 0.0
    jobs: int = 1
    force: bool = False
    as_drawn: bool = False  # the election first, then each sheet once it is drawn, truth.csv last


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What was written: `rows` is the truth, `size_bytes` of all sheets together."""

    election: Election
    rows: tuple[TruthRow, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Job:
    """One sheet to draw; `keep` if it is shown on the contact sheet."""

    station: Station
    form: Form
    votes: Votes
    file: str
    keep: bool


@dataclass(frozen=True, slots=True)
class _Done:
    row: TruthRow
    size_bytes: int
    thumbnail: U8 | None


def render(
    request: RenderOptions, progress: Progress, ready: Callable[[], object] = lambda: None
) -> RenderResult:
    """Write the sheets, truth.csv, the contact sheet and the election of exactly these stations.

    Everything is drawn in a folder beside `request.out` and moved there at the end, so that an
    interrupted run leaves nothing that could be taken for a whole one; with `as_drawn` each sheet
    is moved by itself, for whoever watches the folder. Same request, same bytes, whatever `jobs`.

    Args:
        request: what to draw.
        progress: called from this thread; what it raises ends the drawing.
        ready: called once the folder holds the election, if it comes first.

    Raises:
        UsageError: the folder is not empty and `force` is not set, or the request is impossible.
        InvalidFileError: the election's files are wrong.
    """
    _refuse_full_folder(request)
    loaded = load_election(request.election)
    whole = loaded.election
    chosen = select_stations(whole, request.stations or len(whole.stations))
    jobs = _jobs(loaded, chosen, request)
    request.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{request.out.name}-", dir=request.out.parent
    ) as name:
        work = Path(name)
        if request.as_drawn:
            request.out.mkdir(exist_ok=True)
            _write_election(loaded, chosen, request.out)
            ready()
        done = _draw_all(jobs, request, work, progress)
        rows = tuple(one.row for one in done)
        if not request.as_drawn:
            _write_election(loaded, chosen, work)
        (work / TRUTH_FILE).write_text(truth_text(rows), encoding="utf-8")
        thumbnails = [one.thumbnail for one in done if one.thumbnail is not None]
        _write(work / CONTACT_FILE, _encode(".png", contact_sheet(thumbnails), []))
        _move_in(work, request.out)
    return RenderResult(chosen, rows, sum(one.size_bytes for one in done))


def _refuse_full_folder(request: RenderOptions) -> None:
    if request.out.exists() and not request.out.is_dir():
        raise UsageError(f"{request.out} is a file - choose a folder")
    if request.out.is_dir() and any(request.out.iterdir()) and not request.force:
        raise UsageError(
            f"{request.out} is not empty - choose another folder, or --force to replace the"
            " sheets of an earlier render"
        )


def _jobs(loaded: LoadedElection, chosen: Election, request: RenderOptions) -> list[_Job]:
    whole, layouts = loaded.election, loaded.layouts
    if request.inconsistent and not all(layout.sum_rules for layout in layouts.values()):
        raise UsageError("--inconsistent needs a form with a sum rule - this one has none")
    shown = {index * len(chosen.stations) // MOST_THUMBNAILS for index in range(MOST_THUMBNAILS)}
    jobs: list[_Job] = []
    for contest in whole.contests:
        layout = layouts[contest.id]
        form = print_form(layout, contest, request.dpi)
        counts = simulate_counts(whole, contest, request.seed, most_votes=most_votes(layout))
        for index, station in enumerate(chosen.stations.values()):
            file = _file_name(station, contest, several=len(whole.contests) > 1)
            jobs.append(_Job(station, form, counts[station.id], file, index in shown))
    return jobs


def _file_name(station: Station, contest: Contest, *, several: bool) -> str:
    """`publish` takes the station up to `__`; a lone `contact.jpg` would be no scan to it."""
    plain = not several and station.id.lower() != Path(CONTACT_FILE).stem
    return f"{station.id}.jpg" if plain else f"{station.id}__{contest.id}.jpg"


def _draw_all(
    jobs: list[_Job], request: RenderOptions, work: Path, progress: Progress
) -> list[_Done]:
    """Draw with `request.jobs` threads (OpenCV works outside Python's lock); keeps the order."""
    hand, condition = load_hand(), conditions()[request.condition]
    answers: dict[int, _Done] = {}
    pending: dict[Future[_Done], int] = {}
    progress(0, len(jobs))
    with ThreadPoolExecutor(request.jobs) as pool:
        try:
            for index, job in enumerate(jobs):
                pending[pool.submit(_draw_one, job, request, hand, condition, work)] = index
                if len(pending) >= 2 * request.jobs:
                    answers.update(_finished(pending))
                    progress(len(answers), len(jobs))
            while pending:
                answers.update(_finished(pending))
                progress(len(answers), len(jobs))
        except BaseException:  # Ctrl-C too: what has not begun is not begun any more
            pool.shutdown(cancel_futures=True)
            raise
    return [answers[index] for index in range(len(jobs))]


def _finished(pending: dict[Future[_Done], int]) -> Iterator[tuple[int, _Done]]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        yield pending.pop(future), future.result()


def _draw_one(
    job: _Job, request: RenderOptions, hand: Hand, condition: Condition, work: Path
) -> _Done:
    rng = sheet_rng(request.seed, f"{job.form.contest.id}/{job.station.id}")
    layout, station = job.form.layout, job.station
    values = row_values(layout, job.votes)
    if rng.random() < request.inconsistent:
        values = misadd(layout, values, station.registered, rng)
    signs = compose_sheet(job.form, values, condition, rng)
    content = Content(signs, station.id, station.district, station.registered)
    drawn = render_sheet(job.form, content, hand, condition, rng)
    data = _encode(".jpg", drawn.pixels, [cv2.IMWRITE_JPEG_QUALITY, drawn.jpeg_quality])
    _write(work / job.file, data)
    if request.as_drawn:
        (work / job.file).replace(request.out / job.file)
    row = _truth_row(job, signs, request.condition, hashlib.sha256(data).hexdigest())
    return _Done(row, len(data), thumbnail(drawn.pixels, station.id) if job.keep else None)


def _truth_row(
    job: _Job, signs: Mapping[str, Signs], condition: ConditionName, scan_id: str
) -> TruthRow:
    written = {field: written_value(row) for field, row in signs.items()}
    return TruthRow(
        file=job.file,
        station=job.station.id,
        district=job.station.district,
        contest=job.form.contest.id,
        scan_id=scan_id,
        condition=condition.value,
        adds_up=adds_up(job.form.layout, written),
        written=written,
        cells={
            field: "".join(str(sign) if sign < BLANK else "_" for sign in row)
            for field, row in signs.items()
        },
    )


def _write_election(loaded: LoadedElection, chosen: Election, folder: Path) -> None:
    """The election's own files, with the chosen stations only."""
    for path in (loaded.folder / ELECTION_FILE, *loaded.own_layouts):
        shutil.copyfile(path, folder / path.name)
    text = stations_text(chosen.stations.values())
    (folder / STATIONS_FILE).write_text(text, encoding="utf-8")


def _move_in(work: Path, out: Path) -> None:
    """Replace an earlier render's sheets, and nothing else, by the new files."""
    out.mkdir(exist_ok=True)
    if (out / TRUTH_FILE).exists():
        for row in read_truth(out / TRUTH_FILE):
            (out / Path(row.file).name).unlink(missing_ok=True)
    for path in sorted(work.iterdir()):
        path.replace(out / path.name)


def _encode(suffix: str, pixels: U8, options: list[int]) -> bytes:
    ok, data = cv2.imencode(suffix, pixels, options)
    if not ok:
        raise RuntimeError(f"OpenCV could not write {suffix}")
    return data.tobytes()


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
