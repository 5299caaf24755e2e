"""RTP and RTCP (RFC 3550) without a socket or a clock: packets, control packets, the accounts kept of a source."""
