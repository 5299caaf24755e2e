"""A pyVoIP phone that makes one call and ends: run by `peers.pyvoip_call`, never imported.

Arguments: switch host and port, own SIP port, own RTP port, number, digits, WAV to play, WAV to write, seconds.
Prints a JSON report as its last line. pyVoIP 1.6.8 wants a registrar and the switch has none for it, so the
registration is left out; everything from INVITE to BYE and the RTP is pyVoIP's own. Its audio is 8-bit unsigned.
"""

import json
import sys
import time
import wave

from pyVoIP.VoIP import CallState, VoIPPhone  # before pyVoIP.SIP, which needs it

from pyVoIP.SIP import SIPClient  # isort: skip

host, port, sip_port, rtp_port, number, digits, voice_path, heard_path, talk_s = sys.argv[1:]

SILENCE = 128


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
    try:
        call = phone.call(number)
        answer_s = wait_for_answer(call)
        time.sleep(0.3)
        press(call, digits)
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


def press(call, keys: str) -> None:
    """pyVoIP sends no DTMF of its own; INFO and RFC 4733 are others' work. Keys are played as tones (in-band)."""
    for key in keys:
        call.write_audio(tone(key))
        time.sleep(0.25)


def tone(key: str) -> bytes:
    from math import pi, sin

    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    row, column = divmod("123456789*0#".index(key), 3)
    low, high = rows[row] / 8000, columns[column] / 8000
    samples = (sin(2 * pi * low * n) + sin(2 * pi * high * n) for n in range(8 * 120))
    return bytes(int(SILENCE + 40 * sample) for sample in samples)


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
