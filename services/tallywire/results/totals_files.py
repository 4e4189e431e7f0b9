"""Totals as files: JSON for `tallywire verify`, one CSV per district for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

from tallywire.ledger.counters import CounterName
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
    for text in sorted(counters):
        name = CounterName.parse(text)
        parts = (name.kind, name.contest, name.item, name.state, name.quality)
        writer.writerow([*parts, counters[text]])
    return out.getvalue()
