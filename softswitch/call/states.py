"""A state machine as a table: which trigger leads from which state to which, and nothing else.

Legs, attendees and meetings each declare one `Table`. A move that the table does not list raises
`OutsideTableError`: that is a bug of ours, never of a peer. The tables draw themselves for the documentation.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

State = TypeVar("State", bound=StrEnum)
Trigger = TypeVar("Trigger", bound=StrEnum)


class OutsideTableError(RuntimeError):
    """The program asked for a move that its own table does not have."""


class Table(Generic[State, Trigger]):
    """The moves of one kind of machine. It holds no state itself: thousands of calls share one table."""

    __slots__ = ("initial", "name", "rows")

    def __init__(self, name: str, initial: State, rows: Mapping[State, Mapping[Trigger, State]]) -> None:
        self.name = name
        self.initial = initial
        self.rows = rows

    def after(self, state: State, trigger: Trigger) -> State:
        """The state that follows; raises `OutsideTableError` where the table has no such row."""
        try:
            return self.rows[state][trigger]
        except KeyError:
            raise OutsideTableError(f"{self.name}: nothing follows {state!r} on {trigger!r}") from None

    def allows(self, state: State, trigger: Trigger) -> bool:
        return trigger in self.rows.get(state, ())

    def moves(self) -> Iterator[tuple[State, Trigger, State]]:
        for state, row in self.rows.items():
            for trigger, after in row.items():
                yield state, trigger, after

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {_label(self.initial)}"]
        lines += [f"    {_label(a)} --> {_label(b)}: {trigger.value}" for a, trigger, b in self.moves()]
        return "\n".join(lines)


def _label(state: StrEnum) -> str:
    return "".join(word.capitalize() for word in state.value.split(" "))
