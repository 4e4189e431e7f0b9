"""The queue, a decision and a history on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.election.election import Contest
from tallywire.reasons import Code, Reason
from tallywire.review.history import CORRECTION, READING, SCAN, HistoryStep
from tallywire.review.priority import HeldCase

RULE = "Ordered by P(wrong) x votes at stake / (margin of the district + 1)."


def print_queue(console: Console, cases: Sequence[HeldCase], most: int) -> None:
    """The weightiest cases, one row each."""
    if not cases:
        console.print("Nothing is held: no station waits for a person.")
        return
    table = Table(title=f"{len(cases):,} stations wait for a person", caption=RULE)
    for name in ("Station", "District", "Stands", "P(wrong)", "At stake", "Margin", "Read", "Why"):
        table.add_column(name, justify="right" if name in ("P(wrong)", "At stake", "Margin") else
                         "left", overflow="fold")  # fmt: skip
    for case in cases[:most]:
        table.add_row(
            case.state.station,
            case.state.district,
            str(case.state.status),
            f"{case.wrong:.3f}",
            f"{case.stake:,}",
            f"{case.margin:,}",
            Text(_read(case)),
            Text("\n".join(_why(reason) for reason in case.entry.reasons)),
        )
    console.print(table)
    if len(cases) > most:
        console.print(f"{len(cases) - most:,} more: --limit {len(cases)}")


def print_votes(
    console: Console,
    contest: Contest,
    before: Mapping[str, int] | None,
    after: Mapping[str, int] | None,
) -> None:
    """Both, row by row; a row that changed is marked."""
    table = Table()
    table.add_column("Row")
    table.add_column("Before", justify="right")
    table.add_column("After", justify="right")
    for option in contest.options:
        old, new = (before or {}).get(option.id), (after or {}).get(option.id)
        style = "bold" if old != new else ""
        table.add_row(option.id, _number(old), _number(new), style=style)
    console.print(table)


def print_history(console: Console, station: str, steps: Sequence[HistoryStep]) -> None:
    """One paragraph a step."""
    if not steps:
        console.print(f"Nothing has been heard of station {station}.")
    for step in steps:
        head = f"{step.at}  {step.kind}  {step.place}"
        tail = "  ".join(filter(None, (step.generation, step.outcome)))
        console.print(Text.assemble((head, "bold"), "  ", (tail, "cyan")), soft_wrap=True)
        for line in _facts(step):
            console.print(Text(f"    {line}"), soft_wrap=True)


def steps_json(steps: Sequence[HistoryStep]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [asdict(step) for step in steps]


def cases_json(cases: Sequence[HeldCase]) -> list[dict[str, Any]]:
    """The queue as JSON values."""
    return [
        {
            "station": case.state.station,
            "contest": case.state.contest,
            "district": case.state.district,
            "status": case.state.status,
            "impact": case.impact,
            "probability_wrong": case.wrong,
            "votes_at_stake": case.stake,
            "margin": case.margin,
            "scan_id": case.entry.scan_id,
            "votes": dict(case.entry.votes),
            "total": case.entry.total,
            "reasons": [
                {"code": one.code, "message": one.message, "evidence": dict(one.evidence)}
                for one in case.entry.reasons
            ],
        }
        for case in cases
    ]


def _read(case: HeldCase) -> str:
    """The scan's id, and the rows in doubt with what they may be instead: of a disputed station
    those on which two scans differ, else the whole sheet in one line."""
    scan, counted = f"scan {(case.entry.scan_id or '')[:12]}", case.state.counted
    if counted is not None and counted is not case.entry:
        names = sorted(case.entry.votes.keys() | counted.votes.keys())
        both = [(name, case.entry.votes.get(name), counted.votes.get(name)) for name in names]
        rows = [f"{name} {_number(new)} (counted: {_number(old)})" for name, new, old in both
                if new != old]  # fmt: skip
        return "\n".join([scan, *rows])
    doubts = [
        f"{one.evidence.get('field')} {one.evidence.get('value')}"
        f" (or {one.evidence.get('runner_up')})"
        for one in case.entry.reasons
        if one.code is Code.DOUBTFUL_COUNT
    ]
    return "\n".join([scan, *(doubts or [votes_text(case.entry.votes) or "nothing"])])


def _why(reason: Reason) -> str:
    rule = reason.evidence.get("rule")
    return f"{reason.code}{f' [{rule}]' if rule else ''}: {reason.message}"


def votes_text(votes: Mapping[str, Any] | None) -> str:
    """`PAN 12, PRI 7`."""
    return ", ".join(f"{name} {_number(number)}" for name, number in (votes or {}).items())


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _facts(step: HistoryStep) -> list[str]:
    facts = step.facts
    if step.kind == SCAN:
        return [f"scan {facts.get('scan_id')}, scanner {facts.get('scanner', 'not told')}"]
    if step.kind == READING:
        return [
            f"{facts['verdict']}, {facts['quality']} quality,"
            f" P(wrong) {facts['error_probability']:.4f}; {facts['model']}, {facts['layout']}",
            votes_text(facts["counts"]),
            *(f"{one['reason']}: {one['message']}" for one in facts["reasons"]),
        ]
    if step.kind == CORRECTION:
        return [
            f"by {facts['decided_by']}: {facts['why']}",
            f"before: {votes_text(facts['before']) or 'nothing'}",
            f"after:  {votes_text(facts['after']) or 'as the scans say'}",
        ]
    return [f"{facts['reason']}: {facts['message']}"]
