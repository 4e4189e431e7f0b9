"""The second pure half of reading a sheet: probabilities in, counts and a verdict out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallywire.reading.calibration import at_odds
from tallywire.reading.joint import Decoded, decode
from tallywire.reading.judge import judge
from tallywire.reading.policy import Policy
from tallywire.reading.quality import count_confidence, label, sheet_confidence
from tallywire.reading.rows import F64, RowReading, read_row
from tallywire.reading.tree import plant
from tallywire.reasons import Reason
from tallywire.records import Count, Quality, Verdict
from tallywire.sheet.layout import Field, Layout
from tallywire.sheet.local_fit import FieldPlace

ADDS_UP_FROM = 0.5  # the paper is taken to add up where that is the likelier explanation


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What a sheet says, without knowing whose it is.

    `confidence` and `quality` are the paper's; `error_probability` is the calibrated probability
    that at least one count's value is not what is written; `adds_up` that the paper adds up.
    """

    counts: tuple[Count, ...]
    confidence: float
    error_probability: float
    adds_up: float
    quality: Quality
    verdict: Verdict
    reasons: tuple[Reason, ...]


def interpret(
    probabilities: NDArray[np.float32],
    layout: Layout,
    registered: int,
    policy: Policy,
    misplaced: Sequence[FieldPlace] = (),
) -> Interpretation:
    """Read the counts of one sheet and judge them.

    What is written is recorded as written. Arithmetic chooses between readings of the ink only
    where the paper very likely adds up; a paper that does not is held, never repaired.

    Args:
        probabilities: float32 [N, 11] of `layout.cells`, digits 0-9 and blank.
        registered: voters of the station.
        policy: thresholds of the model that gave the probabilities.
        misplaced: fields that may have been cut beside their place.

    Raises:
        ValueError: if `probabilities` do not fit the layout.
    """
    cells = _by_field(probabilities, layout)
    rows = {field: read_row(found, layout.empty_row) for field, found in cells.items()}
    decoded = _decode(rows, layout, registered, policy)
    counts = tuple(
        _count(field, cells[field.id], rows[field.id], decoded, layout) for field in layout.fields
    )
    confidence = sheet_confidence([count.confidence for count in counts])
    told = _error_probability(counts, rows, decoded)
    error = at_odds(told, policy.error_slope, policy.error_offset)
    reasons = judge(counts, error, decoded.adds_up, layout, registered, policy, misplaced)
    return Interpretation(
        counts=counts,
        confidence=confidence,
        error_probability=error,
        adds_up=decoded.adds_up,
        quality=label(confidence),
        verdict=Verdict.HELD if reasons else Verdict.ACCEPTED,
        reasons=reasons,
    )


def _by_field(probabilities: NDArray[np.float32], layout: Layout) -> dict[str, F64]:
    if probabilities.shape != (len(layout.cells), 11):
        raise ValueError(f"expected [{len(layout.cells)}, 11], not {probabilities.shape}")
    found, start = {}, 0
    for field in layout.fields:
        end = start + len(field.cells)
        found[field.id] = probabilities[start:end].astype(np.float64)
        start = end
    return found


def _decode(
    rows: Mapping[str, RowReading], layout: Layout, registered: int, policy: Policy
) -> Decoded:
    if not (layout.sum_rules or layout.equal_rules):
        return Decoded(0.0, None, 0.0, {})
    limits = {rule.field: registered + rule.tolerance for rule in layout.cap_rules}
    tree = plant(layout.sum_rules, layout.equal_rules)
    return decode(rows, tree, limits, policy.unbalanced_prior, policy.unbalanced_spread)


def _count(field: Field, cells: F64, row: RowReading, decoded: Decoded, layout: Layout) -> Count:
    written = row.best
    value = written
    if decoded.counts is not None and decoded.adds_up >= ADDS_UP_FROM:
        value = _chosen(row, decoded.counts.get(field.id, written))
    likely = _mixture(field.id, row, decoded)
    return Count(
        field=field.id,
        option=field.option,
        role=field.role.value,
        written=written,
        value=value,
        confidence=count_confidence(cells),
        probability=min(1.0, _probability(value, row, likely, decoded, field.id)),
        runner_up=_runner_up(likely, value),
        changed_by=_changed_by(field.id, layout) if value != written else None,
        cells=tuple(tuple(float(p) for p in cell) for cell in cells),
    )


def _chosen(row: RowReading, value: int | None) -> int | None:
    """Arithmetic cannot tell a zero from an empty row: the ink does."""
    return None if value == 0 and row.missing >= row.counts[0] else value


def _mixture(field: str, row: RowReading, decoded: Decoded) -> F64:
    """Probability of each count, over both hypotheses; an empty row counts as 0 here."""
    alone = row.counts.copy()
    alone[0] += row.missing
    if field not in decoded.posterior:
        return alone
    together: F64 = decoded.adds_up * decoded.posterior[field] + (1 - decoded.adds_up) * alone
    return together


def _probability(
    value: int | None, row: RowReading, likely: F64, decoded: Decoded, field: str
) -> float:
    """Of `value`; where it is 0 or nothing, arithmetic cannot tell them apart and the ink does."""
    if value not in (0, None):
        return float(likely[value])
    either = row.counts[0] + row.missing
    return float(likely[0]) * row.probability(value) / either if either > 0 else 0.0


def _runner_up(likely: F64, value: int | None) -> int | None:
    others = likely.copy()
    others[value or 0] = 0
    best = int(np.argmax(others))
    return best if others[best] > 0 else None


def _changed_by(field: str, layout: Layout) -> str:
    sums = ((rule.id, (rule.total, *rule.parts)) for rule in layout.sum_rules)
    equals = ((rule.id, rule.fields) for rule in layout.equal_rules)
    return next(rule for rule, fields in (*sums, *equals) if field in fields)


def _error_probability(
    counts: tuple[Count, ...], rows: Mapping[str, RowReading], decoded: Decoded
) -> float:
    """1 - P(every value is what is written), over both hypotheses."""
    alone = float(np.prod([rows[count.field].probability(count.value) for count in counts]))
    together = 0.0
    if decoded.counts is not None:
        same = all(decoded.counts.get(c.field, c.value or 0) == (c.value or 0) for c in counts)
        free = [c for c in counts if c.field not in decoded.counts]
        told = [c for c in counts if c.field in decoded.counts and c.value in (0, None)]
        ink = [rows[c.field].probability(c.value) for c in free] + [_told(rows, c) for c in told]
        together = decoded.share * float(np.prod(ink)) if same else 0.0
    right = decoded.adds_up * together + (1 - decoded.adds_up) * alone
    return min(1.0, max(0.0, 1.0 - right))


def _told(rows: Mapping[str, RowReading], count: Count) -> float:
    """How sure the ink is that an empty-or-zero row is the one of the two that was recorded."""
    row = rows[count.field]
    either = row.counts[0] + row.missing
    return row.probability(count.value) / either if either > 0 else 0.0
