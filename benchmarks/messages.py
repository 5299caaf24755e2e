"""The messages a softswitch sees all day, as bytes: what the parser is measured on."""

_SIPP_SDP = (
    "v=0\r\no=user1 53655765 2353687637 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
)
_PHONE_SDP = (
    "v=0\r\no=- 3914170131 3914170131 IN IP4 198.51.100.23\r\ns=softphone\r\nc=IN IP4 198.51.100.23\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 0 9 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)


def _message(head: str, body: str = "") -> bytes:
    lines = [*head.strip().splitlines(), f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


MESSAGES: dict[str, bytes] = {
    "INVITE of SIPp": _message(
        """INVITE sip:14155550123@198.51.100.7:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5061;branch=z9hG4bK-24611-1-0
From: sipp <sip:sipp@192.0.2.10:5061>;tag=24611SIPpTag001
To: service <sip:14155550123@198.51.100.7:5060>
Call-ID: 1-24611@192.0.2.10
CSeq: 1 INVITE
Contact: sip:sipp@192.0.2.10:5061
Max-Forwards: 70
Subject: Performance Test
Content-Type: application/sdp""",
        _SIPP_SDP,
    ),
    "INVITE of a softphone": _message(
        """INVITE sip:+14155550123@sip.example.com;user=phone SIP/2.0
Via: SIP/2.0/UDP 198.51.100.23:51234;rport;branch=z9hG4bKPj1b0f2e6cbb8a4d4e8a9c0f2f54ad1f0e
Max-Forwards: 70
From: "Alice Example" <sip:alice@sip.example.com>;tag=8f0c7d3a5e9b4f21
To: <sip:+14155550123@sip.example.com;user=phone>
Contact: "Alice Example" <sip:alice@198.51.100.23:51234;ob>
Call-ID: 5f6a9e1b7c3d4e8fa2b1c0d9e8f7a6b5
CSeq: 17842 INVITE
Route: <sip:proxy.example.com;lr>
Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS
Supported: replaces, 100rel, timer, norefersub
Session-Expires: 1800
Min-SE: 90
User-Agent: Softphone 4.2 (linux)
Content-Type: application/sdp""",
        _PHONE_SDP,
    ),
    "REGISTER": _message(
        """REGISTER sip:sip.example.com SIP/2.0
Via: SIP/2.0/UDP 198.51.100.23:51234;rport;branch=z9hG4bKPj77ab2e6cbb8a4d4e8a9c0f2f54ad1f0e
Max-Forwards: 70
From: <sip:alice@sip.example.com>;tag=77ab7d3a5e9b4f21
To: <sip:alice@sip.example.com>
Call-ID: 99aa9e1b7c3d4e8fa2b1c0d9e8f7a6b5
CSeq: 1842 REGISTER
User-Agent: Softphone 4.2 (linux)
Contact: <sip:alice@198.51.100.23:51234;ob>
Expires: 300
Authorization: Digest username="alice", realm="sip.example.com", nonce="AYx2kQAAAAE5v8", uri="sip:sip.example.com", \
response="6629fae49393a05397450978507c4ef1", algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001"""
    ),
    "BYE": _message(
        """BYE sip:14155550123@198.51.100.7:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5061;branch=z9hG4bK-24611-1-7
From: sipp <sip:sipp@192.0.2.10:5061>;tag=24611SIPpTag001
To: service <sip:14155550123@198.51.100.7:5060>;tag=d4c3b2a1
Call-ID: 1-24611@192.0.2.10
CSeq: 2 BYE
Contact: sip:sipp@192.0.2.10:5061
Max-Forwards: 70"""
    ),
    "200 with SDP": _message(
        """SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5061;branch=z9hG4bK-24611-1-0;received=192.0.2.10
From: sipp <sip:sipp@192.0.2.10:5061>;tag=24611SIPpTag001
To: service <sip:14155550123@198.51.100.7:5060>;tag=d4c3b2a1
Call-ID: 1-24611@192.0.2.10
CSeq: 1 INVITE
Contact: <sip:198.51.100.7:5060>
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK
Supported: 100rel, timer
Content-Type: application/sdp""",
        _SIPP_SDP,
    ),
}
"""What it is -> its bytes."""
