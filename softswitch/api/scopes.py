"""What a token may do: `trunk_groups.read`, `trunk_groups.trunks.create`, `app.*`, `*`.

A scope is an area and a right. The rights are read, create and manage; `manage` includes the other two, and `area.*`
includes every right of the area and of the areas below it.
"""

from collections.abc import Iterable

AREAS = (
    "partners", "endpoints", "trunk_groups", "trunk_groups.trunks", "phonenumber", "calls", "app", "storage", "users",
    "tokens", "switch",
)  # fmt: skip
RIGHTS = ("read", "create", "manage")

KNOWN = frozenset(
    {"*"}
    | {f"{area}.{right}" for area in AREAS for right in (*RIGHTS, "*")}
    | {f"{area}.{right}_descendant" for area in AREAS for right in RIGHTS}
)
"""Every scope a token can have. CarrierX's `*_descendant` is taken; there are no partners below ours to see."""


def covers(granted: Iterable[str], needed: str) -> bool:
    """Whether one of the granted scopes is enough for `needed` (`area.right`)."""
    return any(_covers(scope, needed) for scope in granted)


def _covers(scope: str, needed: str) -> bool:
    if scope in ("*", needed):
        return True
    area, _, right = scope.rpartition(".")
    if right == "*":
        return needed.startswith(f"{area}.")
    return right == "manage" and needed.rpartition(".")[0] == area
