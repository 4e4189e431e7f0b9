"""Digit forms that whole regions write and neither MNIST nor the trajectories hold enough of.

Skeletons drawn by hand: control points of a smooth stroke, bent a little every time. Latin American
and southern European schools teach the looped 1 and 2, the zero that ends in a tail, the barred 7
with a foot, the 5 that is hardly more than a root sign. What the model misread among the open crops
said which forms were missing (the barred zero: what it misread of the strokes' test writers); the
shapes are drawn from memory, none is traced, and the held-out crops were not looked at.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

Skeleton = tuple[tuple[tuple[float, float], ...], ...]
"""Strokes as control points (x right, y down); the digit is about 1 high and centred on 0."""

BEND = (0.015, 0.05)  # of the height: how far control points wander, in one digit or another
STEPS = 8  # points between two control points

SKELETONS: MappingProxyType[int, tuple[Skeleton, ...]] = MappingProxyType({
    0: (
        # An oval closed by a curl that leaves to the right.
        (((0.1, -0.4), (-0.18, -0.38), (-0.3, 0.0), (-0.12, 0.46), (0.2, 0.36), (0.28, -0.08),
          (0.1, -0.42), (-0.06, -0.34), (0.14, -0.36), (0.42, -0.46)),),
        # The stroke starts inside and ends outside: a loop at the top.
        (((0.02, -0.2), (0.14, -0.42), (-0.12, -0.44), (-0.32, -0.05), (-0.16, 0.44), (0.18, 0.42),
          (0.32, 0.0), (0.2, -0.4), (0.0, -0.3)),),
        # The end curls back into the oval.
        (((0.05, -0.48), (-0.26, -0.24), (-0.28, 0.24), (0.02, 0.5), (0.28, 0.2), (0.24, -0.28),
          (0.02, -0.46), (-0.1, -0.32), (0.04, -0.2), (0.18, -0.3)),),
        # Lying, closed by two crossing ends, as a fish.
        (((0.3, -0.34), (0.08, 0.1), (-0.14, 0.36), (-0.32, 0.02), (-0.14, -0.34), (0.08, -0.14),
          (0.34, 0.32)),),
        # Not closed at the upper left.
        (((-0.1, -0.36), (0.1, -0.48), (0.3, -0.08), (0.16, 0.42), (-0.16, 0.44), (-0.3, 0.08),
          (-0.26, -0.14)),),
        # The stroke starts with a curl across the upper half.
        (((0.26, -0.06), (-0.02, -0.14), (-0.14, -0.34), (0.06, -0.5), (0.3, -0.2), (0.22, 0.3),
          (-0.06, 0.5), (-0.3, 0.16), (-0.22, -0.28), (0.0, -0.42)),),
        # Barred.
        (((0.02, -0.5), (-0.24, -0.2), (-0.22, 0.28), (0.02, 0.5), (0.24, 0.2), (0.22, -0.26),
          (0.0, -0.5)), ((-0.4, 0.02), (0.4, -0.02))),
    ),
    1: (
        # A cursive l: up, a narrow loop, down, a small foot.
        (((-0.2, 0.12), (0.02, -0.15), (0.14, -0.42), (0.06, -0.5), (-0.02, -0.36), (-0.06, 0.2),
          (-0.02, 0.46), (0.12, 0.42)),),
        # A loop as high as the digit, nearly closed.
        (((-0.08, 0.5), (0.04, 0.1), (0.14, -0.4), (0.08, -0.5), (-0.02, -0.3), (-0.1, 0.2),
          (-0.1, 0.5)),),
        # A long upstroke from the line and the stem.
        (((-0.26, 0.28), (-0.04, -0.2), (0.1, -0.5), (0.08, -0.1), (0.04, 0.5)),),
        # With a foot.
        (((-0.16, -0.22), (0.04, -0.5), (0.03, 0.0), (0.02, 0.48)), ((-0.2, 0.5), (0.24, 0.49))),
        # A flag as long as the stem, from the line up.
        (((-0.36, 0.06), (-0.1, -0.24), (0.14, -0.5), (0.06, 0.0), (-0.02, 0.5)),),
        # The foot drawn on in one stroke.
        (((-0.2, -0.24), (0.08, -0.5), (0.06, -0.1), (0.02, 0.46), (-0.2, 0.5), (0.26, 0.48)),),
    ),
    2: (
        # Round head that starts with a curl, loop on the line, wavy foot.
        (((-0.1, -0.12), (-0.24, -0.2), (-0.2, -0.42), (0.02, -0.5), (0.22, -0.34), (0.12, -0.02),
          (-0.12, 0.28), (-0.28, 0.44), (-0.34, 0.34), (-0.18, 0.3), (0.06, 0.44), (0.32, 0.42)),),
        # A head closed to a ring, as a Q.
        (((-0.02, -0.06), (-0.24, -0.2), (-0.18, -0.44), (0.04, -0.5), (0.22, -0.34), (0.16, -0.08),
          (-0.04, 0.12), (-0.26, 0.4), (-0.16, 0.26), (0.08, 0.42), (0.28, 0.48)),),
        # Loop on the line alone.
        (((-0.2, -0.3), (0.0, -0.5), (0.2, -0.32), (0.06, 0.04), (-0.22, 0.42), (-0.3, 0.3),
          (-0.08, 0.34), (0.3, 0.46)),),
        # The head begins with a ring.
        (((-0.12, -0.2), (-0.2, -0.36), (-0.06, -0.4), (-0.1, -0.2), (-0.26, -0.22), (-0.12, -0.48),
          (0.16, -0.44), (0.18, -0.1), (-0.26, 0.44), (0.02, 0.38), (0.32, 0.48)),),
        # A ring nearly as high as the digit, and a foot under it.
        (((-0.1, 0.08), (-0.32, -0.12), (-0.24, -0.42), (0.06, -0.5), (0.3, -0.24), (0.18, 0.1),
          (-0.12, 0.36), (0.08, 0.38), (0.36, 0.46)),),
        # The foot a short turn.
        (((-0.24, -0.32), (0.0, -0.5), (0.22, -0.34), (0.06, 0.08), (-0.14, 0.46), (0.0, 0.5),
          (0.12, 0.46)),),
        # Narrow, the head a ring.
        (((0.0, -0.08), (-0.14, -0.28), (0.0, -0.5), (0.14, -0.3), (0.04, 0.06), (-0.14, 0.4),
          (0.0, 0.34), (0.2, 0.48)),),
    ),
    3: (
        # Both ends rolled in.
        (((-0.14, -0.26), (-0.24, -0.38), (0.0, -0.5), (0.2, -0.34), (0.02, -0.08), (-0.1, -0.02),
          (0.06, -0.08), (0.26, 0.18), (0.04, 0.48), (-0.28, 0.38), (-0.28, 0.2), (-0.14, 0.26)),),
        # A loop at the waist.
        (((-0.24, -0.38), (0.02, -0.5), (0.2, -0.3), (0.0, -0.04), (-0.16, 0.02), (-0.12, -0.1),
          (0.12, -0.02), (0.24, 0.22), (0.0, 0.5), (-0.28, 0.36)),),
    ),
    4: (
        # Open, the stem through the bar and beyond.
        (((-0.1, -0.48), (-0.22, -0.1), (-0.28, 0.12), (0.0, 0.1), (0.3, 0.04)),
         ((0.14, -0.2), (0.06, 0.2), (0.0, 0.5))),
        # In one stroke, with a loop at the left.
        (((-0.06, -0.5), (-0.2, -0.12), (-0.3, 0.14), (-0.2, 0.2), (0.1, 0.02), (0.26, -0.3),
          (0.16, 0.1), (0.04, 0.5)),),
        # As an h: down, up to a bow, down again.
        (((-0.04, -0.5), (-0.16, -0.1), (-0.24, 0.18), (-0.02, 0.0), (0.2, 0.04), (0.18, 0.28),
          (0.1, 0.5)),),
        # The stem short, hanging from the bar.
        (((-0.12, -0.5), (-0.18, -0.1), (-0.22, 0.1), (0.0, 0.08), (0.26, 0.04)),
         ((0.18, -0.1), (0.14, 0.2), (0.1, 0.5))),
        # As a y.
        (((-0.24, -0.42), (-0.2, -0.08), (0.04, -0.04), (0.2, -0.22)),
         ((0.24, -0.48), (0.12, 0.1), (-0.04, 0.5))),
    ),
    5: (
        # A tick, the belly, and the flag that runs on to the right.
        (((-0.14, -0.42), (-0.2, -0.08), (0.04, -0.14), (0.2, 0.1), (0.1, 0.42), (-0.2, 0.46)),
         ((-0.14, -0.42), (0.1, -0.46), (0.38, -0.5))),
        # As a root sign: flag, stem, and hardly any belly.
        (((0.38, -0.5), (0.05, -0.45), (-0.02, -0.12), (0.02, 0.2), (-0.1, 0.5), (-0.2, 0.14),
          (-0.3, 0.06)),),
        (((0.36, -0.48), (0.0, -0.46), (-0.06, -0.1), (0.1, 0.04), (0.06, 0.36), (-0.12, 0.5),
          (-0.26, 0.32)),),
        # As an S, its lower end rolled in.
        (((0.32, -0.42), (-0.04, -0.5), (-0.22, -0.22), (0.1, 0.02), (0.22, 0.28), (-0.04, 0.5),
          (-0.3, 0.36), (-0.18, 0.22)),),
    ),
    6: (
        # A belly nearly as high as the digit, the stem a short hook.
        (((0.16, -0.46), (-0.04, -0.5), (-0.26, -0.2), (-0.26, 0.22), (0.0, 0.48), (0.28, 0.24),
          (0.22, -0.16), (-0.04, -0.24), (-0.22, -0.06)),),
        # As a b.
        (((-0.14, -0.5), (-0.24, 0.0), (-0.16, 0.42), (0.12, 0.46), (0.26, 0.16), (0.06, -0.1),
          (-0.2, 0.08)),),
    ),
    7: (
        # Wavy roof, bar, a foot that turns right.
        (((-0.32, -0.34), (-0.26, -0.48), (-0.02, -0.42), (0.28, -0.48), (0.1, -0.1), (-0.06, 0.2),
          (-0.12, 0.48), (0.04, 0.44)), ((-0.2, 0.02), (0.26, -0.04))),
        # A tick that hangs from the roof, bar, curved stem.
        (((-0.26, -0.24), (-0.26, -0.46), (0.0, -0.46), (0.26, -0.46), (0.1, -0.06), (0.0, 0.5)),
         ((-0.16, 0.04), (0.24, 0.0))),
        # As an F: the roof runs on beyond the stem.
        (((-0.28, -0.34), (-0.06, -0.44), (0.36, -0.5)), ((0.12, -0.46), (0.04, 0.0), (-0.02, 0.5)),
         ((-0.22, 0.04), (0.3, -0.06))),
        # The roof a loop, bar, curved stem.
        (((-0.28, -0.28), (-0.1, -0.5), (0.02, -0.36), (0.22, -0.46), (0.22, -0.28), (0.02, 0.1),
          (-0.1, 0.5)), ((-0.2, 0.04), (0.26, -0.02))),
        # The roof a hook, long bar.
        (((-0.2, -0.32), (-0.04, -0.5), (0.12, -0.34), (0.02, 0.08), (-0.06, 0.5)),
         ((-0.3, 0.04), (0.3, -0.04))),
        # The roof hangs between its ends, as a y with a bar.
        (((-0.24, -0.4), (-0.14, -0.24), (0.06, -0.32), (0.2, -0.5), (0.08, -0.06), (-0.04, 0.5)),
         ((-0.18, 0.06), (0.26, 0.0))),
        # Hardly a roof: a tick, the stem, a long bar.
        (((-0.14, -0.4), (-0.02, -0.36), (0.14, -0.5), (0.04, 0.0), (-0.06, 0.5)),
         ((-0.3, 0.02), (0.32, -0.06))),
        # In one stroke: from the foot back up, and across as the bar.
        (((-0.26, -0.4), (0.0, -0.5), (0.22, -0.34), (0.14, 0.04), (0.04, 0.46), (-0.14, 0.44),
          (-0.2, 0.22), (0.04, 0.1), (0.36, 0.06)),),
    ),
    9: (
        # The head on the right of the stem, as a g without its tail.
        (((0.22, -0.36), (0.02, -0.5), (-0.2, -0.3), (-0.06, -0.06), (0.16, -0.16), (0.22, -0.38),
          (0.2, 0.0), (0.08, 0.4), (-0.14, 0.5), (-0.26, 0.4)),),
        # As a ribbon: a loop, and the stem bent back under it.
        (((0.14, -0.12), (-0.14, -0.18), (-0.2, -0.38), (0.02, -0.5), (0.2, -0.34), (0.06, -0.05),
          (-0.12, 0.16), (0.06, 0.3), (-0.02, 0.5)),),
        # The stem crosses the head's end and runs to the right.
        (((0.2, -0.14), (-0.1, -0.08), (-0.24, -0.3), (-0.02, -0.5), (0.18, -0.34), (0.02, 0.06),
          (0.04, 0.36), (0.24, 0.48)),),
        # As an R: the ribbon's end a leg to the right.
        (((0.16, -0.06), (-0.16, -0.04), (-0.28, -0.26), (-0.06, -0.5), (0.2, -0.36), (0.04, -0.06),
          (-0.1, 0.1), (0.1, 0.26), (0.34, 0.46)),),
        # A ribbon with both ends down.
        (((-0.14, 0.5), (0.0, 0.1), (0.18, -0.28), (0.0, -0.5), (-0.18, -0.3), (0.0, 0.06),
          (0.14, 0.36)),),
    ),
})  # fmt: skip


def bend_form(digit: int, rng: Generator) -> tuple[F32, ...] | None:
    """One of the digit's rare forms, bent by chance.

    Args:
        digit: 0 to 9.
        rng: the only source of chance.

    Returns:
        strokes as `Trajectories.digits` has them, float32 [points, 2]; None where there is none.
    """
    forms = SKELETONS.get(digit)
    if forms is None:
        return None
    skeleton = forms[int(rng.integers(len(forms)))]
    stretch, wander = rng.normal(1.0, 0.1, 2), rng.uniform(*BEND)
    return tuple(_smooth(_bent(np.array(stroke) * stretch, wander, rng)) for stroke in skeleton)


def _bent(points: F64, wander: float, rng: Generator) -> F64:
    return np.asarray(points + rng.normal(0, wander, points.shape), np.float64)


def _smooth(points: F64) -> F32:
    """A Catmull-Rom spline through the control points."""
    around = np.concatenate([points[:1], points, points[-1:]])
    a, b, c, d = (around[at : len(around) - 3 + at, None] for at in range(4))
    t = (np.arange(STEPS) / STEPS)[None, :, None]
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return np.concatenate([curve.reshape(-1, 2), points[-1:]]).astype(np.float32)
