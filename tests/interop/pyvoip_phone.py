"""A pyVoIP phone that makes one call and ends: run by `peers.pyvoip_call`, never imported.

Arguments: switch host and port, own SIP port, own RTP port, number, WAV to play, WAV to write, seconds.
Prints a JSON report as its last line. pyVoIP 1.6.8 wants a registrar and the switch has none for it, so the
registration is left out; everything from INVITE to BYE and the RTP is pyVoIP's own. Its audio is 8-bit unsigned.
"""

import json
import sys
import time
import wave

from pyVoIP.VoIP import CallState, VoIPPhone  # before pyVoIP.SIP, which needs it

from pyVoIP.SIP import SIPClient  # isort: skip

host, port, sip_port, rtp_port, number, voice_path, heard_path, talk_s = sys.argv[1:]

SILENCE = 128


class ProvisionalFirst:
    """pyVoIP's socket. A 200 that comes before any 1xx hangs its `invite` for ever, so it is shown a 100 before."""

    def __init__(self, sip_socket) -> None:
        self._socket, self._kept, self._has_shown = sip_socket, b"", False

    def __getattr__(self, name: str):
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        data, self._kept = self._kept or self._socket.recv(size), b""
        if data.startswith(b"SIP/2.0 200") and b"CSeq: 1 INVITE" in data and not self._has_shown:
            self._kept, self._has_shown = data, True
            return data.replace(b"200 OK", b"100 Trying", 1)
        return data


def main() -> None:
    phone = VoIPPhone(
        host,
        int(port),
        "13105550177",
        "",
        myIP="127.0.0.1",
        sipPort=int(sip_port),
        rtpPortLow=int(rtp_port),
        rtpPortHigh=int(rtp_port) + 20,
    )
    SIPClient.register = lambda self: True
    SIPClient.deregister = lambda self: True
    phone.start()
    phone.sip.s = phone.sip.out = ProvisionalFirst(phone.sip.s)
    try:
        call = phone.call(number)
        answer_s = wait_for_answer(call)
        heard = talk(call, read_voice(voice_path), float(talk_s))
        state = call.state.name
        call.hangup()
        time.sleep(0.3)
    finally:
        phone.stop()
    write_heard(heard_path, heard)
    print(json.dumps({"state": state, "answer_s": answer_s, "heard_bytes": len(heard)}))


def wait_for_answer(call) -> float:
    began = time.monotonic()
    while call.state != CallState.ANSWERED:
        if call.state == CallState.ENDED or time.monotonic() > began + 10:
            sys.exit(f"not answered: {call.state}")
        time.sleep(0.02)
    return time.monotonic() - began


def talk(call, voice: bytes, seconds: float) -> bytes:
    call.write_audio(voice)
    heard = bytearray()
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at and call.state == CallState.ANSWERED:
        heard += call.read_audio(160, blocking=False)
        time.sleep(0.018)
    return bytes(heard)


def read_voice(path: str) -> bytes:
    with wave.open(path) as voice:
        words = memoryview(voice.readframes(voice.getnframes())).cast("h")
    return bytes((sample >> 8) + SILENCE for sample in words)


def write_heard(path: str, heard: bytes) -> None:
    with wave.open(path, "wb") as out:
        out.setparams((1, 1, 8000, 0, "NONE", ""))
        out.writeframes(heard)


main()
