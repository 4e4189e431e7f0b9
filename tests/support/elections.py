"""Elections in folders of their own: copies under another id, and larger ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tallywire.election.loading import election_folder

DATA = Path(__file__).parents[1] / "data"
GREY_SEVEN = DATA / "grey-seven"
SHIPPED = "mx-2015-d15"
MOST_VOTERS = 750  # of a station of the shipped election, and a few more


def copy_election(source: Path, folder: Path, election_id: str) -> Path:
    """An election under an id of its own, so that its ledger is nobody else's."""
    shutil.copytree(source, folder)
    file = folder / "election.toml"
    text = re.sub(r'^id = ".*"', f'id = "{election_id}"', file.read_text(), count=1, flags=re.M)
    file.write_text(text)
    return folder


def copy_grey_seven(folder: Path, election_id: str) -> Path:
    """Two districts and a few stations, with a form of its own."""
    return copy_election(GREY_SEVEN, folder, election_id)


def copy_shipped(folder: Path, election_id: str) -> Path:
    """The shipped election."""
    return copy_election(Path(str(election_folder(SHIPPED))), folder, election_id)


def large_election(folder: Path, election_id: str, districts: int, stations: int) -> Path:
    """An election of that many districts and stations, voting as in the shipped one."""
    copy_shipped(folder, election_id)
    text = (folder / "election.toml").read_text()
    head, _, rest = text.partition("[[districts]]")
    contest = rest[rest.index("[[contests]]") :]
    official, options = contest.index("[contests.official"), contest.index("[[contests.options]]")
    names = [f"d{number:02}" for number in range(1, districts + 1)]
    tables = "".join(f'[[districts]]\nid = "{one}"\nname = "District {one}"\n\n' for one in names)
    (folder / "election.toml").write_text(head + tables + contest[:official] + contest[options:])
    rows = [f"s{number:05},{names[number % districts]},{MOST_VOTERS}" for number in range(stations)]
    (folder / "stations.csv").write_text("\n".join(["id,district,registered", *rows]) + "\n")
    return folder
