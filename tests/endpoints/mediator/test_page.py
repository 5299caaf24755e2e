"""The page says what the program does."""

from pathlib import Path

from softswitch.endpoints.mediator.attributes import ANNOUNCE, CNAM, HIDE, RINGBACK
from softswitch.endpoints.mediator.dialout import DIALOUT_TABLE

PAGE = (Path(__file__).parents[3] / "docs" / "mediator.md").read_text()


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert f"```mermaid\n{DIALOUT_TABLE.mermaid()}\n```" in PAGE, DIALOUT_TABLE.mermaid()


def test_every_attribute_has_a_row() -> None:
    for name in (ANNOUNCE, CNAM, HIDE, RINGBACK):
        assert f"| `{name}` |" in PAGE
