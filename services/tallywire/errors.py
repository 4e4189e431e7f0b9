"""Exceptions, named by what the caller should do about them.

What is expected of a scan (a torn image, an unknown station) is never an exception: it is a
`tallywire.reasons.Reason`, a value that travels with the scan. Exceptions mean wrong usage,
a broken peer, or a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file that a person wrote: where, what stands there, what to do."""

    where: str  # file, and line or key: "stations.csv:14", "election.toml: contests[0].id"
    value: str  # what was found there, shortened by the reporter if long
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.value} - {self.remedy}"


class TallywireError(Exception):
    """Base of all our own exceptions; the message is written for the user."""


class UsageError(TallywireError):
    """The user's arguments or files are wrong: fix them, do not retry. Exit code 2."""


class InvalidFileError(UsageError):
    """A file did not validate; carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PeerError(TallywireError):
    """A server is away, slow or answers nonsense: retry later. Exit code 1."""


class WrongInputError(TallywireError):
    """A server refuses what it was given, as a model of another version does. Exit code 1."""


def words(error: Exception) -> str:
    """What an error says, without a number and the path, which the message names anyway."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
