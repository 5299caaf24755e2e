"""G.711 tables against a bitwise reading of the Recommendation, for every input there is."""

import numpy as np
import pytest

from media.codecs import g711


def mu_law_expand(code: int) -> int:
    """One octet, bit by bit (G.711 §3.2: all bits are inverted on the line)."""
    code = ~code & 0xFF
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = ((step << 1) + 33 << segment) - 33
    return -4 * magnitude if code & 0x80 else 4 * magnitude


def mu_law_compress(sample: int) -> int:
    """Search the segment upwards from the lowest, as the G.191 reference does."""
    magnitude = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
    segment, scan = 0, magnitude >> 6
    while scan:
        segment += 1
        scan >>= 1
    code = (7 - segment) << 4 | 0x0F - (magnitude >> segment + 1 & 0x0F)
    return code if sample < 0 else code | 0x80


def a_law_expand(octet: int) -> int:
    """One octet, bit by bit (G.711 §3.1: even bits are inverted on the line)."""
    code = octet ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    if exponent:
        mantissa += 16
    value = (mantissa << 4) + 8
    if exponent > 1:
        value <<= exponent - 1
    return value if code & 0x80 else -value


def a_law_compress(sample: int) -> int:
    magnitude = (~sample if sample < 0 else sample) >> 4
    if magnitude > 15:
        exponent = 1
        while magnitude > 31:
            magnitude >>= 1
            exponent += 1
        magnitude += (exponent << 4) - 16
    return (magnitude if sample < 0 else magnitude | 0x80) ^ 0x55


SAMPLES = range(-32768, 32768)


@pytest.mark.parametrize(
    ("table", "expand"), [(g711.DECODE_U, mu_law_expand), (g711.DECODE_A, a_law_expand)], ids=["mu", "a"]
)
def test_every_octet_expands_as_the_recommendation_says(table, expand):
    assert table.tolist() == [expand(octet) for octet in range(256)]


@pytest.mark.parametrize(
    ("table", "compress"), [(g711.ENCODE_U, mu_law_compress), (g711.ENCODE_A, a_law_compress)], ids=["mu", "a"]
)
def test_every_sample_compresses_as_the_recommendation_says(table, compress):
    assert [table[sample & 0xFFFF] for sample in SAMPLES] == [compress(sample) for sample in SAMPLES]


@pytest.mark.parametrize(
    ("decode", "encode"), [(g711.DECODE_U, g711.ENCODE_U), (g711.DECODE_A, g711.ENCODE_A)], ids=["mu", "a"]
)
def test_what_was_decoded_encodes_to_the_same_sound(decode, encode):
    assert decode[encode[decode.view(np.uint16)]].tolist() == decode.tolist()


def test_compression_never_loses_the_order_of_samples():
    ordered = np.arange(-32768, 32768).astype(np.int16).view(np.uint16)
    for decode, encode in ((g711.DECODE_U, g711.ENCODE_U), (g711.DECODE_A, g711.ENCODE_A)):
        assert (np.diff(decode[encode[ordered]].astype(int)) >= 0).all()


def test_transcoding_is_decoding_and_encoding():
    assert g711.U_TO_A.tolist() == [a_law_compress(mu_law_expand(octet)) for octet in range(256)]
    assert g711.A_TO_U.tolist() == [mu_law_compress(a_law_expand(octet)) for octet in range(256)]


def test_silence_is_the_smallest_step():
    assert g711.DECODE_U[g711.SILENCE_U] == 0
    assert g711.DECODE_A[g711.SILENCE_A] == min(abs(g711.DECODE_A.astype(int)))


def test_rows_are_coded_in_place():
    samples = np.random.default_rng(1).integers(-32768, 32768, (7, 160)).astype(np.int16)
    payload, heard = np.empty((7, 160), np.uint8), np.empty((7, 160), np.int16)
    g711.encode(g711.ENCODE_U, samples, payload)
    g711.decode(g711.DECODE_U, payload, heard)
    error = np.abs(heard.astype(int) - samples)
    assert (error <= np.maximum(8, np.abs(samples.astype(int)) // 16)).all()
    assert not g711.DECODE_U.flags.writeable
