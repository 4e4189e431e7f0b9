"""The wire forms of what travels through Kafka, each with the schema it was written in. Pure."""

from tallywire.wire.envelope import decode_scan, encode_scan_headers
from tallywire.wire.messages import (
    GENERATION_HEADER,
    MOST_JSON_BYTES,
    SCHEMA,
    WireError,
    canonical,
    decode,
    encode,
    encode_rejection_headers,
)

__all__ = [
    "GENERATION_HEADER",
    "MOST_JSON_BYTES",
    "SCHEMA",
    "WireError",
    "canonical",
    "decode",
    "decode_scan",
    "encode",
    "encode_rejection_headers",
    "encode_scan_headers",
]
