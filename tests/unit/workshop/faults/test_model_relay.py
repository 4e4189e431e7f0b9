"""The nonsense that a relay makes of a model server's answers."""

from __future__ import annotations

import numpy as np
import pytest

from tallywire.edge.serving_wire import CLASSES, DT_FLOAT, load_messages, read_answer
from tallywire.errors import PeerError
from tallywire.workshop.faults.model_relay import NONSENSE


@pytest.mark.parametrize("kind", list(NONSENSE))
def test_every_kind_of_nonsense_can_be_told_from_an_answer(kind: str) -> None:
    messages = load_messages()
    good = messages.predict_response()
    good.model_spec.version.value = 2
    tensor = good.outputs["probabilities"]
    tensor.dtype = DT_FLOAT
    for size in (3, CLASSES):
        tensor.tensor_shape.dim.add().size = size
    tensor.tensor_content = np.full((3, CLASSES), 1 / CLASSES, "<f4").tobytes()
    assert read_answer(good, 3, None).model_version == 2
    spoilt = NONSENSE[kind](good)
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is the next line's
        read_answer(messages.predict_response.FromString(spoilt), 3, None)
    assert isinstance(raised.value, PeerError) == (kind != "no_message")
