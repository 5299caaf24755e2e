"""RTP and RTCP (RFC 3550) without a socket or a clock: the packet, the control packets, the book-keeping of a source."""
