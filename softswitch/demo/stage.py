"""The demo as it happens: the switch in this process, the callers in a child process, a director between them.

The director does what a host at a console would do: mute one, send one away. Everything else the callers do by their
own keys. The switch is the one that `softswitch serve` runs, with the shipped number plan.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from softswitch.app import App
from softswitch.call import Event
from softswitch.demo.cpu import children_cpu_s, own_cpu_s
from softswitch.demo.story import MUTED, ROOM, SENT_AWAY, Story
from softswitch.endpoints.conference import AttendeeChanged, Conference, Meeting, MeetingView, Recording
from softswitch.endpoints.conference.attendee import Attendee

READY_WITHIN_S = 15.0
LAST_CALLER_WITHIN_S = 10.0


@dataclass(slots=True)
class Stage:
    """What the audience sees: the room now, the clock, the news. `on_news` is told each line as it happens."""

    app: App
    story: Story
    folder: Path
    on_news: Callable[[str], None]
    recording: str = ""
    news: str = ""
    drawing_cpu_s: float = 0.0
    _began_at: float = 0.0
    _cpu_began: tuple[float, float | None] = (0.0, None)
    _cpu_spent: tuple[float, float | None] | None = None
    _callers_pid: int | None = None
    _numbers: dict[str, str] = field(default_factory=dict)
    _present: set[str] = field(default_factory=set)

    @property
    def at_s(self) -> float:
        """Seconds since the first call was placed."""
        return asyncio.get_running_loop().time() - self._began_at if self._began_at else 0.0

    @property
    def room(self) -> MeetingView | None:
        meeting = self._meeting
        return None if meeting is None else meeting.view()

    @property
    def cpu_s(self) -> tuple[float, float | None]:
        """CPU seconds since the first call: of the switch without the view, of its media process (None: not known)."""
        if self._cpu_spent is not None:
            return self._cpu_spent
        own, children = own_cpu_s() - self.drawing_cpu_s, children_cpu_s(but=self._callers_pid)
        began_own, began_children = self._cpu_began
        return own - began_own, None if children is None or began_children is None else children - began_children

    async def play(self) -> None:
        """From the first call to the last hang-up."""
        async with self._callers() as callers:
            self._callers_pid = callers.pid
            self._cpu_began = own_cpu_s(), children_cpu_s(but=callers.pid)
            self._began_at = asyncio.get_running_loop().time()
            _tell(callers, "go")
            unsubscribe = self.app.events.subscribe(self._on_event)
            try:
                await asyncio.gather(self._direct(), self._until_all_are_gone(callers))
            finally:
                unsubscribe()

    def stop_clock(self) -> None:
        """What is spent from now on does not count: the audience listens to the recordings."""
        self._cpu_spent = self.cpu_s

    async def _direct(self) -> None:
        await self._until(self.story.mute_at)
        self._with(MUTED, lambda meeting, attendee: meeting.mute(attendee, True))
        await self._until(self.story.send_away_at)
        self._with(SENT_AWAY, self._send_away)

    def _send_away(self, meeting: Meeting, attendee: Attendee) -> None:
        self._say(f"{attendee.call.from_number} is sent away")
        meeting.kick(attendee)

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self.at_s))

    async def _until_all_are_gone(self, callers: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.story.ends_at + LAST_CALLER_WITHIN_S):
                await callers.wait()

    def _with(self, place: int, act: Callable[[Meeting, Attendee], None]) -> None:
        """Do something to the caller at `place`, if he is in."""
        meeting, number = self._meeting, self.story.cast[place - 1].number
        for attendee in tuple(meeting.attendees.values()) if meeting else ():
            if meeting and attendee.call.from_number == number:
                act(meeting, attendee)

    @property
    def _meeting(self) -> Meeting | None:
        conference = self.app.endpoints["conference"]
        return conference.meeting(ROOM) if isinstance(conference, Conference) else None

    @contextlib.asynccontextmanager
    async def _callers(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The callers' process, ready to call; ended with us whatever happens."""
        host, port = self.app.sip_address
        with (self.folder / "callers.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "softswitch.demo.callers",
                f"{host}:{port}",
                str(self.folder),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await _line(process)
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()

    def _on_event(self, event: Event) -> None:
        match event:
            case AttendeeChanged(what="entered"):
                self._present.add(event.call_id)
                self._say(f"{self._number(event.call_id)} comes in as {event.value}")
            case AttendeeChanged(what="left"):
                self._present.discard(event.call_id)
                self._say(f"{self._number(event.call_id)} leaves")
            case AttendeeChanged(what="muted", value="true") if event.call_id in self._present:
                self._say(f"{self._number(event.call_id)} is muted")
            case AttendeeChanged(what="talking", value="true"):
                self._say(f"{self._number(event.call_id)} talks")
            case Recording(state="started"):
                self.recording = event.path
                self._say("the recording begins")
            case _:
                pass  # the table shows the rest

    def _number(self, call_id: str) -> str:
        call = self.app.switch.calls.get(call_id)
        if call is not None:
            self._numbers[call_id] = call.from_number
        return self._numbers.get(call_id, call_id)

    def _say(self, line: str) -> None:
        self.news = line
        self.on_news(f"{self.at_s:5.1f} s  {line}")


def _tell(process: asyncio.subprocess.Process, word: str) -> None:
    if process.stdin is not None:
        process.stdin.write(f"{word}\n".encode())


async def _line(process: asyncio.subprocess.Process) -> bytes:
    return await process.stdout.readline() if process.stdout is not None else b""
