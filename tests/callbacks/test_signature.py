"""Signed callbacks: who knows the secret can tell ours from any other."""

import pytest

from softswitch.callbacks import sign, verify

NOW = 1_800_000_000
BODY = b'{"call_sid":"1"}'


def test_a_signature_is_what_any_other_program_computes_too() -> None:
    """`printf '1800000000.{"call_sid":"1"}' | openssl dgst -sha256 -hmac secret`"""
    digest = "7906cd155c8e5e9463ec4947327678b99728252ad7b30f1ec59ff116dac86c5f"
    assert sign("secret", BODY, NOW) == f"t={NOW},v1={digest}"


def test_the_receiver_takes_it() -> None:
    assert verify("secret", BODY, sign("secret", BODY, NOW), NOW + 10)


@pytest.mark.parametrize(
    ("secret", "body", "now"),
    [("other", BODY, NOW), ("secret", BODY + b" ", NOW), ("secret", BODY, NOW + 301), ("secret", BODY, NOW - 301)],
)
def test_another_secret_a_changed_body_and_an_old_one_are_refused(secret: str, body: bytes, now: int) -> None:
    assert not verify(secret, body, sign("secret", BODY, NOW), now)


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=x,v1=00", "v1=00", "t=1800000000", "nonsense"])
def test_a_header_of_another_shape_is_refused(header: str) -> None:
    assert not verify("secret", BODY, header, NOW)
