"""The certificate the switch shows: made once, kept, its own files checked before anybody calls."""

import ssl
import stat
from pathlib import Path
from typing import Any

import pytest

from softswitch.certificates import open_tls
from softswitch.errors import ConfigError
from softswitch.settings import SipTlsSettings
from tests.certificates import Authority


def opened(folder: Path, *addresses: str, **settings: Any) -> Any:
    return open_tls(SipTlsSettings(**settings), folder, addresses or ("127.0.0.1",), "softswitch.toml")


def problem_of(folder: Path, **settings: Any) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        opened(folder, **settings)
    return raised.value


def test_without_files_a_certificate_is_made_once_and_kept(tmp_path: Path) -> None:
    opened(tmp_path)
    made = (tmp_path / "tls/certificate.pem").read_bytes()
    opened(tmp_path)
    assert (tmp_path / "tls/certificate.pem").read_bytes() == made


def test_its_key_is_for_this_user_alone(tmp_path: Path) -> None:
    opened(tmp_path)
    assert stat.S_IMODE((tmp_path / "tls/key.pem").stat().st_mode) == 0o600


def test_who_trusts_it_finds_our_addresses_in_it(tmp_path: Path) -> None:
    opened(tmp_path, "127.0.0.1", "::1", "192.0.2.1")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "tls/certificate.pem"))
    [root] = trusting.get_ca_certs()
    assert set(root["subjectAltName"]) == {  # type: ignore[arg-type]
        ("DNS", "localhost"),
        ("IP Address", "127.0.0.1"),
        ("IP Address", "0:0:0:0:0:0:0:1"),
        ("IP Address", "192.0.2.1"),
    }


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("x.example")
    error = problem_of(tmp_path, certificate=tmp_path / "nowhere.pem", key=key)
    assert (error.key, error.problem) == (
        "sip.tls.certificate",
        f"{tmp_path / 'nowhere.pem'} can't be read: No such file or directory",
    )
    error = problem_of(tmp_path, certificate=certificate, key=key, ca=tmp_path / "no.pem", verify_peer=True)
    assert error.key == "sip.tls.ca"


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (certificate, _), (_, key) = authority.issue("x.example"), authority.issue("y.example")
    error = problem_of(tmp_path, certificate=certificate, key=key)
    assert (error.key, error.problem) == ("sip.tls.key", f"{key} is not the key of {certificate}")


def test_swapped_certificate_and_key_are_told_in_a_sentence_and_not_in_a_line_of_openssl(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("x.example")
    error = problem_of(tmp_path, certificate=key, key=certificate)
    assert error.key == "sip.tls.certificate"
    wanted = f"{key} holds a private key instead of a certificate; are certificate and key swapped?"
    assert error.problem == wanted
    assert problem_of(tmp_path, certificate=certificate, key=certificate).key == "sip.tls.key"


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("x.example")
    certificate.write_bytes(b"\x30\x82\x01")
    assert problem_of(tmp_path, certificate=certificate, key=key).problem == f"{certificate} is no PEM file"


def test_a_broken_certificate_is_told(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("x.example")
    certificate.write_bytes(certificate.read_bytes()[:200])
    assert problem_of(tmp_path, certificate=certificate, key=key).key == "sip.tls"


def test_an_encrypted_key_is_refused_instead_of_asking_the_terminal(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    certificate, key = Authority(tmp_path).issue("x.example")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    error = problem_of(tmp_path, certificate=certificate, key=key)
    assert "password" in error.problem
