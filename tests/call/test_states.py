"""Tables refuse what they do not list, and draw themselves."""

from enum import StrEnum

import pytest

from softswitch.call import OutsideTableError, Table


class Light(StrEnum):
    RED = "red"
    GREEN = "go now"


class Tick(StrEnum):
    TICK = "a tick"


TABLE = Table("light", Light.RED, {Light.RED: {Tick.TICK: Light.GREEN}})


def test_a_table_names_what_follows() -> None:
    assert TABLE.after(Light.RED, Tick.TICK) is Light.GREEN
    assert TABLE.allows(Light.RED, Tick.TICK)
    assert not TABLE.allows(Light.GREEN, Tick.TICK)


def test_a_move_outside_of_the_table_is_our_bug() -> None:
    with pytest.raises(OutsideTableError, match=r"light: nothing follows .*GREEN"):
        TABLE.after(Light.GREEN, Tick.TICK)


def test_a_table_draws_itself() -> None:
    assert TABLE.mermaid().splitlines() == ["stateDiagram-v2", "    [*] --> Red", "    Red --> GoNow: a tick"]
