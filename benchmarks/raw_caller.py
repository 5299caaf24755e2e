"""A SIP caller of nothing but a socket and a clock, where SIPp's clock of 4 ms steps is too coarse.

`place` sends INVITEs at a steady rate and returns how long each waited for its 200, as the caller sees it. It answers
with ACK, and says BYE when the call has lasted `hold_s`. Nothing is sent again: what is lost stays lost.
"""

import heapq
import re
import select
import socket
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SDP = (
    "v=0\r\no=raw 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
)
REQUEST = (
    "{method} sip:{number}@{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{run}-{call}{method}\r\n"
    "From: <sip:raw@{me}>;tag={run}{call}\r\nTo: <sip:{number}@{host}:{port}>{tag}\r\nCall-ID: {call}@{run}.raw\r\n"
    "CSeq: {cseq} {method}\r\nContact: <sip:raw@{me}>\r\nMax-Forwards: 70\r\n{more}"
    "Content-Length: {length}\r\n\r\n{body}"
)
_STATUS = re.compile(rb"SIP/2\.0 (\d\d\d) ")
_CALL = re.compile(rb"\r\nCall-ID: (\d+)@[0-9a-f]+\.raw")
_TAG = re.compile(rb"\r\nTo: [^\r]*>(;[^\r]*)")
SETTLES_S = 2.0


@dataclass
class RawCaller:
    """One socket that calls `number` at `target`."""

    target: tuple[str, int]
    number: str
    rtp_port: int
    times_ms: list[float] = field(default_factory=list)
    failed: int = 0

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.connect(self.target)
        self._socket.setblocking(False)
        self._me = "{}:{}".format(*self._socket.getsockname())
        self._run = f"{time.time_ns():x}"
        self._sent_at: dict[int, float] = {}
        self._byes: list[tuple[float, int, str]] = []

    def place(self, calls: int, rate: float, hold_s: float) -> NDArray[np.float64]:
        """The set-up time of each call that was answered, in ms."""
        began_at = time.perf_counter()
        for call in range(1, calls + 1):
            self._listen_until(began_at + call / rate, hold_s)
            self._sent_at[call] = time.perf_counter()
            self._send("INVITE", call, 1, body=SDP.format(port=self.rtp_port))
        self._listen_until(time.perf_counter() + hold_s + SETTLES_S, hold_s)
        self._socket.close()
        return np.array(self.times_ms)

    def _listen_until(self, at: float, hold_s: float) -> None:
        while (left_s := at - time.perf_counter()) > 0:
            if self._byes:
                left_s = min(left_s, max(0.0, self._byes[0][0] - time.perf_counter()))
            if select.select([self._socket], (), (), left_s)[0]:
                self._hear(self._socket.recv(65535), time.perf_counter(), hold_s)
            while self._byes and self._byes[0][0] <= time.perf_counter():
                _, call, tag = heapq.heappop(self._byes)
                self._send("BYE", call, 2, tag)

    def _hear(self, data: bytes, now: float, hold_s: float) -> None:
        status, call = _STATUS.match(data), _CALL.search(data)
        if status is None or call is None or int(status[1]) < 200:
            return
        sent_at = self._sent_at.pop(int(call[1]), None)
        if sent_at is None:
            return
        tag = _TAG.search(data)
        if status[1] != b"200" or tag is None:
            self.failed += 1
            return
        self.times_ms.append(1000 * (now - sent_at))
        self._send("ACK", int(call[1]), 1, tag[1].decode())
        heapq.heappush(self._byes, (now + hold_s, int(call[1]), tag[1].decode()))

    def _send(self, method: str, call: int, cseq: int, tag: str = "", body: str = "") -> None:
        host, port = self.target
        more = "Content-Type: application/sdp\r\n" if body else ""
        text = REQUEST.format(
            method=method, number=self.number, host=host, port=port, me=self._me, run=self._run, call=call, cseq=cseq,
            tag=tag, more=more, length=len(body), body=body,
        )  # fmt: skip
        self._socket.send(text.encode())
