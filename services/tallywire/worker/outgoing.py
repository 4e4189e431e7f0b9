"""What is produced for a result: readings to one topic, refusals with their bytes to another."""

from __future__ import annotations

from tallywire.records import Correction, Reading, Rejection
from tallywire.settings import Topics
from tallywire.wire import GENERATION_HEADER, SCHEMA, encode, encode_rejection_headers
from tallywire.worker.incoming import IncomingRecord
from tallywire.worker.producing import Message

OMITTED = ("value-omitted", b"replayed; see the original record")


def message_for(
    topics: Topics,
    record: IncomingRecord,
    result: Reading | Correction | Rejection,
    generation: str = "g1",
    *,
    bytes_too: bool = True,
) -> Message | None:
    """The message of one result; None for a correction, which stands on its topic already.

    Each says which generation of the ledger took it: a replay writes to the same topics.

    A refusal carries the record's own headers too, under `original-`, so that it can be repaired
    and published again. Without `bytes_too` it says where they stand instead: a replay would copy
    what the live count has put there already.
    """
    mark = (GENERATION_HEADER, generation.encode())
    if isinstance(result, Reading):
        schema = ("schema", str(SCHEMA).encode())
        return Message(topics.readings, record.key, encode(result), (mark, schema))
    if isinstance(result, Rejection):
        original = tuple((f"original-{name}", value) for name, value in record.headers)
        told = (mark, *encode_rejection_headers(result), *original)
        if bytes_too:
            return Message(topics.rejected, record.key, record.value, told)
        return Message(topics.rejected, record.key, None, (*told, OMITTED))
    return None
