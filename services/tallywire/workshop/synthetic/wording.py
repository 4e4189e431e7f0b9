"""The words of a form: the layout's own, or English ones."""

from __future__ import annotations

from tallywire.sheet.layout import Layout, Word


def form_text(layout: Layout, word: Word) -> str:
    """The layout's own word, or the English one."""
    english = {
        Word.STATION: "Polling station",
        Word.DISTRICT: "District",
        Word.REGISTERED: "Registered voters",
        Word.IN_WORDS: "In words",
        Word.IN_NUMBERS: "In numbers",
        Word.SIGNATURES: "Signatures of the polling officials",
        Word.TOTAL: "Total",
        Word.NOTE: "Write one digit in each box, with zeros before shorter numbers.",
    }
    return layout.texts.get(word, english[word])
