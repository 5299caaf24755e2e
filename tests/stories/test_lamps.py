"""Lamps on a third phone: who watches a user sees his calls come, be answered and go (RFC 4235)."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.registrar.house import Telephone
from tests.stories.town import HERE, Town, calling, talking, town

DIALOG_INFO = "{urn:ietf:params:xml:ns:dialog-info}"

Lamp = tuple[str | None, str | None, str | None]
"""Direction, state, whom he talks with."""


@asynccontextmanager
async def watcher(it: Town, watched: str) -> AsyncIterator[Telephone]:
    phone = Telephone(it.wire, "1003", "127.0.0.90", here=HERE)
    phone.password = "secret-1003"
    assert (await phone.subscribe("dialog", watched)).status == 200
    assert lamp((await phone.request()).body) is None
    yield phone
    await phone.close()


def lamp(body: bytes) -> Lamp | None:
    """The one call that a document tells of."""
    dialogs = ET.fromstring(body).findall(f"{DIALOG_INFO}dialog")
    if not dialogs:
        return None
    (dialog,) = dialogs
    remote = dialog.findtext(f"{DIALOG_INFO}remote/{DIALOG_INFO}identity")
    return dialog.get("direction"), dialog.findtext(f"{DIALOG_INFO}state"), remote


async def shown(phone: Telephone) -> list[Lamp | None]:
    """What the NOTIFYs have shown until the lamp goes out."""
    lamps = [lamp((await phone.request()).body)]
    while lamps[-1] is not None:
        lamps.append(lamp((await phone.request()).body))
    return lamps


async def test_the_lamp_of_the_callee_blinks_burns_and_goes_out(tmp_path: Path) -> None:
    async with town(tmp_path) as it, watcher(it, "1002") as phone:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await calling(ann, bob)
        await asyncio.sleep(1)
        bob.answer()
        await ann.answered()
        await asyncio.sleep(1)
        ann.hang_up()
        by_ann = f"sip:1001@{HERE}"
        assert await shown(phone) == [
            ("recipient", "early", by_ann),
            ("recipient", "confirmed", by_ann),
            None,
        ]


async def test_a_lamp_does_not_betray_a_caller_who_wants_privacy(tmp_path: Path) -> None:
    async with town(tmp_path) as it, watcher(it, "1002") as phone:
        carrier, bob = await it.carrier(), await it.phone("1002")
        asserted = ("P-Asserted-Identity", "<sip:+13105550777@carrier.example>")
        carrier.dial("12025550112", headers=[("Privacy", "id"), asserted])
        await bob.picks_up()
        await carrier.answered()
        await asyncio.sleep(1)
        carrier.hang_up()
        remotes = {one[2] for one in await shown(phone) if one is not None}
        assert remotes == {"sip:anonymous@anonymous.invalid"}


async def test_the_lamp_of_the_caller_shows_whom_he_calls(tmp_path: Path) -> None:
    async with town(tmp_path) as it, watcher(it, "1001") as phone:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.hang_up()
        lamps = await shown(phone)
        to_bob = f"sip:1002@{HERE}"
        assert lamps[0] == ("initiator", "trying", to_bob)
        assert lamps[-2] == ("initiator", "confirmed", to_bob)


async def test_a_call_that_nobody_answers_leaves_no_lamp_burning(tmp_path: Path) -> None:
    async with town(tmp_path) as it, watcher(it, "1002") as phone:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await calling(ann, bob)
        await asyncio.sleep(1)
        ann.hang_up()
        assert (await shown(phone))[-1] is None
        await asyncio.sleep(5)
        dialogs = it.app.phones.subscriptions.dialogs
        assert (dialogs.of("1001"), dialogs.of("1002")) == ((), ())
