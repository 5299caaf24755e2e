"""Users' phones: where they are, whether they are who they say, and what they want to be told.

    binding         one contact: address, flow, and until when
    location        every contact of every user; calls ask it where to go
    contacts        what a REGISTER asks for, read whole before anything changes
    guard           digest for users, and what wrong passwords cost
    registrar       REGISTER (RFC 3261 §10)
    qualify         whether phones are still there: OPTIONS now and then
    keeping         what survives a restart
    subscriptions   message waiting, presence, lamps: SUBSCRIBE and NOTIFY (RFC 6665)
    dialogs         the calls of each user, for lamps
    documents       what subscribers are told, as text
    phones          all of it, wired: what `app` builds and the stack asks

Nothing here asks the database: what has to survive a restart is written behind.
"""

from softswitch.registrar.guard import Denied, Guard
from softswitch.registrar.location import Location
from softswitch.registrar.phones import PhoneMoved, Phones, SourceBanned

__all__ = ["Denied", "Guard", "Location", "PhoneMoved", "Phones", "SourceBanned"]
