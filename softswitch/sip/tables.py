"""State machines as tables: what a row is, and how a table draws itself.

Transactions and sessions declare an Enum of states and a table of `(state, event) -> Row`. The table is what runs, what
the tests walk through row by row, and what the diagrams of the documentation are made from.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, NamedTuple


class ImpossibleMoveError(Exception):
    """A machine was asked for a move its table does not have: our bug, never the peer's."""


class Row(NamedTuple):
    """Where a move leads, and what is done on the way: actions are called in order and return effects."""

    to: Any
    actions: tuple[Callable[..., Any], ...] = ()


Table = Mapping[tuple[Enum, Enum], Row]


def mermaid(table: Table, initial: Enum) -> str:
    """The table as a mermaid state diagram; moves between the same two states share one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), row in table.items():
        arrows.setdefault((state.name, row.to.name), []).append(str(event.value))
    lines = ["stateDiagram-v2", f"    [*] --> {initial.name}"]
    lines += [f"    {here} --> {there}: {', '.join(events)}" for (here, there), events in arrows.items()]
    targets = {row.to for row in table.values()}
    leaving = {state for state, _ in table}
    lines += [f"    {state.name} --> [*]" for state in sorted(targets - leaving, key=lambda state: state.name)]
    return "\n".join(lines)
