"""The Replaces header (RFC 3891): which dialog a new one takes the place of.

The tags are named as the recipient sees them: `to_tag` is the one it gave itself, `from_tag` that of its far end.
"""

from dataclasses import dataclass

from softswitch.errors import PeerError
from softswitch.sip.grammar import parse_params


@dataclass(frozen=True, slots=True)
class Replaces:
    """A dialog by its Call-ID and tags; with `early_only` it is meant only as long as it rings."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> "Replaces":
        """Raises `PeerError`."""
        call_id, semicolon, rest = text.strip().partition(";")
        params = parse_params(semicolon + rest)
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not call_id.strip() or not to_tag or not from_tag:
            raise PeerError("Replaces names no dialog")
        return cls(call_id.strip(), to_tag, from_tag, "early-only" in params)
