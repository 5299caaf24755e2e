"""What is open: listening sockets and connections; which of them a message leaves by (RFC 3261 §18).

The stack gets `receive(data, peer)` for each message and `lost(peer)` when something could not be delivered; it calls
`send(data, peer)`, which never waits: what needs a new connection is kept until it stands or fails.
"""

import asyncio
import errno
from collections import Counter
from collections.abc import Callable, Collection
from functools import lru_cache, partial

from softswitch.errors import PeerError
from softswitch.sip.peer import Peer, Transport, udp_peer
from softswitch.sip.transport.admission import Admission, StreamLimits
from softswitch.sip.transport.network import Datagrams, Listener, Network, local_host_towards
from softswitch.sip.transport.tcp import Connection
from softswitch.sip.transport.tls import Tls, TlsConnection

WILDCARDS = ("0.0.0.0", "::")
MOST_KEPT_BYTES = 256 * 1024
ADVERTISED_KEPT = 4096
"""Far ends whose side of this machine is remembered: any number of them may only pretend to be there."""


class Transports:
    """All sockets of one stack."""

    def __init__(
        self,
        network: Network,
        limits: StreamLimits,
        receive: Callable[[bytes, Peer], None],
        refuse: Callable[[bytes, Peer, PeerError], None],
        lost: Callable[[Peer], None],
        drops: Counter[str],
        tls: Tls | None = None,
    ) -> None:
        self._network, self._limits, self.tls = network, limits, tls
        self._receive, self._refuse, self._lost = receive, refuse, lost
        self._drops = drops
        self._datagrams: dict[int, Datagrams] = {}
        self._listeners: list[tuple[Transport, Listener]] = []
        self._connections: dict[Peer, Connection] = {}
        self._connecting: dict[Peer, list[bytes]] = {}
        self._admission = Admission(limits)
        self._attempts: dict[Peer, asyncio.Task[None]] = {}
        self._idle_check: asyncio.TimerHandle | None = None
        self.needed: Callable[[Collection[Peer]], Collection[Peer]] = frozenset
        """Of the far ends of some connections those that have something here: their keep-alives keep them."""
        self._host_of_ours = lru_cache(ADVERTISED_KEPT)(local_host_towards)

    # --- opening and closing ----------------------------------------------------------------------------------------

    async def listen(self, transport: Transport, host: str, port: int) -> tuple[str, int]:
        """Open a socket; port 0 takes a free one. Returns what it is bound to. Raises `OSError`."""
        if transport is Transport.TLS and self.tls is None:
            raise OSError(errno.EPROTONOSUPPORT, "a stack without a certificate speaks no TLS")
        if transport is not Transport.UDP:
            listener = await self._network.listen_stream(host, port, partial(self._accept, transport))
            self._listeners.append((transport, listener))
            return listener.address
        local_port: list[int] = []
        socket = await self._network.open_datagrams(
            host,
            port,
            lambda data, source, source_port: self._receive(data, udp_peer(source, source_port, local_port[0])),
            lambda target, target_port: self._lost(udp_peer(target, target_port, local_port[0])),
        )
        local_port.append(socket.address[1])
        self._datagrams[socket.address[1]] = socket
        return socket.address

    async def close(self) -> None:
        for attempt in self._attempts.values():
            attempt.cancel()
        await asyncio.gather(*self._attempts.values(), return_exceptions=True)
        if self._idle_check is not None:
            self._idle_check.cancel()
        for listening in (*self._datagrams.values(), *(listener for _, listener in self._listeners)):
            listening.close()
        for connection in (*self._connections.values(), *self._admission.shaking):
            connection.close()
        self._datagrams.clear()
        self._listeners.clear()
        await asyncio.sleep(0)  # connections end in the next pass of the loop

    def is_behind(self, now: float, longer_than_s: float) -> bool:
        """Whether a UDP socket has had more waiting than could be read for longer than that."""
        for socket in self._datagrams.values():
            if socket.behind_since is not None and now - socket.behind_since > longer_than_s:
                return True
        return False

    # --- where we are -----------------------------------------------------------------------------------------------

    def is_open(self, transport: Transport) -> bool:
        if transport is Transport.UDP:
            return bool(self._datagrams)
        return any(transport is listening for listening, _ in self._listeners)

    def local_address(self, peer: Peer) -> tuple[str, int]:
        """What Via and Contact say of us to this peer: the listening address of that transport and address family."""
        host, port = self._listening_address(peer)
        return (self._host_towards(peer.host) if host in WILDCARDS else host), port

    def _listening_address(self, peer: Peer) -> tuple[str, int]:
        if peer.transport is Transport.UDP:
            socket = self._socket_for(peer)
            return socket.address if socket is not None else ("0.0.0.0", 5060)
        for transport, listener in self._listeners:
            if transport is peer.transport and (":" in listener.address[0]) == (":" in peer.host):
                return listener.address
        connection = self._connections.get(self._key(peer))
        return connection.local if connection is not None else ("0.0.0.0", peer.transport.default_port)

    def _host_towards(self, host: str) -> str:
        try:
            return self._host_of_ours(host)
        except OSError:
            return "127.0.0.1"

    def _socket_for(self, peer: Peer) -> Datagrams | None:
        socket = self._datagrams.get(peer.local_port)
        if socket is not None:
            return socket
        is_v6 = ":" in peer.host
        return next((socket for socket in self._datagrams.values() if (":" in socket.address[0]) == is_v6), None)

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(self, data: bytes, peer: Peer) -> None:
        if peer.transport is Transport.UDP:
            socket = self._socket_for(peer)
            if socket is not None:
                socket.send(data, peer.host, peer.port)
            else:
                self._lose_soon(peer)
        else:
            self._send_on_stream(data, peer)

    def is_connected(self, peer: Peer) -> bool:
        return self._key(peer) in self._connections

    def _key(self, peer: Peer) -> Peer:
        """What a connection is found by: whoever proved to be one domain is not thereby another on the same address."""
        is_proven = self.tls is not None and self.tls.settings.verify_peer
        return Peer(peer.transport, peer.host, peer.port, domain=peer.domain if is_proven else "")

    def _send_on_stream(self, data: bytes, peer: Peer) -> None:
        key = self._key(peer)
        connection = self._connections.get(key)
        if connection is not None:
            connection.send(data)
        elif key in self._connecting:
            kept = self._connecting[key]
            if sum(map(len, kept)) + len(data) > MOST_KEPT_BYTES:
                self._drops["connecting_full"] += 1
            else:
                kept.append(data)
        else:
            self._begin_to_connect(peer, [data])

    async def reach(self, peer: Peer) -> bool:
        """Whether a connection to this peer stands, or can be made; nothing is sent over it."""
        key = self._key(peer)
        if key not in self._connections and key not in self._connecting:
            self._begin_to_connect(peer, [])
        if key in self._attempts:
            await asyncio.wait([self._attempts[key]])
        return key in self._connections

    def _begin_to_connect(self, peer: Peer, waiting: list[bytes]) -> None:
        key = self._key(peer)
        if len(self._admission) + len(self._connecting) >= self._limits.connections:
            self._drops["too_many_connections"] += 1
            self._lose_soon(peer)
        elif peer.transport is Transport.TLS and self.tls is None:
            self._drops["no_tls"] += 1
            self._lose_soon(peer)
        else:
            self._connecting[key] = waiting
            attempt = self._attempts[key] = asyncio.get_running_loop().create_task(self._connect(peer))
            attempt.add_done_callback(partial(self._attempt_over, key))

    def _attempt_over(self, key: Peer, attempt: asyncio.Task[None]) -> None:
        if self._attempts.get(key) is attempt:
            del self._attempts[key]

    async def _connect(self, peer: Peer) -> None:
        local_host = self._listening_address(peer)[0]
        try:
            async with asyncio.timeout(self._limits.connect_timeout_s):
                await self._network.connect_stream(
                    peer.host,
                    peer.port,
                    partial(self._new_connection, peer),
                    "" if local_host in WILDCARDS else local_host,
                )
        except (OSError, TimeoutError):
            if not _only_asks(self._connecting.get(self._key(peer), [])):
                self._drops["connect_failed"] += 1
            self._fail(peer)

    def _fail(self, peer: Peer) -> None:
        """What waited for a connection is lost."""
        self._connecting.pop(self._key(peer), None)
        self._lost(peer)

    def _lose_soon(self, peer: Peer) -> None:
        asyncio.get_running_loop().call_soon(self._lost, peer)

    # --- connections (the Owner of tcp.Connection) ------------------------------------------------------------------

    def _accept(self, transport: Transport) -> Connection:
        now, limit_s = asyncio.get_running_loop().time, self._limits.handshake_timeout_s
        if transport is Transport.TLS and self.tls is not None:
            return TlsConnection(self, now, self.tls.server, handshake_timeout_s=limit_s)
        return Connection(self, now)

    def _new_connection(self, peer: Peer) -> Connection:
        now, limit_s = asyncio.get_running_loop().time, self._limits.handshake_timeout_s
        if peer.transport is Transport.TLS and self.tls is not None:
            name, domain = peer.domain or peer.host, self._key(peer).domain
            return TlsConnection(self, now, self.tls.client, handshake_timeout_s=limit_s, calls=name, domain=domain)
        return Connection(self, now, is_ours=True)

    def admits(self, connection: Connection) -> bool:
        refusal = self._admission.refusal(connection)
        if refusal:
            self._drops[refusal] += 1
            self._fail(connection.peer)
            return False
        self._admission.enter(connection)
        return True

    def connected(self, connection: Connection) -> None:
        key = self._key(connection.peer)
        self._admission.shaken(connection)
        self._connections[key] = connection
        for data in self._connecting.pop(key, ()):
            connection.send(data)
        self._watch_for_idle()

    def received(self, connection: Connection, data: bytes) -> None:
        self._receive(data, connection.peer)

    def unframed(self, connection: Connection, refused: bytes, error: PeerError) -> None:
        self._refuse(refused, connection.peer, error)

    def disconnected(self, connection: Connection) -> None:
        peer = connection.peer
        was_shaking = self._admission.shaken(connection)
        self._admission.leave(connection)
        if was_shaking:
            self._fail(peer)
        elif self._connections.get(self._key(peer)) is connection:
            del self._connections[self._key(peer)]
            self._lost(peer)

    def dropped(self, name: str) -> None:
        self._drops[name] += 1

    def _watch_for_idle(self) -> None:
        if self._idle_check is None:
            loop, limits = asyncio.get_running_loop(), self._limits
            after_s = min(limits.idle_s, limits.first_message_s) / 2
            self._idle_check = loop.call_later(after_s, partial(self._close_idle, loop))

    def _close_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing goes either way, or only keep-alives of somebody of whom there is nothing else here."""
        self._idle_check = None
        now, limits = loop.time(), self._limits
        quiet = {peer: one for peer, one in self._connections.items() if now - one.spoken_at >= limits.idle_s}
        needed = self.needed(quiet.keys()) if quiet else frozenset()
        for peer, connection in list(self._connections.items()):
            if (
                not (connection.has_spoken or connection.is_ours)
                and now - connection.spoken_at >= limits.first_message_s
            ):
                self._drops["silent_connection"] += 1
                connection.close()
            elif peer in quiet and (peer not in needed or now - connection.used_at >= limits.idle_s):
                self._drops["idle_connection"] += 1
                connection.close()
        if self._connections:
            self._watch_for_idle()


def _only_asks(kept: list[bytes]) -> bool:
    """Whether nothing but OPTIONS of ours waited for a connection: that nobody is there is their answer, no loss."""
    return all(data.startswith(b"OPTIONS ") for data in kept)
