"""From what a person types to the votes of a correction, or to every reason why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tallywire.election.election import Contest
from tallywire.errors import UsageError
from tallywire.ledger.state import Entry, StationState
from tallywire.sheet.layout import Layout, Role

MOST_VOTES = 9_999_999  # as on the wire


@dataclass(frozen=True, slots=True)
class DraftCorrection:
    """Votes by option, and what the paper's own total rows say, by field id. A row that nobody
    has read yet is not there."""

    votes: Mapping[str, int]
    totals: Mapping[str, int]


def shown(state: StationState | None, layout: Layout, scan: str | None = None) -> DraftCorrection:
    """What a reviewer starts from: what stands now, or what was read from one of its scans.

    Args:
        scan: the beginning of a scan id.

    Raises:
        UsageError: the station has no such scan, or several.
    """
    if state is not None and state.corrected and scan is None:
        return DraftCorrection(state.standing_votes or {}, {})
    return _read_from(_entry(state, scan), layout)


def _entry(state: StationState | None, scan: str | None) -> Entry | None:
    if state is None or scan is None:
        return state.standing if state else None
    read = [entry for entry in (state.counted, *state.held, *state.superseded) if entry]
    found = [entry for entry in read if (entry.scan_id or "").startswith(scan)]
    if len(found) == 1:
        return found[0]
    known = ", ".join((entry.scan_id or "")[:12] for entry in read)
    raise UsageError(f"--scan {scan}: {len(found)} scans begin so; the station has {known}")


def _read_from(entry: Entry | None, layout: Layout) -> DraftCorrection:
    if entry is None:
        return DraftCorrection({}, {})
    fields = [row.id for row in layout.fields if row.role is Role.TOTAL]
    return DraftCorrection(
        entry.votes, {fields[0]: entry.total} if fields and entry.total is not None else {}
    )


def parse_sets(texts: Sequence[str]) -> dict[str, int]:
    """`PAN=123` and the like.

    Raises:
        UsageError: naming every one that is none.
    """
    found, problems = dict[str, int](), list[str]()
    for text in texts:
        name, _, number = text.partition("=")
        if not (name and number.isascii() and number.isdigit() and len(number) <= 7):
            problems.append(f"--set {text}: write ROW=NUMBER, for example PAN=123")
        elif name in found:
            problems.append(f"--set {text}: {name} is set twice")
        else:
            found[name] = int(number)
    if problems:
        raise UsageError("\n".join(problems))
    return found


def change(
    draft: DraftCorrection, sets: Mapping[str, int], contest: Contest, layout: Layout
) -> DraftCorrection:
    """The draft with some rows set anew.

    Raises:
        UsageError: naming every row that the sheet does not have.
    """
    options = {option.id for option in contest.options}
    totals = {row.id for row in layout.fields if row.role is Role.TOTAL}
    unknown = sorted(sets.keys() - options - totals)
    if unknown:
        known = ", ".join([*(option.id for option in contest.options), *sorted(totals)])
        raise UsageError(f"--set {unknown[0]}: no such row; the sheet has {known}")
    return DraftCorrection(
        {**draft.votes, **{name: sets[name] for name in sets.keys() & options}},
        {**draft.totals, **{name: sets[name] for name in sets.keys() & totals}},
    )


def problems_of(
    draft: DraftCorrection, contest: Contest, layout: Layout, registered: int
) -> list[str]:
    """What speaks against the draft: missing rows, sums, more votes than voters."""
    missing = [option.id for option in contest.options if option.id not in draft.votes]
    found = [f"{name} has no number: set it (--set {name}=...)" for name in missing]
    values = {
        row.id: (draft.totals if row.role is Role.TOTAL else draft.votes).get(row.option or row.id)
        for row in layout.fields
    }
    for rule in layout.sum_rules:
        parts, total = [values[part] for part in rule.parts], values[rule.total]
        if total is not None and None not in parts and sum(filter(None, parts)) != total:
            found.append(
                f"the rows sum to {sum(filter(None, parts))}, but {rule.total} says {total}:"
                f" correct a row, or the total as it is on the paper (--set {rule.total}=...)"
            )
    most = registered + max((rule.tolerance for rule in layout.cap_rules), default=0)
    cast = sum(draft.votes.values())
    if cast > most:
        found.append(f"{cast} votes, but {registered} voters are registered (at most {most})")
    return found


def require(
    draft: DraftCorrection, contest: Contest, layout: Layout, registered: int, *, as_written: bool
) -> None:
    """Let only a sound draft pass; `as_written` accepts a paper that is wrong in itself.

    Raises:
        UsageError: with every problem.
    """
    problems = problems_of(draft, contest, layout, registered)
    if as_written:
        problems = [text for text in problems if "has no number" in text]
    if problems:
        hint = "" if as_written else "\nIf the paper itself says so, add --as-written."
        raise UsageError("\n".join(problems) + hint)
