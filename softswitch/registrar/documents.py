"""What subscribers are told: message-summary (RFC 3842), PIDF (RFC 3863), dialog-info (RFC 4235). Pure text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from softswitch.registrar.dialogs import Line
from softswitch.sip.uri import escape_user

MESSAGE_SUMMARY = "application/simple-message-summary"
PIDF = "application/pidf+xml"
DIALOG_INFO = "application/dialog-info+xml"

_PIDF = """\
<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity={entity}>
<tuple id="phone"><status><basic>{basic}</basic></status><contact>{contact}</contact></tuple>{note}
</presence>
"""
_DIALOG_INFO = """\
<?xml version="1.0" encoding="UTF-8"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full" entity={entity}>
{dialogs}</dialog-info>
"""
_DIALOG = """\
<dialog id={id} direction="{direction}"><state>{state}</state>\
<remote><identity>{remote}</identity></remote></dialog>
"""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """How many voice messages wait: those not heard yet, and those heard."""

    new: int = 0
    old: int = 0
    new_urgent: int = 0
    old_urgent: int = 0


MailboxOf = Callable[[str], Mailbox]


def message_summary(account: str, mailbox: Mailbox) -> bytes:
    """`account` is the URI that listens to the messages."""
    waiting = "yes" if mailbox.new else "no"
    counts = f"{mailbox.new}/{mailbox.old} ({mailbox.new_urgent}/{mailbox.old_urgent})"
    return f"Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {counts}\r\n".encode()


def pidf(entity: str, *, is_open: bool, is_talking: bool) -> bytes:
    """Whether the user has a phone that can be called, and whether he is on it."""
    note = "\n<note>On the phone</note>" if is_talking else ""
    basic = "open" if is_open else "closed"
    return _PIDF.format(entity=quoteattr(entity), contact=escape(entity), basic=basic, note=note).encode()


def dialog_info(entity: str, version: int, calls: Iterable[Line]) -> bytes:
    """All calls of the user; no number but of whom he talks with."""
    dialogs = "".join(_dialog(call, entity) for call in calls)
    return _DIALOG_INFO.format(entity=quoteattr(entity), version=version, dialogs=dialogs).encode()


def _dialog(call: Line, entity: str) -> str:
    remote = escape(_uri(call.remote, entity))
    return _DIALOG.format(id=quoteattr(call.call_id), direction=call.direction, state=call.state, remote=remote)


def _uri(remote: str, entity: str) -> str:
    """A number or a name as a URI of the domain that the subscriber has asked."""
    return remote if remote.startswith("sip:") else f"sip:{escape_user(remote)}@{entity.rpartition('@')[2]}"
