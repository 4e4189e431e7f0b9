"""Elections that are larger than the shipped one."""

from __future__ import annotations

from pathlib import Path

from tests.flow.night import own_election

MOST_VOTERS = 750  # of a station of the shipped election, and a few more


def large_election(folder: Path, election_id: str, districts: int, stations: int) -> Path:
    """An election of that many districts and stations, voting as in the shipped one."""
    own_election(folder, election_id)
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
