"""The figures of an evaluation as tables for people."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text


def to_table(version: str, figures: dict[str, Any]) -> Table:
    """The figures that matter first."""
    table = Table(title=f"Version {version}", title_style="bold")
    columns = (
        "set", "cells, arg-max", "joint", "calibration error", "sheets, arg-max", "joint",
        "refused",
    )  # fmt: skip
    for name in columns:
        table.add_column(name, justify="left" if name == "set" else "right")
    together = {"mixed": figures["mixed"]}
    if "one_hand" in figures:
        together["mixed, one hand"] = figures["one_hand"]
    for name, one in (figures["rendered"] | together).items():
        table.add_row(
            name,
            f"{one['cells_accuracy']:.2%}",
            f"{one['cells_accuracy_joint']:.2%}",
            f"{one['cells']['calibration_error']:.2%}",
            f"{one['sheets_accuracy_plain']:.1%}",
            f"{one['sheets_accuracy_joint']:.1%}",
            f"{one['refused']}",
        )
    for name, one in figures["forms"].items():
        table.add_row(
            f"real, {name}",
            f"{one['cells_right'] / max(1, one['cells']):.2%}",
            f"{one['rows_right_joint'] / max(1, one['rows']):.1%} of rows",
            f"{one['calibration_error']:.2%}",
            f"{one['exact_plain'] / one['sheets']:.1%}",
            f"{one['exact_joint'] / one['sheets']:.1%}",
            f"{one['refused']}",
        )
    table.add_section()
    for name, one in figures["loose"].items():
        table.add_row(name, f"{one['accuracy']:.2%}", "", f"{one['calibration_error']:.2%}")
    table.add_section()
    for name, one in together.items():
        note = f"{one['accepted_wrong']} of {one['accepted']} wrong"
        table.add_row(f"accepted of {name}", f"{one['accepted_share']:.1%}", note)
    table.add_row("ms a cell, one core", f"{figures['ms_per_cell']}")
    table.add_row("cells read again", f"{figures['read_again']:.1%}")
    return table


def to_targets(figures: dict[str, Any]) -> Table:
    """Every target with what was measured."""
    table = Table(title="Targets", title_style="bold")
    for name in ("on", "measure", "measured", "target", ""):
        table.add_column(name, justify="left" if name in ("on", "measure") else "right")
    for one in figures["targets"]:
        shown = [
            f"{value:.3g}" if one["measure"].startswith("ms") else f"{value:.2%}"
            for value in (one["measured"], one["limit"])
        ]
        side = "at least" if one["at_least"] else "at most"
        met = Text("met", style="green") if one["met"] else Text("missed", style="red")
        table.add_row(one["on"], one["measure"], shown[0], f"{side} {shown[1]}", met)
    return table
