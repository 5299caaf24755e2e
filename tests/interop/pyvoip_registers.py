"""A pyVoIP phone that registers and answers one call: run by `test_registering`, never imported.

Arguments: switch host and port, own SIP port, own RTP port, user, password, WAV to write, seconds to wait for a call.
Prints a line of JSON once it is registered, and another one after the call.
"""

import json
import sys
import time
import wave

from pyVoIP.VoIP import CallState, PhoneStatus, VoIPPhone

host, port, sip_port, rtp_port, user, password, heard_path, wait_s = sys.argv[1:]
heard = bytearray()
calls = []


def answer(call) -> None:
    calls.append(call)
    call.answer()
    while call.state == CallState.ANSWERED:
        heard.extend(call.read_audio(160, blocking=False))
        time.sleep(0.018)


phone = VoIPPhone(
    host,
    int(port),
    user,
    password,
    myIP="127.0.0.1",
    sipPort=int(sip_port),
    rtpPortLow=int(rtp_port),
    rtpPortHigh=int(rtp_port) + 20,
    callCallback=answer,
)
phone.start()
try:
    ends_at = time.monotonic() + float(wait_s)
    while phone.get_status() != PhoneStatus.REGISTERED and time.monotonic() < ends_at:
        time.sleep(0.05)
    print(json.dumps({"status": phone.get_status().name}), flush=True)
    while time.monotonic() < ends_at and not (calls and calls[0].state == CallState.ENDED):
        time.sleep(0.05)
finally:
    phone.stop()
with wave.open(heard_path, "wb") as out:
    out.setparams((1, 1, 8000, 0, "NONE", ""))
    out.writeframes(bytes(heard))
print(json.dumps({"calls": len(calls)}), flush=True)
