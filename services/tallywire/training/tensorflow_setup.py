"""What TensorFlow reads from the environment when it is imported, and only then."""

from __future__ import annotations

import os

from tallywire.training.plan import TOWERS


def set_up_tensorflow(cores: int) -> None:
    """Give every tower of a batch its share of the cores; call it before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, cores // TOWERS)))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(TOWERS))
