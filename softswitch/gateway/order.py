"""What a caller is to do: whom to call as whom, and what to press and say once he is answered. Values only."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

COMMA_S = 0.5
KEYS = frozenset("0123456789*#ABCD")
DURATION = re.compile(r"(?P<count>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|)")
SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, while the room is heard and nothing is said."""

    seconds: float


@dataclass(frozen=True, slots=True)
class At:
    """Wait until so many seconds after the campaign began: how callers take turns."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AfterPrompt:
    """Wait as a person does before he presses: until the voice that answered pauses.

    At once when nobody has spoken within `patience_s`; after `at_most_s` whatever is being said.
    """

    patience_s: float = 1.5
    at_most_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Press:
    """Send keys as DTMF."""

    digits: str


@dataclass(frozen=True, slots=True)
class Say:
    """Play a sound file into the call and wait for its end; with `repeat`, over and over to the end of the call."""

    path: Path
    repeat: bool = False


Step = Pause | At | AfterPrompt | Press | Say


@dataclass(frozen=True, slots=True)
class Order:
    """One call. `hold_s` is how long it lasts once answered; None: until its steps are done."""

    to: str
    from_: str
    steps: tuple[Step, ...] = ()
    hold_s: float | None = None
    record: Path | None = None
    ring_at_most_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Batch:
    """The same call many times: the caller's number counts up, the recordings are numbered."""

    order: Order
    calls: int = 1
    number_step: int = 1

    def orders(self) -> list[Order]:
        return [self._numbered(index) for index in range(self.calls)]

    def _numbered(self, index: int) -> Order:
        order, path = self.order, self.order.record
        if path is not None and self.calls > 1:
            path = path.with_stem(f"{path.stem}-{index + 1:0{len(str(self.calls))}d}")
        return replace(order, from_=counted_up(order.from_, index * self.number_step), record=path)


def counted_up(number: str, by: int) -> str:
    """The telephone number that follows, as long as before; a name without digits at its end stays as it is."""
    match = re.search(r"\d+$", number)
    if match is None or by == 0:
        return number
    digits = match[0]
    return number[: match.start()] + f"{int(digits) + by:0{len(digits)}d}"


def keys(text: str) -> tuple[Press | Pause, ...]:
    """`222222#,,*6` as steps: keys to press, and half a second for each comma. Raises ValueError."""
    steps: list[Press | Pause] = []
    for part in re.findall(r",+|[^,]+", text.replace(" ", "")):
        if part.startswith(","):
            steps.append(Pause(COMMA_S * len(part)))
            continue
        for key in part:
            if key.upper() not in KEYS:
                raise ValueError(f"{key!r} is no key (accepted: 0-9 * # A-D, and a comma for half a second)")
        steps.append(Press(part.upper()))
    return tuple(steps)


def seconds(text: str) -> float:
    """`30`, `30s`, `500ms`, `2m` or `1h` in seconds. Raises ValueError."""
    match = DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is no duration (accepted: 30, 30s, 500ms, 2m, 1h)")
    return float(match["count"]) * SECONDS[match["unit"]]
