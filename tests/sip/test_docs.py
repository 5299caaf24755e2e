"""The diagrams in docs/sip.md are drawn from the tables that run. `python -m tests.sip.test_docs` draws them anew."""

from pathlib import Path

from softswitch.sip.session import offers, states
from softswitch.sip.tables import mermaid
from softswitch.sip.transaction import client_invite, client_non_invite, server_invite, server_non_invite

PAGE = Path(__file__).parents[2] / "docs" / "sip.md"
BEGIN, END = "<!-- diagrams: begin -->", "<!-- diagrams: end -->"


def diagrams() -> str:
    drawn = [
        ("INVITE client transaction", mermaid(client_invite.TABLE, client_invite.State.CALLING)),
        ("non-INVITE client transaction", mermaid(client_non_invite.TABLE, client_non_invite.State.TRYING)),
        ("INVITE server transaction", mermaid(server_invite.TABLE, server_invite.State.PROCEEDING)),
        ("non-INVITE server transaction", mermaid(server_non_invite.TABLE, server_non_invite.State.TRYING)),
        ("session, incoming", mermaid(states.TABLE, states.State.INCOMING)),
        ("offer and answer", mermaid(offers.TABLE, offers.OfferState.STABLE)),
    ]
    drawn[4] = ("session (an outgoing one begins at CALLING)", drawn[4][1])
    return "\n\n".join(f"### {title}\n\n```mermaid\n{diagram}\n```" for title, diagram in drawn)


def test_the_diagrams_of_the_page_are_those_of_the_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = page.partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == diagrams(), "docs/sip.md is stale: run `python -m tests.sip.test_docs`"


def draw() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{diagrams()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    draw()
