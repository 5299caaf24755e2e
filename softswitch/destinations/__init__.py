"""Where calls go that do not end here: to the phones of a user, to the PSTN, and wherever a forward leads.

`forwarding` says when a call goes on and where to; `destinations` runs calls to any of them, and to endpoints.
"""

from softswitch.destinations.destinations import Destinations, Phones

__all__ = ["Destinations", "Phones"]
