"""A model's card: measured anew, and what a person wrote stays."""

from __future__ import annotations

from tallywire.evaluation.card import BY_HAND, join_card


def test_another_evaluation_keeps_what_was_written_by_hand() -> None:
    card = join_card("# Digits", "7", "old figures\n") + "Nobody looked at the held-out crops.\n"
    again = join_card(card, "7", "new figures\n")
    assert again == join_card(again, "7", "new figures\n")
    assert again.endswith(f"new figures\n\n{BY_HAND}\nNobody looked at the held-out crops.\n")
    assert "old figures" not in again
