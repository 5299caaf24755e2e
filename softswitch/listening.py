"""Where the switch is heard: its sockets opened, and told in words where one can't be.

Every address and transport has the same port, but TLS its own. The composition root asks for what would fail later to
be refused first, and opens them last.
"""

import contextlib
import errno
import socket
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from softswitch.certificates import open_tls
from softswitch.errors import ConfigError
from softswitch.settings import SETTINGS_FILE, Settings
from softswitch.sip import Stack, Transport

PORTS_TRIED = 20
WILDCARDS = ("0.0.0.0", "::")


class Listeners:
    """The SIP sockets of one switch. `file` is what errors call the settings."""

    def __init__(self, settings: Settings, stack: Stack, file: str = SETTINGS_FILE) -> None:
        self.places: list[tuple[Transport, str, int]] = []
        """Where it is heard, once they are open."""
        self._settings, self._stack, self._file = settings, stack, file

    @property
    def address(self) -> tuple[str, int]:
        """Where to call it: host and port of the first."""
        _, host, port = self.places[0]
        return host, port

    def here(self, transport: Transport) -> tuple[str, int]:
        """Where it is heard over a transport."""
        return next(((host, port) for kind, host, port in self.places if kind is transport), self.address)

    def refuse_what_would_fail_later(self) -> None:
        """Audio sockets open with each call, recordings when a host presses a key: better to hear of it now."""
        address, recordings = self._settings.media.address, self._settings.data.recordings
        if not _is_ours(address):
            raise self._refused("media.address", f"{address} is no address of this machine", "one of its own addresses")
        if not _is_writable(recordings):
            raise self._refused("data.directory", f"{recordings} can't be written", "a folder that this user can write")

    async def open(self) -> None:
        """Every address and transport on the same port, but TLS on its own; also where 0 asks for any that is free."""
        sip = self._settings.sip
        port, tls_port = (given or _free_port(sip.addresses) for given in (sip.port, sip.tls.port))
        ports = {"udp": port, "tcp": port, "tls": tls_port}
        if "tls" in sip.transports:
            self._stack.tls = open_tls(sip.tls, self._settings.data.directory, self._names(), self._file)
        for address in sip.addresses:
            for transport in sip.transports:
                try:
                    host, port = await self._stack.listen(Transport[transport.upper()], address, ports[transport])
                except OSError as error:
                    raise self._can_not_listen(error, transport, address, ports[transport]) from None
                self.places.append((Transport[transport.upper()], host, port))

    def _names(self) -> list[str]:
        """The addresses we are called at, as far as the settings know."""
        sip = self._settings.sip
        return [address for address in (*sip.addresses, sip.advertised_address) if address and address not in WILDCARDS]

    def _can_not_listen(self, error: OSError, transport: str, address: str, port: int) -> ConfigError:
        place, key = f"{address} port {port} ({transport})", "sip.tls.port" if transport == "tls" else "sip.port"
        match error.errno:
            case errno.EADDRINUSE:
                problem = f"{place} is in use by another program: is a softswitch already running?"
                variable = f"SOFTSWITCH_{key.upper().replace('.', '__')}=5070"
                once = f"{variable} make run, or {variable} softswitch serve"
                accepted = f"another port, in the file or for once ({once}); 0 takes any that is free"
                return self._refused(key, problem, accepted)
            case errno.EACCES:
                return self._refused(key, f"{place} is not allowed to this user", "1024 to 65535")
            case errno.EADDRNOTAVAIL:
                problem = f"{address} is no address of this machine"
                return self._refused("sip.addresses", problem, "its own addresses, 0.0.0.0 or ::")
        return self._refused("sip.addresses", f"can't listen on {place}: {error.strerror}", "")

    def in_use(self) -> Iterator[ConfigError]:
        """What `open` would say, of a start that fails already."""
        sip = self._settings.sip
        for transport, address in product(sip.transports, sip.addresses):
            port = sip.tls.port if transport == "tls" else sip.port
            kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
                if kind is socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    yield self._can_not_listen(error, transport, address, port)

    def _refused(self, key: str, problem: str, accepted: str) -> ConfigError:
        return ConfigError(self._file, key, problem, accepted)


def _is_ours(address: str) -> bool:
    """Whether this machine has the address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in the folder, or the folder itself where it is not there yet."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False


def _free_port(addresses: tuple[str, ...]) -> int:
    """A port that is free on every address for both transports: the kernel's own choice looks at one of them alone."""
    for _ in range(PORTS_TRIED):
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            port = 0
            for address in addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    probe = probes.enter_context(socket.socket(family, kind))
                    probe.bind((address, port))
                    port = probe.getsockname()[1]
            return port
    return 0
