"""The page about conferences shows the tables of the program as they are; here it says when it is stale."""

from pathlib import Path

import pytest

from softswitch.call import Table
from softswitch.endpoints.conference.properties import TABLE
from softswitch.endpoints.conference.states import ATTENDEE_TABLE, MEETING_TABLE

PAGE = Path(__file__).parents[3] / "docs" / "conference.md"


def properties_as_markdown() -> str:
    rows = ["| property | default | accepts | meaning |", "|---|---|---|---|"]
    for row in TABLE:
        default = f"`{row.default}`" if row.default else ""
        ours = " (ours)" if row.ours else ""
        rows.append(f"| `{row.name}`{ours} | {default} | {row.kind.accepted} | {row.meaning} |")
    return "\n".join(rows)


@pytest.mark.parametrize("table", [ATTENDEE_TABLE, MEETING_TABLE], ids=lambda table: table.name)
def test_the_page_shows_the_states(table: Table) -> None:  # type: ignore[type-arg]
    assert f"```mermaid\n{table.mermaid()}\n```" in PAGE.read_text(), f"put this into {PAGE.name}:\n{table.mermaid()}"


def test_the_page_shows_the_properties() -> None:
    wanted = properties_as_markdown()
    assert wanted in PAGE.read_text(), f"put this into {PAGE.name}:\n{wanted}"
