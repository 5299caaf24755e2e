"""One binding: over which redirect number whose calls reach whom, for how long, and how they are put through.

    origination_did   wait_origination_did_ttl   whose calls
    a number          any                        that caller's
    none              none                       anybody's, each time
    none              seconds                    of whoever calls first: his number is fixed then, or the wait runs out

Times are POSIX seconds: a binding outlives the program.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

FOR_EVER = -1
DEFAULT_TTL_S = 3600
NO_NAME = "N/A"


@dataclass(slots=True, eq=False)
class Binding:
    """What a client asked for, and what calls have made of it. Only `Bindings` changes one that it holds."""

    sid: str
    redirect_did: str
    destination_did: str
    origination_did: str | None = None
    name: str = NO_NAME
    dtmf: str = ""
    maximum_ttl: int = DEFAULT_TTL_S
    wait_origination_did_ttl: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    last_caller: str | None = None
    """Of a binding for anybody: whom a reply reaches."""
    is_fixed: bool = False
    """Whether it is one of the number plan's."""

    @property
    def is_waiting(self) -> bool:
        """Whether the first caller is still to come."""
        return self.origination_did is None and self.wait_origination_did_ttl is not None

    @property
    def is_mortal(self) -> bool:
        """Whether its time runs out."""
        return self.maximum_ttl != FOR_EVER or self.is_waiting

    @property
    def expires_at(self) -> float:
        """When it ends; a binding that waits may end earlier."""
        ends_at = math.inf if self.maximum_ttl == FOR_EVER else self.created_at + self.maximum_ttl
        if self.origination_did is None and self.wait_origination_did_ttl is not None:
            return min(ends_at, self.created_at + self.wait_origination_did_ttl)
        return ends_at

    @property
    def replies_to(self) -> str | None:
        """Whom the destination reaches by calling the redirect number; None where nobody has called yet."""
        return self.origination_did or self.last_caller

    def is_like(self, other: "Binding") -> bool:
        """Whether both were asked for in the same words, wherever the redirect number came from."""
        return all(getattr(self, name) == getattr(other, name) for name in ASKED)


ASKED = (
    "destination_did",
    "origination_did",
    "name",
    "dtmf",
    "maximum_ttl",
    "wait_origination_did_ttl",
    "attributes",
)
"""What a client says of a binding beside the redirect number."""


class Route(NamedTuple):
    """Where a call to a redirect number goes."""

    binding: Binding
    number: str
    is_reply: bool
