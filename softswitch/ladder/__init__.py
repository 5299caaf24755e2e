"""The ladder of a call: every SIP message, event, key, quality report and HTTP callback of it, in one picture.

Reading order: `ring` (what is kept, cheap), `packing` (how), `picture` (what is made of it when somebody asks),
`drawing` (how it looks on a terminal), `titles` (what one line says).
"""

from softswitch.ladder.picture import Entry, Picture
from softswitch.ladder.ring import Ladder

__all__ = ["Entry", "Ladder", "Picture"]
