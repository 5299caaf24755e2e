"""SUBSCRIBE and NOTIFY (RFC 6665): mailboxes, presence, lamps."""

import asyncio
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from softswitch.registrar.dialogs import Line
from softswitch.registrar.documents import Mailbox
from softswitch.sip import Request, Response
from softswitch.sip.subscription import TABLE, State
from softswitch.sip.tables import mermaid
from tests.registrar.house import House, Telephone, house
from tests.registrar.phones import plan_of

QUIET = {"qualify_s": 0}
PIDF = "{urn:ietf:params:xml:ns:pidf}"
DIALOG_INFO = "{urn:ietf:params:xml:ns:dialog-info}"


def moved(home: House, state: str, user: str = "1002") -> None:
    """The one call of a user goes to a state; what makes it so is shown by the stories of whole calls."""
    dialogs = home.phones.subscriptions.dialogs
    lines = frozenset() if state == "terminated" else frozenset({Line("c1", user, "recipient", state, "1003")})  # type: ignore[arg-type]
    dialogs._change("c1", dialogs._of_call.get("c1", frozenset()), lines)


def basic(notify: Request) -> str | None:
    return ET.fromstring(notify.body).findtext(f"{PIDF}tuple/{PIDF}status/{PIDF}basic")


def dialogs(notify: Request) -> list[tuple[str | None, str | None]]:
    found = ET.fromstring(notify.body).findall(f"{DIALOG_INFO}dialog")
    return [(dialog.get("id"), dialog.findtext(f"{DIALOG_INFO}state")) for dialog in found]


def tag_of(response: Response) -> str:
    return response.to.tag or ""


async def test_a_mailbox_is_told_at_once_and_at_each_change() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        response = await phone.subscribe("message-summary")
        assert (response.status, response.headers.get("Expires")) == (200, "600")
        first = await phone.request()
        assert (first.headers.get("Event"), first.content_type) == (
            "message-summary",
            "application/simple-message-summary",
        )
        assert (first.headers.get("Subscription-State") or "").startswith("active;expires=")
        assert b"Messages-Waiting: no\r\n" in first.body
        assert b"Voice-Message: 0/0 (0/0)\r\n" in first.body
        assert (first.to.tag, first.from_.tag) == ("1001", tag_of(response))
        home.phones.subscriptions.mailbox = lambda _: Mailbox(new=2, old=1)
        home.phones.subscriptions.mailbox_changed("1001")
        second = await phone.request()
        assert b"Messages-Waiting: yes\r\n" in second.body
        assert b"Voice-Message: 2/1 (0/0)" in second.body
        assert second.cseq.number == first.cseq.number + 1
        await phone.close()


async def test_presence_follows_the_phones_of_a_user() -> None:
    async with house(registrar=QUIET) as home:
        watcher, watched = Telephone(home), Telephone(home, "1002", "10.0.0.3")
        await watcher.subscribe("presence", "1002")
        assert basic(await watcher.request()) == "closed"
        await watched.register(60)
        assert basic(await watcher.request()) == "open"
        assert basic(await watcher.request()) == "closed"  # it has expired
        for phone in (watcher, watched):
            await phone.close()


async def test_a_lamp_follows_the_calls_of_a_user() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        await phone.subscribe("dialog", "1002")
        notifies = [await phone.request()]
        for state in ("trying", "early", "confirmed", "terminated"):
            moved(home, state)
            notifies.append(await phone.request())
        expected = [[], *([("c1", state)] for state in ("trying", "early", "confirmed")), []]
        assert [dialogs(notify) for notify in notifies] == expected
        versions = [ET.fromstring(notify.body).get("version") for notify in notifies]
        assert versions == ["0", "1", "2", "3", "4"]
        assert ET.fromstring(notifies[0].body).get("entity") == "sip:1002@10.0.0.1"
        assert b"<identity>sip:1003@10.0.0.1</identity>" in notifies[1].body
        await phone.close()


async def test_while_a_notify_is_on_its_way_changes_become_one() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        await phone.subscribe("dialog", "1002")
        await phone.request()
        await asyncio.sleep(1)
        for state in ("trying", "early", "confirmed"):
            moved(home, state)
        assert dialogs(await phone.request()) == [("c1", "trying")]
        assert dialogs(await phone.request()) == [("c1", "confirmed")]
        await asyncio.sleep(10)
        assert phone.requests.empty()
        await phone.close()


async def test_a_refresh_keeps_it_and_expires_0_ends_it_with_a_last_notify() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        tag = tag_of(await phone.subscribe("presence", "1002", 100))
        await phone.request()
        await asyncio.sleep(90)
        assert (await phone.subscribe("presence", "1002", 100, to_tag=tag)).status == 200
        assert (await phone.request()).headers.get("Subscription-State") == "active;expires=100"
        await asyncio.sleep(50)
        assert (await phone.subscribe("presence", "1002", 0, to_tag=tag)).headers.get("Expires") == "0"
        assert (await phone.request()).headers.get("Subscription-State") == "terminated;reason=timeout"
        assert len(home.phones.subscriptions) == 0
        assert (await phone.subscribe("presence", "1002", 100, to_tag=tag)).status == 481
        await phone.close()


async def test_a_refresh_may_bring_the_end_nearer() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        tag = tag_of(await phone.subscribe("presence", "1002", 3600))
        await phone.request()
        await phone.subscribe("presence", "1002", 60, to_tag=tag)
        await phone.request()
        began = asyncio.get_running_loop().time()
        assert (await phone.request()).headers.get("Subscription-State") == "terminated;reason=timeout"
        assert asyncio.get_running_loop().time() - began < 62
        await phone.close()


async def test_a_subscription_that_nobody_refreshes_ends() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        await phone.subscribe("presence", "1002", 60)
        await phone.request()
        assert (await phone.request()).headers.get("Subscription-State") == "terminated;reason=timeout"
        assert len(home.phones.subscriptions) == 0
        await phone.close()


async def test_expires_0_outside_of_a_dialog_asks_once() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        assert (await phone.subscribe("presence", "1002", 0)).status == 200
        asked = await phone.request()
        assert (asked.headers.get("Subscription-State"), basic(asked)) == ("terminated;reason=timeout", "closed")
        assert len(home.phones.subscriptions) == 0
        await phone.close()


@pytest.mark.parametrize("status", [481, 0])
async def test_who_does_not_know_the_notify_or_does_not_answer_it_is_forgotten(status: int) -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        phone.answers = status
        await phone.subscribe("presence", "1002")
        await asyncio.sleep(40)
        assert len(home.phones.subscriptions) == 0
        assert home.phones.subscriptions.counts["notify_failed"] == 1
        await phone.close()


@pytest.mark.parametrize(
    ("package", "to", "status"),
    [("conference", "1002", 489), ("presence", "4711", 404), ("message-summary", "1002", 403), ("", "1002", 489)],
)
async def test_what_can_not_be_watched_is_refused(package: str, to: str, status: int) -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        response = await phone.subscribe(package, to)
        assert response.status == status
        if status == 489:
            assert response.headers.get("Allow-Events") == "message-summary, presence, dialog"
        await phone.close()


async def test_a_body_that_we_do_not_have_is_406_and_a_short_interval_423() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        wanted = ["Event: presence", "Accept: application/cpim-pidf+xml", phone.contact]
        assert (await phone.ask("SUBSCRIBE", "1002", *wanted)).status == 406
        refused = await phone.subscribe("presence", "1002", 10)
        assert (refused.status, refused.headers.get("Min-Expires")) == (423, "60")
        await phone.close()


async def test_strangers_watch_nobody() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home, "1001")
        phone.password = "guess"
        assert (await phone.subscribe("presence", "1002")).status == 403
        assert len(home.phones.subscriptions) == 0
        await phone.close()


async def test_two_subscriptions_of_one_phone_do_not_mix() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        await phone.subscribe("presence", "1002")
        await phone.subscribe("dialog", "1003")
        await phone.request()
        await phone.request()
        moved(home, "early", user="1003")
        assert (await phone.request()).headers.get("Event") == "dialog"
        await asyncio.sleep(5)
        assert phone.requests.empty()
        await phone.close()


async def test_who_watches_a_user_that_is_no_more_is_told() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        await phone.subscribe("presence", "1002")
        await phone.request()
        await asyncio.sleep(1)
        home.phones.adopt(plan_of({"1001": "one-secret"}))
        assert (await phone.request()).headers.get("Subscription-State") == "terminated;reason=noresource"
        await phone.close()


async def test_who_is_no_user_any_more_watches_nobody() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        tag = tag_of(await phone.subscribe("presence", "1002"))
        await phone.request()
        await asyncio.sleep(1)
        home.phones.adopt(plan_of({"1002": "two-secret"}))
        assert (await phone.request()).headers.get("Subscription-State") == "terminated;reason=rejected"
        assert (await phone.subscribe("presence", "1002", to_tag=tag)).status == 481
        await phone.close()


async def test_a_phone_that_was_silent_and_registers_again_is_there_for_who_watches_it() -> None:
    async with house(registrar=QUIET) as home:
        watcher, watched = Telephone(home), Telephone(home, "1002", "10.0.0.3")
        await watched.register()
        await watcher.subscribe("presence", "1002")
        assert basic(await watcher.request()) == "open"
        (binding,) = home.phones.location.of("1002")
        await asyncio.sleep(1)
        home.phones.location.mark(binding, is_down=True)
        assert basic(await watcher.request()) == "closed"
        await watched.register()
        assert basic(await watcher.request()) == "open"
        for phone in (watcher, watched):
            await phone.close()


async def test_a_notify_to_where_a_phone_was_before_does_not_end_what_it_has_refreshed_from_elsewhere() -> None:
    async with house(registrar=QUIET) as home:
        phone, moved_on = Telephone(home), Telephone(home, port=5070)
        tag = tag_of(await phone.subscribe("presence", "1002"))
        await phone.request()
        phone.answers = 0  # its NAT has forgotten it
        await asyncio.sleep(1)
        home.phones.subscriptions._changed("presence", "1002")
        moved_on._name, moved_on._cseq = phone._name, phone._cseq
        assert (await moved_on.subscribe("presence", "1002", to_tag=tag)).status == 200
        notify = await moved_on.request()
        assert (notify.headers.get("Subscription-State") or "").startswith("active")
        assert len(home.phones.subscriptions) == 1
        for each in (phone, moved_on):
            await each.close()


async def test_a_request_within_no_dialog_of_ours_is_481() -> None:
    async with house(registrar=QUIET) as home:
        phone = Telephone(home)
        assert (await phone.subscribe("presence", "1002", to_tag="unknown")).status == 481
        await phone.close()


def test_the_diagram_of_the_page_is_that_of_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "phones.md"
    assert mermaid(TABLE, State.INITIAL) in page.read_text(encoding="utf-8")
