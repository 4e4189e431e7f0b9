"""Handwriting for synthetic sheets: a sample of MNIST's test part, shipped with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tallywire.workshop.synthetic.handwriting import RasterHand, raster_hand

SAMPLE = Path(__file__).parent / "mnist-t10k-sample.npz"


def load_hand() -> RasterHand:
    """The shipped hand: 4,000 digits of writers that no model here is trained on (see README)."""
    with np.load(SAMPLE, allow_pickle=False) as file:
        return raster_hand(file["pixels"], file["labels"], file["groups"])
