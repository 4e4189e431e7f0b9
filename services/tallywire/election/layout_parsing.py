"""A layout file's text to a checked `Layout`. Pure: `loading` reads the file."""

from __future__ import annotations

from tallywire.election.layout_checks import geometry_problems, reference_problems
from tallywire.election.layout_models import (
    FieldTable,
    LayoutFile,
    MarkTable,
    TaughtLayoutFile,
    rgb,
)
from tallywire.election.validation import parse_toml, refusal, validate
from tallywire.errors import Problem
from tallywire.sheet.layout import (
    AtMostRule,
    CapRule,
    EqualRule,
    Field,
    Layout,
    Mark,
    Role,
    SumRule,
)

BLACK = "#000000"


def parse_layout(text: str, file: str) -> Layout:
    """Read a layout file.

    Args:
        text: the TOML text.
        file: its name, for the messages.

    Raises:
        InvalidFileError: with every problem found.
    """
    problems: list[Problem] = []
    values = parse_toml(text, file, problems)
    if problems:
        raise refusal(problems)
    model = TaughtLayoutFile if "reference" in values else LayoutFile
    written = validate(model, values, file, problems)
    problems.extend(reference_problems(values, file))
    if written is None or problems:
        raise refusal(problems)
    layout = _layout(written)
    problems.extend(geometry_problems(layout, file))
    if problems:
        raise refusal(problems)
    return layout


def _layout(written: LayoutFile) -> Layout:
    return Layout(
        id=written.id,
        version=written.version,
        name=written.name,
        width_mm=written.page.width_mm,
        height_mm=written.page.height_mm,
        marks=tuple(_mark(table) for table in written.marks),
        fields=tuple(_field(table) for table in written.fields),
        sum_rules=_sums(written),
        cap_rules=tuple(CapRule(rule.id, rule.field, rule.tolerance) for rule in written.cap_rules),
        texts=written.texts,
        equal_rules=tuple(EqualRule(rule.id, tuple(rule.fields)) for rule in written.equal_rules),
        at_most_rules=tuple(
            AtMostRule(rule.id, rule.field, rule.limit) for rule in written.at_most_rules
        ),
        fillers=tuple(written.fillers),
        empty_row=written.empty_row,
        ignored=tuple(written.ignored) if isinstance(written, TaughtLayoutFile) else (),
        reference_file=written.reference if isinstance(written, TaughtLayoutFile) else None,
    )


def _sums(written: LayoutFile) -> tuple[SumRule, ...]:
    """Sums, and differences as the sums that they are."""
    return (
        *(SumRule(rule.id, rule.total, tuple(rule.parts)) for rule in written.sum_rules),
        *(
            SumRule(rule.id, rule.whole, (rule.difference, rule.less))
            for rule in written.difference_rules
        ),
    )


def _mark(table: MarkTable) -> Mark:
    return Mark(table.id, table.kind, table.box, rgb(table.colour or BLACK))


def _field(table: FieldTable) -> Field:
    option = table.option or table.id if table.role is Role.OPTION else None
    return Field(table.id, table.role, option, tuple(table.cells))
