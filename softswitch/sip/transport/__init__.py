"""Bytes in and out: UDP sockets, TCP and TLS connections, and the small interface a network in memory shares with them.

`network` names the interface and opens the real thing; `udp`, `tcp` and `tls` are the transports; `transports` holds
what is open and knows which way to send.
"""
