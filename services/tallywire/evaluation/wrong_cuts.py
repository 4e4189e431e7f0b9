"""Trajectories of the test writers that are no digit at all.

The file marks 50 of its 5,554 test digits as suspect and asks to look before dropping any. All 50
were looked at, alone and at full size, without a model. Those below miss a stroke or hold something
else; the others (slashed zeros, ones with a foot, looped nines) are real and stay.
"""

from __future__ import annotations

from types import MappingProxyType

WRONG_CUTS = MappingProxyType({
    4347: "the word 'and' for a 1",
    4348: "dots for a 4",
    4349: "a dash for a 0",
    6921: "a 4 without its stem",
    6922: "the stem of a 4",
    7275: "a slash for a 0",
    7278: "the stem of a 4",
    7820: "the bar of a 0",
    7822: "the stem of a 4",
    8442: "a slash for a 0",
    8444: "a 0 for an 8",
    8445: "a 0 for an 8",
    8447: "the stem of a 4",
    8738: "a dot for a 2",
    8739: "a brace for a 6",
    8740: "dots for an 8",
    8741: "a bracket for a 9",
    8773: "a dot for a 0",
    8775: "an angle for a 2",
    8777: "a dot for an 8",
    8778: "a dot for a 9",
    13843: "dots for a 0",
    13844: "a dot and a loop for a 2",
    13845: "a dot and a star for a 5",
    24652: "a 4 without its stem",
    25260: "a 4 without its stem",
    25541: "a 4 without its stem",
})  # fmt: skip
"""Index in `digits.npz` -> what is there instead."""
