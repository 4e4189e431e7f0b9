"""Totals as files: JSON for `tallywire verify`, one CSV per district for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

from tallywire.ledger.rebuild import Totals, fingerprint, nonzero

COLUMNS = ("kind", "contest", "item", "state", "quality", "value")


def totals_json(election: str, generation: str, totals: Totals) -> str:
    """A generation's totals with their digest; zeros are left out."""
    body = {
        "election": election,
        "generation": generation,
        "sha256": fingerprint(totals),
        "totals": nonzero(totals),
    }
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def district_csv(counters: Mapping[str, int]) -> str:
    """Every counter of a district as a row; `item` is an option, or the start of ten seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name in sorted(counters):
        writer.writerow([*_cells(name), counters[name]])
    return out.getvalue()


def _cells(counter: str) -> tuple[str, str, str, str, str]:
    """Kind, contest, item, state and quality of a counter's name (`tallywire.ledger.counters`)."""
    kind, *rest = counter.split("|")
    if kind == "votes":
        contest, option, state, quality = rest
        return kind, contest, option, state, quality
    if kind in ("stations", "registered"):
        contest, state = rest
        return kind, contest, "", state, ""
    if kind == "time":
        start, state = rest
        return kind, "", start, state, ""
    return kind, "", "", "|".join(rest), ""
