"""HTTP callbacks: the switch posts what happens to whoever has asked for it, in order, signed, until it is taken.

Reading order: `signature` and `backoff` (pure), `lane` (what goes to one URL in order), `sender` (all of them),
`post` (one HTTP attempt), `bodies` (which callbacks there are, and what they carry).
"""

from softswitch.callbacks.bodies import Owners, Reports
from softswitch.callbacks.lane import host_of
from softswitch.callbacks.sender import Callbacks, DeadLetters
from softswitch.callbacks.signature import sign, verify

__all__ = ["Callbacks", "DeadLetters", "Owners", "Reports", "host_of", "sign", "verify"]
