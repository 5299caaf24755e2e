"""SIP over TLS (RFC 3261 §26.3.1, RFC 5922, RFC 5923): a TCP connection whose bytes go through a TLS machine.

`Tls` holds what one stack shows of itself and whom it believes; `TlsConnection` is a `Connection` with the machine
between it and the socket. The machine is OpenSSL's on two memory buffers, so that it runs on any transport of bytes,
the in-memory one too, and that a failed handshake is counted by its cause instead of vanishing in the event loop.

A connection serves both ways (RFC 5923): requests to the far end of one that it opened go back on it.
"""

import asyncio
import errno
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from softswitch.sip.peer import Transport
from softswitch.sip.transport.tcp import Connection, Owner

READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """`certificate` (with its chain) and `key` are PEM files; `ca` a PEM file of roots, the system's where None.

    `verify_client` asks whoever connects to us for a certificate of these roots; `verify_peer` takes only far ends that
    show one for the name or address we called.
    """

    certificate: Path
    key: Path
    ca: Path | None = None
    verify_client: bool = False
    verify_peer: bool = True
    minimum_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2


class Tls:
    """The two contexts of a stack. Raises `OSError` (`ssl.SSLError` is one) where a file is missing or no good."""

    def __init__(self, settings: TlsSettings) -> None:
        self.settings = settings
        self.server, self.client = _contexts(settings)

    def reload(self) -> None:
        """Read the files again, for the connections to come; those that stand are not touched. Raises `OSError`.

        A fault in any of the files leaves everything as it was.
        """
        self.server, self.client = _contexts(self.settings)


def _contexts(settings: TlsSettings) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (server, client):
        context.minimum_version = settings.minimum_version
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    server.verify_mode = ssl.CERT_REQUIRED if settings.verify_client else ssl.CERT_NONE
    client.check_hostname = settings.verify_peer
    client.verify_mode = ssl.CERT_REQUIRED if settings.verify_peer else ssl.CERT_NONE
    if settings.verify_client:
        _trust(server, settings.ca, ssl.Purpose.CLIENT_AUTH)
    if settings.verify_peer:
        _trust(client, settings.ca, ssl.Purpose.SERVER_AUTH)
    return server, client


def _trust(context: ssl.SSLContext, ca: Path | None, purpose: ssl.Purpose) -> None:
    if ca is None:
        context.load_default_certs(purpose)
    else:
        context.load_verify_locations(ca)


def _no_password() -> str:
    """OpenSSL would ask at the terminal for the password of an encrypted key."""
    raise OSError(errno.EINVAL, "the key needs a password, and nobody is there to type it")


class TlsConnection(Connection):
    """A connection that is made once the handshake is; `domain` is what a far end we called must prove to be.

    The owner hears nothing of it before that but `admits` and `dropped`.
    """

    transport = Transport.TLS

    def __init__(
        self,
        owner: Owner,
        now: Callable[[], float],
        context: ssl.SSLContext,
        *,
        handshake_timeout_s: float,
        calls: str | None = None,
        domain: str = "",
    ) -> None:
        """`calls` is the name or address that we call; None where the far end calls us."""
        super().__init__(owner, now, is_ours=calls is not None)
        self.domain = domain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        is_server = calls is None
        self._machine = context.wrap_bio(self._incoming, self._outgoing, server_side=is_server, server_hostname=calls)
        self._handshake_timeout_s = handshake_timeout_s
        self._deadline: asyncio.TimerHandle | None = None
        self._is_made = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(transport)
        if self._admitted():
            self._deadline = asyncio.get_running_loop().call_later(self._handshake_timeout_s, self._give_up)
            self._advance()

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        self._advance()

    def eof_received(self) -> None:
        self._incoming.write_eof()
        self._advance()

    def _advance(self) -> None:
        """Let the machine work on what came; what it wants to say goes out, whatever became of it."""
        try:
            if not self._is_made:
                self._shake_hands()
            if self._is_made:
                self._read()
        except ssl.SSLWantReadError:
            self._flush()
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            if not self._is_made:
                self._owner.dropped("tls_handshake_broken")
            self.close()
        except ssl.SSLError as error:
            self._flush()  # the alert that tells the far end
            self._fail("tls_broken" if self._is_made else _drop_name(error))

    def _shake_hands(self) -> None:
        self._machine.do_handshake()
        self._is_made = True
        self._flush()
        self._stop_waiting()
        self._owner.connected(self)

    def _read(self) -> None:
        """Raises `ssl.SSLWantReadError` when all is read, `ssl.SSLZeroReturnError` at the end of the stream."""
        while not self.is_closing:
            data = self._machine.read(READ_BYTES)
            if not data:
                raise ssl.SSLZeroReturnError
            self._take_in(data)

    def _write(self, data: bytes) -> None:
        if self._is_made:
            with suppress(ssl.SSLError):  # the far end has closed; the loop is about to tell
                self._machine.write(data)
            self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending:
            super()._write(self._outgoing.read())

    def _fail(self, drop: str) -> None:
        self._owner.dropped(drop)
        self.close()

    def _give_up(self) -> None:
        self._deadline = None
        self._owner.dropped("tls_handshake_timeout")
        self.abort()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def close(self) -> None:
        if self._is_made and not self.is_closing:
            with suppress(ssl.SSLError):
                self._machine.unwrap()  # says goodbye; the far end's is not waited for
            self._flush()
        super().close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)


def _drop_name(error: ssl.SSLError) -> str:
    """The counter of a failed handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls_certificate_refused"
    return "tls_handshake_failed"
