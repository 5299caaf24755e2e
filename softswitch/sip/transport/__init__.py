"""Bytes in and out: UDP sockets, TCP connections, and the small interface an in-memory network shares with them.

`network` names the interface and opens the real thing; `udp` and `tcp` are the two transports; `transports` holds what
is open and knows which way to send.
"""
