"""The sentences that we ship for the conference, and the program that says them."""

import tomllib
from pathlib import Path

import softswitch
from media.players import SHIPPED

SAID_BY_STATE = {"recording_stopped", "recording_failed"}


def test_every_prompt_that_we_ship_is_said_somewhere() -> None:
    """Some were made for steps that no caller comes to: whoever recorded his own voice recorded them too."""
    shipped = tomllib.loads((SHIPPED / "prompts.toml").read_text(encoding="utf-8"))["en_US/conference"]
    program = "\n".join(path.read_text() for path in Path(softswitch.__file__).parent.rglob("*.py"))
    unsaid = {name for name in shipped if f'"{name}"' not in program and f'"conference/{name}"' not in program}
    assert unsaid == SAID_BY_STATE
