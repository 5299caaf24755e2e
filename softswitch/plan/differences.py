"""What makes one number plan of another, object by object. Pure.

An object is the same one while its name is: under another name it is another. What a file says nothing of stays: a
whole kind that it has no table for, and in `stored` every key that it does not give.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from softswitch.plan.objects import NumberPlan, Object

NESTED: Mapping[str, tuple[str, ...]] = {"trunk_groups": ("trunks",), "endpoints": ("did_groups", "meeting_rooms")}
"""Kinds that stand inside others; each is compared by itself."""

KINDS = (
    *("rate_decks", "trunk_groups", "endpoints", "trunks", "did_groups", "meeting_rooms", "users", "dids"),
    "calling_rules",
)
"""All kinds, each behind what it can name."""

Path = tuple[str, ...]
"""The names that lead to an object: ("pstn", "gateway") for a trunk of a trunk group."""
Objects = dict[tuple[str, Path], Object]


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is new (`before` is None), gone (`after` is None), or other in `fields`."""

    kind: str
    path: Path
    before: Object | None
    after: Object | None
    fields: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """As a file would say it: trunk_groups[pstn].trunks[gateway]."""
        outer = next((outer for outer, inner in NESTED.items() if self.kind in inner), "")
        return f"{outer}[{self.path[0]}].{self.kind}[{self.path[1]}]" if outer else f"{self.kind}[{self.path[0]}]"


def objects(numbers: NumberPlan) -> Objects:
    """Every object by kind and path, those inside others too."""
    found: Objects = {}
    for kind in ("rate_decks", "trunk_groups", "endpoints", "dids", "users", "calling_rules"):
        for outer in getattr(numbers, kind):
            name = _name(kind, outer)
            found[kind, (name,)] = outer
            for inner_kind in NESTED.get(kind, ()):
                for inner in getattr(outer, inner_kind, ()):
                    found[inner_kind, (name, inner.name)] = inner
    return found


def differences(current: NumberPlan, wanted: NumberPlan) -> list[Difference]:
    """All of them, in the order of KINDS: first what is new or changed, then, the other way round, what goes."""
    before, after = objects(current), objects(wanted)
    mentioned = _mentioned(wanted)
    made = [one for key, new in after.items() for one in _difference(key, before.get(key), new)]
    gone = [Difference(*key, old, None) for key, old in before.items() if key[0] in mentioned and key not in after]
    made.sort(key=lambda one: KINDS.index(one.kind))
    gone.sort(key=lambda one: -KINDS.index(one.kind))
    return made + gone


def _difference(key: tuple[str, Path], before: Object | None, after: Object) -> Iterator[Difference]:
    if before is None:
        yield Difference(*key, None, after)
    elif before is not after and (fields := tuple(_fields(key[0], before, after))):
        yield Difference(*key, before, after, fields)


def _fields(kind: str, before: Object, after: Object) -> Iterator[str]:
    for field in type(after).model_fields:
        if field == "stored":
            if any(
                field not in before.stored or before.stored[field] != value for field, value in after.stored.items()
            ):
                yield field
        elif field not in NESTED.get(kind, ()) and getattr(before, field) != getattr(after, field):
            yield field


def _mentioned(wanted: NumberPlan) -> Collection[str]:
    outer = wanted.model_fields_set
    return outer | {inner for kind in outer for inner in NESTED.get(kind, ())}


def _name(kind: str, of: Object) -> str:
    key = {"dids": "phonenumber", "users": "username"}.get(kind, "name")
    return str(getattr(of, key))
