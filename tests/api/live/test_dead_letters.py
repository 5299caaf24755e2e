"""`/switch/v1/callbacks/dead_letters`: looked at, sent again, thrown away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from softswitch.callbacks import Callbacks
from softswitch.callbacks.post import Poster
from tests.api.http import client
from tests.api.live.house import House
from tests.callbacks.test_sender import Receiver

LETTERS = "/switch/v1/callbacks/dead_letters"
BODY = {"dr_sid": "0a8f1c77-6f4e-4d38-9b8f-2f0f6d1f8e01", "duration": 71.88}


@pytest.fixture
async def receiver(home: House) -> AsyncIterator[Receiver]:
    """The far end of the callbacks of this switch."""
    receiver = Receiver()
    callbacks = Callbacks(
        home.store, home.app.events, open_poster=lambda timeout_s: Poster(timeout_s, httpx.MockTransport(receiver))
    )
    home.app.watching.callbacks = callbacks
    running = asyncio.create_task(callbacks.run())
    await asyncio.sleep(0.1)
    yield receiver
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def dead_letter(home: House, **values: Any) -> str:
    kept = {"event": "call_dr", "url": "https://user:password@crm.example/hook?token=s3cret", "body": BODY}
    row = await home.store.create("callbacks_dead", {**kept, "attempts": 8, "last_status": 503, **values})
    return str(row["callback_sid"])


async def test_dead_letters_are_listed_page_by_page_without_what_is_secret_in_their_url(home: House) -> None:
    for status in (500, 502, 503):
        await dead_letter(home, last_status=status)
    page = (await home.admin.get(LETTERS, params={"limit": 2, "filter": "last_status gt 500"})).json()
    assert (page["total"], page["has_more"]) == (2, False)
    letter = page["items"][0]
    assert (letter["host"], letter["body"], letter["attempts"], letter["underway"]) == ("crm.example", BODY, 8, False)
    for text in ("password", "s3cret", "hook"):
        assert text not in str(page)
    refused = await home.admin.get(LETTERS, params={"filter": "url like %token%"})
    assert refused.status_code == 400


async def test_a_dead_letter_is_redelivered_and_gone_when_it_is_taken(home: House, receiver: Receiver) -> None:
    letter = f"{LETTERS}/{await dead_letter(home)}"
    receiver.answers = [503, 200]
    sent = await home.admin.post(f"{letter}/redeliver")
    assert (sent.status_code, sent.json()["underway"]) == (200, True)
    await asyncio.sleep(0.2)
    assert (await home.admin.post(f"{letter}/redeliver")).status_code == 409
    await asyncio.sleep(5)
    while (await home.admin.get(letter)).status_code != 404:
        pass  # the database takes its time, of which virtual time knows nothing
    assert receiver.bodies == [BODY, BODY]


async def test_a_dead_letter_can_be_thrown_away(home: House) -> None:
    letter = f"{LETTERS}/{await dead_letter(home)}"
    assert (await home.admin.delete(letter)).status_code == 204
    assert (await home.admin.get(letter)).status_code == 404
    assert (await home.admin.post(f"{letter}/redeliver")).status_code == 404


async def test_reading_letters_needs_another_scope_than_sending_them_again(home: House) -> None:
    letter = f"{LETTERS}/{await dead_letter(home)}"
    made = await home.admin.post("/core/v2/tokens", json={"name": "reader", "scopes": ["switch.read"]})
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    async with client(home.url, headers=headers) as reader:
        assert (await reader.get(letter)).status_code == 200
        assert (await reader.post(f"{letter}/redeliver")).status_code == 403
        assert (await reader.delete(letter)).status_code == 403
    assert (await home.owner.get(LETTERS)).status_code == 401
    assert (await home.admin.post(f"{letter}/redeliver")).status_code == 503
