"""The page about calls says what the program does."""

from pathlib import Path

from softswitch.call import STAGE_TABLE

PAGE = Path(__file__).parents[2] / "docs" / "calls.md"


def test_the_page_shows_the_stages() -> None:
    drawn = STAGE_TABLE.mermaid()
    assert f"```mermaid\n{drawn}\n```" in PAGE.read_text(), f"put this into {PAGE.name}:\n{drawn}"
