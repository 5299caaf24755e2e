"""G.711 μ-law and A-law as lookup tables; the tick decodes and encodes all rows with one `np.take` each.

Samples are 16-bit linear, left-justified as in the ITU-T software tool library (G.191): μ-law uses the upper 14 bits of
a sample, A-law the upper 13. Negative samples are encoded by their one's complement, as G.191 does, so every decision
value falls on the side that the Recommendation's reference code puts it. Tables are read-only; an index can never be
out of range, which is why every lookup says `mode="clip"` (the default would buffer `out`).
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Payload = NDArray[np.uint8]

SILENCE_U = 0xFF  # the payload bytes that decode to 0 (μ-law) and to +8, the smallest step (A-law)
SILENCE_A = 0xD5

_BIAS = 33  # μ-law adds 33 to a 14-bit magnitude, so that every segment starts at a power of two
_CLIP = 8191


def decode(table: Samples, payload: Payload, out: Samples) -> None:
    """Expand `payload` (any shape) into `out` (the same shape) by `DECODE_U` or `DECODE_A`."""
    np.take(table, payload, out=out, mode="clip")


def encode(table: Payload, samples: Samples, out: Payload) -> None:
    """Compress `samples` (any shape, contiguous last axis) into `out` (the same shape) by `ENCODE_U` or `ENCODE_A`."""
    np.take(table, samples.view(np.uint16), out=out, mode="clip")


def _expand_u() -> Samples:
    code = ~np.arange(256, dtype=np.uint8) & 0xFF
    mantissa, segment = (code & 0x0F).astype(np.int32), (code >> 4 & 7).astype(np.int32)
    magnitude = ((2 * mantissa + _BIAS) << segment) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16) * np.int16(4)


def _expand_a() -> Samples:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    mantissa, segment = (code & 0x0F).astype(np.int32), (code >> 4 & 7).astype(np.int32)
    magnitude = np.where(segment == 0, 2 * mantissa + 1, (2 * mantissa + _BIAS) << np.maximum(segment - 1, 0)) * 8
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _compress_u() -> Payload:
    sample = _all_samples()
    magnitude = np.minimum((_ones_complement(sample) >> 2) + _BIAS, _CLIP)
    segment = _bit_length(magnitude) - 6
    code = segment << 4 | magnitude >> (segment + 1) & 0x0F
    octet: Payload = (~np.where(sample < 0, code | 0x80, code) & 0xFF).astype(np.uint8)
    return octet


def _compress_a() -> Payload:
    sample = _all_samples()
    magnitude = _ones_complement(sample) >> 4
    segment = np.maximum(_bit_length(magnitude) - 4, 0)
    code = segment << 4 | magnitude >> np.maximum(segment - 1, 0) & 0x0F
    octet: Payload = (np.where(sample < 0, code, code | 0x80) ^ 0x55).astype(np.uint8)
    return octet


def _all_samples() -> NDArray[np.int32]:
    """Every 16-bit sample, in the order of its unsigned reading (the index of the encoding tables)."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _ones_complement(sample: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.where(sample < 0, ~sample, sample)


def _bit_length(value: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.frexp(value.astype(np.float64))[1].astype(np.int32)


DECODE_U = _expand_u()
DECODE_A = _expand_a()
ENCODE_U = _compress_u()
ENCODE_A = _compress_a()
U_TO_A: Payload = ENCODE_A[DECODE_U.view(np.uint16)]  # transcoding byte for byte, through linear
A_TO_U: Payload = ENCODE_U[DECODE_A.view(np.uint16)]

for _table in (DECODE_U, DECODE_A, ENCODE_U, ENCODE_A, U_TO_A, A_TO_U):
    _table.flags.writeable = False
