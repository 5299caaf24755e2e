"""The statement and its wire forms: what is signed is read back, and anything else is refused in words."""

import base64
import contextlib
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.stir.passport import Passport, read_identity
from tests.stir.authority import X5U, new_key

KEY = new_key()
SHAKEN = Passport("12025550101", ("13105550123",), 1_769_852_700, X5U, "A", "0f5c1e0e-6d3c-4f2e-8a51-8a2f4d4c9a11")


def part(value: str, number: int) -> dict[str, object]:
    text = value.partition(";")[0].split(".")[number]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def test_a_statement_is_read_back_as_it_was_signed() -> None:
    identity = read_identity(SHAKEN.signed(KEY))
    assert identity.passport == SHAKEN
    assert identity.is_signed_by(KEY.public_key())
    assert not identity.is_signed_by(new_key().public_key())


def test_the_wire_form_is_that_of_rfc_8588() -> None:
    value = SHAKEN.signed(KEY)
    assert value.endswith(f';info=<{X5U}>;alg=ES256;ppt="shaken"')
    assert part(value, 0) == {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": X5U}
    text = base64.urlsafe_b64decode(value.split(".")[1] + "==")
    assert text == (
        b'{"attest":"A","dest":{"tn":["13105550123"]},"iat":1769852700,"orig":{"tn":"12025550101"},'
        b'"origid":"0f5c1e0e-6d3c-4f2e-8a51-8a2f4d4c9a11"}'
    )


def test_another_implementation_of_jws_accepts_the_signature() -> None:
    token = SHAKEN.signed(KEY).partition(";")[0]
    claims = jwt.decode(token, KEY.public_key(), algorithms=["ES256"], options={"verify_iat": False})
    assert claims["attest"] == "A"


def test_the_compact_form_is_completed_from_the_message() -> None:
    plain = Passport("12025550101", ("13105550123",), 1_769_852_700, X5U)
    token, _, params = plain.signed(KEY).partition(";")
    compact = read_identity(f"..{token.split('.')[2]};{params}")
    assert compact.is_compact
    assert compact.completed("12025550101", "13105550123", 1_769_852_700).is_signed_by(KEY.public_key())
    assert not compact.completed("12025550102", "13105550123", 1_769_852_700).is_signed_by(KEY.public_key())


def test_shaken_is_never_compact() -> None:
    token, _, params = SHAKEN.signed(KEY).partition(";")
    with pytest.raises(PeerError, match="compact"):
        read_identity(f"..{token.split('.')[2]};{params}")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "ES256"),
        ("a.b;info=<x>", "ES256"),
        (SHAKEN.signed(KEY).replace("alg=ES256", "alg=RS256"), "ES256"),
        (SHAKEN.signed(KEY).replace(X5U, "https://elsewhere.example/c.pem"), "info is not x5u"),
        (SHAKEN.signed(KEY) + ";=", "parameters"),
        ("!." + SHAKEN.signed(KEY).split(".", 1)[1], "base64"),
        ("e30." + SHAKEN.signed(KEY).split(".", 1)[1], "without its claims"),
        ("W10." + SHAKEN.signed(KEY).split(".", 1)[1], "no JSON object"),
        ("x" * 9000, "too long"),
    ],
)
def test_what_is_no_statement_is_refused_in_words(value: str, why: str) -> None:
    with pytest.raises(PeerError, match=why):
        read_identity(value)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{86}(;.*)?"))
def test_any_text_is_a_statement_or_refused(value: str) -> None:
    with contextlib.suppress(PeerError):
        assert read_identity(value).signature
