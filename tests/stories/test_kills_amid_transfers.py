"""A switch that is killed in the middle of a transfer: at each moment the next one finds every part once, and what it
cost."""

import asyncio
import os
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from softswitch.records import Records
from tests.records.test_records import NOON, Shelf, records_in
from tests.stories.town import CARRIER, Phone, Town, talking, town

RATES: dict[str, Any] = {
    "groups": [{"name": "pstn", "trunks": [{"name": "carrier", "address": CARRIER, "rate_deck": "bought"}]}],
    "tables": {
        "rate_decks": [{"name": "sold", "rates": {"1": 0.6}}, {"name": "bought", "rates": {"1": 0.2}}],
        "calling_rules": [{"name": "all", "rate_deck": "sold", "allowed_prefixes": ["1"]}],
    },
}
EVERY_S = 0.002


class Witness:
    """Keeps the journal of a switch as it is on disk at many moments, as a kill would leave it."""

    def __init__(self, it: Town, folder: Path) -> None:
        self.folder = folder
        self.records: Records = records_in(folder / "lives", Shelf())
        self.moments: list[Path] = []
        switch = it.app.switch
        switch._clock = asyncio.get_running_loop().time
        switch.on_started, switch.on_ended = self.records.on_started, self.records.on_ended
        it.app.events.subscribe(self.records.on_event)

    async def watch(self, seconds: float) -> None:
        for _ in range(round(seconds / EVERY_S)):
            await asyncio.sleep(EVERY_S)
            self._keep()

    def _keep(self) -> None:
        moment = self.folder / f"moment-{len(self.moments)}"
        shutil.copytree(self.folder / "lives" / "journal", moment / "journal")
        now = NOON + asyncio.get_running_loop().time()
        for segment in (moment / "journal").iterdir():
            os.utime(segment, (now, now))
        if self.moments and _read(moment) == _read(self.moments[-1]):
            shutil.rmtree(self.moments[-1])  # the later one says the same
            moment.rename(self.moments[-1])
        else:
            self.moments.append(moment)

    async def after_a_kill(self, moment: Path) -> list[dict[str, Any]]:
        shelf = Shelf()
        successor = records_in(moment, shelf)
        await successor.open()
        assert successor.unreadable == 0
        await successor.close()
        return shelf.calls


def _read(moment: Path) -> bytes:
    return b"".join(segment.read_bytes() for segment in sorted((moment / "journal").iterdir()))


async def witness(stack: AsyncExitStack, it: Town, folder: Path) -> Witness:
    found = Witness(it, folder)
    await found.records.open()
    stack.push_async_callback(found.records.close)
    return found


async def test_each_part_of_an_attended_transfer_has_one_record_and_its_leg_one_price(tmp_path: Path) -> None:
    async with town(tmp_path, **RATES) as it, AsyncExitStack() as stack:
        seen = await witness(stack, it, tmp_path)
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        _, first = await talking(it, ann, bob)
        second = bob.dial("13105550177")
        await carrier.picks_up()
        await bob.answered()
        await asyncio.sleep(70)
        bob.bring_together(first, second, "13105550177")
        await seen.watch(0.3)
        ends = [await seen.after_a_kill(moment) for moment in seen.moments]
        assert {len(rows) for rows in ends} == {2, 3}, "the talk that comes of both, from a moment on"
        for rows in ends:
            assert sorted(row["price"] for row in rows if row["price"] is not None) == [1.2]
            assert sorted(row["price_lcr_dst"] for row in rows if row["price_lcr_dst"] is not None) == [0.4]
            assert {row["number_billing"] for row in rows if row["price"] is not None} == {"12025550112"}
            assert all(row["sipcause"] is not None and row["date_stop"] is not None for row in rows)


async def test_each_part_of_a_blind_transfer_has_one_record(tmp_path: Path) -> None:
    async with town(tmp_path, **RATES) as it, AsyncExitStack() as stack:
        seen = await witness(stack, it, tmp_path)
        ann, cid, carrier = await it.phone("1001"), await it.phone("1003"), await it.carrier()
        ann.dial("13105550177")
        await carrier.picks_up()
        await ann.answered()
        await asyncio.sleep(70)
        ann.refer("<sip:1003@127.0.0.1>")
        await seen.watch(0.1)
        await _answers_under(seen, cid)
        ends = [await seen.after_a_kill(moment) for moment in seen.moments]
        assert {len(rows) for rows in ends} == {1, 2}
        for rows in ends:
            assert [row["price"] for row in rows if row["price"] is not None] == [1.2]
        before, after = sorted(ends[-1], key=lambda row: row["date_start"])
        assert (before["disconnect_reason"], after["disconnect_reason"]) == ("Transferred", "The switch was restarted")
        assert after["user_data"]["transferred_from"] == [before["dr_sid"]]


async def _answers_under(seen: Witness, phone: Phone) -> None:
    phone.ring()
    await seen.watch(0.1)
    phone.answer()
    await seen.watch(0.3)
