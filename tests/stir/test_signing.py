"""Our own certificate: what can't be used is refused at the start, in one sentence."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from softswitch.errors import ConfigError
from softswitch.stir import Signer
from softswitch.stir.passport import read_identity
from tests.stir.authority import DAY, NOW, X5U, Authority, certificate, files, name, new_key


def load(certificate: Path, key: Path) -> Signer:
    return Signer.load(certificate, key, X5U, file="softswitch.toml", now=NOW)


def test_what_it_signs_is_signed_by_the_certificate(tmp_path: Path) -> None:
    key, chain = Authority().provider()
    value = load(*files(tmp_path, key, chain)).identity("12025550101", "13105550123", "B", "origin", NOW.timestamp())
    identity = read_identity(value)
    assert identity.is_signed_by(key.public_key())
    assert (identity.passport.attest, identity.passport.orig, identity.passport.iat) == (
        *("B", "12025550101"),
        int(NOW.timestamp()),
    )


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    _, chain = Authority().provider()
    with pytest.raises(ConfigError, match=r"stir.key: .*sti.key is not the key of .*sti.pem"):
        load(*files(tmp_path, new_key(), chain))


def test_a_certificate_that_has_run_out_is_refused(tmp_path: Path) -> None:
    key, chain = Authority().provider(from_=NOW - 3 * DAY, until=NOW - DAY)
    with pytest.raises(ConfigError, match=r"stir.certificate: .*sti.pem is valid from 2026-01-28"):
        load(*files(tmp_path, key, chain))


def test_a_key_of_another_curve_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    made = certificate(name("x"), key, name("x"), key)
    with pytest.raises(ConfigError, match=r"sti.key is no key for ES256 .accepted: a P-256 key"):
        load(*files(tmp_path, key, [made]))


def test_files_that_are_not_there_or_something_else_are_refused(tmp_path: Path) -> None:
    key, chain = Authority().provider()
    certificate_file, key_file = files(tmp_path, key, chain)
    with pytest.raises(ConfigError, match=r"stir.certificate: /nowhere can't be read: No such file"):
        load(Path("/nowhere"), key_file)
    with pytest.raises(ConfigError, match=r"stir.certificate: .*sti.key has no certificate"):
        load(key_file, key_file)
    with pytest.raises(ConfigError, match=r"stir.key: .*sti.pem has no private key"):
        load(certificate_file, certificate_file)
