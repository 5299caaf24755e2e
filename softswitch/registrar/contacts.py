"""What the Contact headers of a REGISTER ask for (RFC 3261 §10.2.1, §10.3 steps 6 and 7). Pure.

`offered` reads all of them before anything is changed: one that can't be taken refuses the whole request.
"""

from collections.abc import Mapping

from softswitch.errors import CallRejected
from softswitch.registrar.binding import MOST_Q, Offered
from softswitch.settings import RegistrarSettings
from softswitch.sip.grammar import format_params
from softswitch.sip.headers import Address
from softswitch.sip.message import Request

HOUR_S = 3600
LONGEST_CONTACT = 1024
LARGEST_EXPIRES_S = 2**32 - 1


def offered(request: Request, settings: RegistrarSettings) -> list[Offered]:
    """The contacts with the time each gets. Raises `CallRejected`: 400, 403 for too many, 423 where it is too short."""
    contacts = request.contacts
    if len(contacts) > settings.contacts:
        raise CallRejected(403, "Too Many Contacts")
    in_header = request.number("Expires")
    return [_offered(contact, in_header, settings) for contact in contacts]


def removes_all(request: Request) -> bool:
    """Whether Contact is `*`. Raises `CallRejected` 400 where it is not alone with an Expires of 0."""
    values = request.headers.all("Contact")
    if "*" not in [value.strip() for value in values]:
        return False
    if values != ["*"] or request.number("Expires") != 0:
        raise CallRejected(400, "Contact * Needs Expires: 0 And Nothing Else")
    return True


def _offered(contact: Address, in_header: int | None, settings: RegistrarSettings) -> Offered:
    if not contact.uri.is_sip or not contact.uri.host or contact.uri.headers:
        raise CallRejected(400, "Contact Is No SIP URI")
    if "maddr" in contact.uri.params:
        raise CallRejected(400, "Contact With maddr")  # calls would go there, whatever else it says
    params = {name: value for name, value in contact.params.items() if name != "expires"}
    uri = str(contact.uri)
    name = f'"{contact.display_name}" ' if contact.display_name.isalnum() else ""
    shown = f"{name}<{uri}>{format_params(params)}"
    if len(shown) > LONGEST_CONTACT or not shown.isprintable():
        raise CallRejected(400, "Unusable Contact")  # it is kept, told, and sent back with every answer
    return Offered(
        uri,
        shown,
        _q(params),
        _expires_s(contact.params, in_header, settings),
        (params.get("+sip.instance") or "").strip('"'),
        _reg_id(params),
    )


def _expires_s(params: Mapping[str, str | None], in_header: int | None, settings: RegistrarSettings) -> int:
    """The parameter before the header before ours; what is no number counts as not there (RFC 3261 §10.2.1.1)."""
    asked = in_header
    if "expires" in params:
        text = params["expires"] or ""
        asked = min(int(text), LARGEST_EXPIRES_S) if text.isascii() and text.isdigit() and len(text) < 11 else None
    if asked is None:
        return settings.default_expires_s
    if 0 < asked < settings.min_expires_s and asked < HOUR_S:
        raise CallRejected(423, "Interval Too Brief", headers=[("Min-Expires", str(settings.min_expires_s))])
    return min(asked, settings.max_expires_s)


def _q(params: Mapping[str, str | None]) -> int:
    """In thousandths. Raises `CallRejected` 400 for anything but 0 to 1 with three digits at most."""
    if "q" not in params:
        return MOST_Q
    whole, _, part = (params["q"] or "").partition(".")
    thousandths = part.ljust(3, "0")
    if whole not in ("0", "1") or len(thousandths) != 3 or thousandths.strip("0123456789"):
        raise CallRejected(400, "Malformed q")
    q = int(whole) * MOST_Q + int(thousandths)
    if q > MOST_Q:
        raise CallRejected(400, "Malformed q")
    return q


def _reg_id(params: Mapping[str, str | None]) -> int:
    text = params.get("reg-id") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
