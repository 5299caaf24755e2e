"""Where the switch is: what a person writes, the address it means, and which address of ours leads there."""

import asyncio
import socket

Address = tuple[str, int]


class NameNotFoundError(Exception):
    """A host name that leads to no address; the text is a sentence."""


def host_and_port(text: str, default_port: int) -> Address:
    """`127.0.0.1:5060`, `switch.example`, `[::1]:5060`, `:5060` as a pair. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(default_port)
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is no address (accepted: 127.0.0.1:5060, switch.example, [::1]:5060)")
    return host, int(port)


async def resolved(address: Address) -> Address:
    """The address with the host's name replaced by its IP address, IPv4 before IPv6. Raises NameNotFoundError."""
    host, port = address
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError):
        raise NameNotFoundError(f"The name {host} can't be resolved: no address is known for it.") from None
    known = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return str(known[0][4][0]), port


def local_host_towards(address: Address) -> str:
    """Our own IP address on the way to an IP address; nothing is sent. Raises OSError where no way leads there."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address[0], address[1] or 1))
        return str(probe.getsockname()[0])
