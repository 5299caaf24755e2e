"""A carrier-grade voice platform: SIP in, an audio conference out, one command.

Read it in this order; each file imports only what is listed below it.

    __main__        the command line: serve, check, explain, apply, export, records, ladder, top, demo, gateway
    app             every part built once and wired; started upward, stopped downward
    api             every object has an address: REST, live events
    carriers        the far ends of calls out: who answers, what is spent, what is alarming, what is signed
    watching        what sees the calls and changes nothing: records, callbacks, ladder, metrics, capture
    switch          THE page to read first: what happens to a new call
    endpoints       where a call ends: the conference
    call            what people do in a call: leg, keys, events, record, outcome
    routing, store  who calls, whether it fits, where it leads, and why; the database, which has no logic
    plan, settings  what the configuration says
    stir            signatures of who calls whom
    sip             a SIP stack of its own; it knows nothing of calls
    media           RTP, rooms, players, recorders; it knows nothing of SIP

Words, one meaning each. message, transaction, dialog: as in RFC 3261. session: a SIP INVITE session. stream: a leg's
audio. leg: session and stream, one party. call: leg, story and outcome. endpoint: where a call ends, never a SIP UA.
trunk, trunk group, DID: how the PSTN reaches us. room, member: media. meeting room, meeting, attendee: the conference
product. packet: on the wire; payload: encoded audio; frame: 20 ms of samples. tick: one pass of the media process,
every 20 ms.
"""

__version__ = "0.1.0"
