"""Trajectories that are no legible digit of their label.

Of the training and validation writers, those that a model disbelieved were looked at. Of the test
writers: the 50 that the file marks as suspect were looked at, alone and without a model; and two
readers, each without a model and without the other's list, went through all digits (the 0 to 4
later than the 5 to 9) and noted what is not what it is labelled. What both noted is left out,
unless a third could read it: 10 of the 5 to 9 and 51 of the 0 to 4, of which 34 are the fours and
threes of one man. Rare forms (slashed zeros, ones with a foot, looped nines) are real and stay.
"""

from __future__ import annotations

from types import MappingProxyType

TRAINING_CUTS = MappingProxyType(
    {
        4350: "letters for a 1",
        4381: "a crossed 7 and an equals sign",
        6962: "the stem of a 4",
        7212: "a 4 without its stem",
        7219: "a 4 without its stem",
        7981: "a 4 without its stem",
        8720: "dots for a 4",
        8725: "dots for a 4",
        8743: "a bracket for a 1",
        8753: "dots for a 4",
        8756: "a bracket for a 1",
        13550: "dots for a 0",
        13552: "a dot and a letter for a 4",
        13554: "a dot and a letter for a 6",
        13580: "dots for a 0",
        13581: "a dot and a k for a 1",
        13606: "a dot and an 8 for a 1",
        13654: "a dot and an e for a 1",
        13664: "a dash and a dot for a 3",
        13666: "a dot and an I for a 7",
        13667: "a dot and a c for an 8",
        14831: "dots for a 4",
    }
)
"""Of the writers of training and validation: index in `digits.npz` -> what is there instead."""

WAVES = (
    23545, 23930, 23999, 24032, 24170, 24206, 24933, 25420, 25528, 25597, 25819, 25870, 25894,
    25934, 25946, 26005, 26082, 26264, 26465, 26477, 26741,
)  # fmt: skip
"""One test writer's fours: one stroke, bent twice, without a crossing."""

BRACKETS = (
    23588, 23614, 23698, 23909, 23994, 24476, 24514, 24578, 24579, 25524, 25764, 26075, 26371,
    26840,
)  # fmt: skip
"""The threes of the same writer, and one of another: a stroke with neither belly nor waist."""

TEST_CUTS = MappingProxyType({
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
    3507: "an open 4 for a 9",
    10394: "an S for a 9",
    10429: "a bar with a hook for a 5",
    10431: "a bracket for a 7",
    24268: "a bracket for a 5",
    24315: "a hook for a 5",
    24787: "an angle for a 5",
    24974: "an angle for a 5",
    25055: "a 7 for a 9",
    26332: "a 7 for a 9",
    6916: "a 7 for a 1",
    8774: "a 7 for a 1",
    10230: "a loop for a 0",
    10288: "a hook for a 0",
    10318: "a hook for a 0",
    10331: "a hook for a 0",
    10358: "a 6 for a 0",
    14522: "two zeros for a 0",
    14526: "two zeros for a 0",
    14535: "two zeros for a 0",
    14542: "two zeros for a 0",
    14543: "two zeros for a 0",
    23849: "a question mark for a 3",
    24047: "a 6 for a 0",
    26641: "a hook for a 2",
    26749: "a hook for a 2",
    **dict.fromkeys(WAVES, "a wave for a 4"),
    **dict.fromkeys(BRACKETS, "a bracket for a 3"),
})  # fmt: skip
"""Of the test writers."""

WRONG_CUTS = MappingProxyType({**TRAINING_CUTS, **TEST_CUTS})
