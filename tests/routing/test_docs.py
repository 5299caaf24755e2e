"""The diagram in docs/trunks.md is drawn from the table that runs. `python -m tests.routing.test_docs` draws it."""

from pathlib import Path

from softswitch.routing.failures import TABLE, TrunkService
from softswitch.sip.tables import mermaid

PAGE = Path(__file__).parents[2] / "docs" / "trunks.md"
BEGIN, END = "<!-- diagram: begin -->", "<!-- diagram: end -->"


def diagram() -> str:
    return f"```mermaid\n{mermaid(TABLE, TrunkService.IN_SERVICE)}\n```"


def test_the_diagram_of_the_page_is_that_of_the_table() -> None:
    shown = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == diagram(), "docs/trunks.md is stale: run `python -m tests.routing.test_docs`"


def draw() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{diagram()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    draw()
