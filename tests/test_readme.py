"""The README as a list of pages: each once, and each there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_readme_lists_every_page_of_docs_once() -> None:
    table = (ROOT / "README.md").read_text().partition("## Where to read on")[2].partition("\n## ")[0]
    listed = re.findall(r"\]\((docs/[^)#]+)\)", table)
    assert sorted(listed) == sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))
