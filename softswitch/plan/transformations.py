"""What may be changed on a call's way: the kinds of transformation (CarrierX: rewrite, set, conditional, reject,
stir_shaken).

Only described here; `softswitch.routing.transformations` applies them, in the order of the list.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from softswitch.configfile import Model, unusable
from softswitch.plan.pattern import ACCEPTED, compile_safely

NUMBER_FIELDS = ("number_src", "number_dst")


def _transformable(field: str) -> str:
    if field not in NUMBER_FIELDS and not re.match(r"[XP]-[\w-]+\Z", field, re.ASCII | re.IGNORECASE):
        raise unusable(f'is "{field}"', "number_src, number_dst, or a header whose name begins with X- or P-")
    return field


def _safe(pattern: str) -> str:
    try:
        compile_safely(pattern)
    except ValueError as error:
        raise unusable(str(error), ACCEPTED) from None
    return pattern


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise unusable("has control characters", "printable text on one line")
    return value


TransformedField = Annotated[str, AfterValidator(_transformable)]
Pattern = Annotated[str, AfterValidator(_safe)]
Line = Annotated[str, AfterValidator(_one_line)]


class Rewrite(Model):
    """Where `match` is found in the field, it is replaced by `replace` (`\\1` is the first group)."""

    type: Literal["rewrite"]
    field: TransformedField
    match: Pattern
    replace: Line

    def model_post_init(self, _context: object) -> None:
        """Refuse a replacement that names a group the pattern lacks: at start, not in a call."""
        try:
            re.sub(f"(?:{self.match})|", self.replace, "")
        except (re.error, IndexError) as error:
            raise unusable(f'replace is "{self.replace}": {error}', "text, with \\1 for the first group") from None


class Set(Model):
    """The field becomes `value`; a header becomes absent when it is empty."""

    type: Literal["set"]
    field: TransformedField
    value: Line


class Conditional(Model):
    """`then` where `match` is found in the field, else `otherwise`."""

    type: Literal["conditional"]
    field: TransformedField
    match: Pattern
    then: tuple["Transformation", ...] = ()
    otherwise: tuple["Transformation", ...] = ()


class Reject(Model):
    """The call ends here, with this final response."""

    type: Literal["reject"]
    status: Annotated[int, Field(ge=400, le=699)] = 403
    reason: Line = ""


class StirShaken(Model):
    """How the call is attested when it goes out (RFC 8588); none: it is not signed."""

    type: Literal["stir_shaken"]
    attestation: Literal["A", "B", "C", "none"]


Transformation = Annotated[Rewrite | Set | Conditional | Reject | StirShaken, Field(discriminator="type")]
Conditional.model_rebuild()
