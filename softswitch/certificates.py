"""The certificate the switch shows over TLS: the files of `[sip.tls]`, or one of its own, made at the first start.

`app` asks for it before it listens; `softswitch check` looks at the files and uses none, at those of `[stir]` too. The
own one is self-signed: it encrypts, and whoever wants to know whom he talks to imports `tls/certificate.pem` of the
data directory.
"""

import datetime as dt
import ipaddress
import os
import ssl
from collections.abc import Iterable
from pathlib import Path

from softswitch.errors import ConfigError
from softswitch.settings import SipTlsSettings, StirSettings
from softswitch.sip.transport.tls import Tls, TlsSettings

FOLDER, CERTIFICATE_FILE, KEY_FILE = "tls", "certificate.pem", "key.pem"
VALID_DAYS = 3650
HELD = {
    "certificate": ("a certificate", b"CERTIFICATE-----"),
    "key": ("a private key", b"PRIVATE KEY-----"),
    "ca": ("certificates", b"CERTIFICATE-----"),
}
"""What each file holds, and how that begins."""
MINIMUM_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def open_tls(settings: SipTlsSettings, directory: Path, addresses: Iterable[str], file: str) -> Tls:
    """What the stack needs to speak TLS. Raises `ConfigError`, which calls the settings file `file`."""
    certificate, key = settings.certificate, settings.key
    if certificate is None or key is None:
        certificate, key = _own_certificate(directory / FOLDER, addresses, file)
    return _opened(settings, certificate, key, file)


def check_tls(settings: SipTlsSettings, directory: Path, file: str) -> None:
    """That the files can be used. Makes none: where none is there yet, the start will. Raises `ConfigError`."""
    certificate, key = settings.certificate, settings.key
    if certificate is None or key is None:
        certificate, key = directory / FOLDER / CERTIFICATE_FILE, directory / FOLDER / KEY_FILE
        if not (certificate.exists() and key.exists()):
            return
    _opened(settings, certificate, key, file)


def check_stir(settings: StirSettings, file: str) -> None:
    """That calls can be signed, and signatures judged, with the files of `[stir]`. Raises `ConfigError`."""
    from softswitch.stir.signing import Signer, read_certificates

    if settings.certificate is not None and settings.key is not None:
        Signer.load(settings.certificate, settings.key, settings.x5u, file=file)
    for path in settings.roots if settings.verify else ():
        read_certificates(path, file, "stir.roots")


def _opened(settings: SipTlsSettings, certificate: Path, key: Path, file: str) -> Tls:
    files = TlsSettings(
        certificate=certificate,
        key=key,
        ca=settings.ca,
        verify_client=settings.verify_client,
        verify_peer=settings.verify_peer,
        minimum_version=MINIMUM_VERSIONS[settings.minimum_version],
    )
    try:
        return Tls(files)
    except OSError as error:
        raise unusable_files(files, error, file) from None


def unusable_files(files: TlsSettings, error: OSError, file: str) -> ConfigError:
    """What is wrong with the files, in words that say which."""
    for key, path in (("certificate", files.certificate), ("key", files.key), ("ca", files.ca)):
        if path is not None and (problem := _unusable(path, HELD[key])):
            return ConfigError(file, f"sip.tls.{key}", f"{path} {problem}", f"a PEM file with {HELD[key][0]}")
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        problem = f"{files.key} is not the key of {files.certificate}"
        return ConfigError(file, "sip.tls.key", problem, "the private key the certificate was made for")
    problem = f"{files.certificate}, {files.key}{f', {files.ca}' if files.ca else ''}: {_words(error)}"
    accepted = "PEM files: a certificate with its chain, its private key without a password, roots"
    return ConfigError(file, "sip.tls", problem, accepted)


def _unusable(path: Path, held: tuple[str, bytes]) -> str:
    """What is wrong with a file that shall hold something, as far as its first lines tell."""
    words, mark = held
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if b"-----BEGIN " not in data:
        return "is no PEM file"
    if mark in data:
        return ""
    other = next((other for other, its in HELD.values() if its != mark and its in data), "something else")
    return f"holds {other} instead of {words}; are certificate and key swapped?"


def _words(error: OSError) -> str:
    """OpenSSL's own words, where it has any: some errors are known by a line of its source alone."""
    if isinstance(error, ssl.SSLError):
        return error.reason.replace("_", " ").lower() if error.reason else "OpenSSL can make nothing of them"
    return str(error.strerror or error)


def _own_certificate(folder: Path, addresses: Iterable[str], file: str) -> tuple[Path, Path]:
    """The one in the data directory; made where it is missing or has come to its end."""
    certificate, key = folder / CERTIFICATE_FILE, folder / KEY_FILE
    try:
        if not (certificate.exists() and key.exists() and _holds(certificate)):
            _make(folder, certificate, key, addresses)
    except (OSError, ValueError) as error:
        raise ConfigError(file, "sip.tls.certificate", f"none can be made in {folder}: {error}") from None
    return certificate, key


def _holds(certificate: Path) -> bool:
    from cryptography import x509  # only where TLS is spoken with a certificate of our own

    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    return made.not_valid_after_utc > dt.datetime.now(dt.UTC)


def _make(folder: Path, certificate: Path, key: Path, addresses: Iterable[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "softswitch")])
    known_as: list[x509.GeneralName] = [x509.DNSName("localhost")]
    known_as += [x509.IPAddress(ipaddress.ip_address(address)) for address in dict.fromkeys(addresses)]
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    folder.mkdir(parents=True, exist_ok=True)
    _write(key, private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    _write(certificate, made.public_bytes(encoding))


def _write(path: Path, data: bytes) -> None:
    """For this user's eyes alone, and whole or not at all."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    part.replace(path)
