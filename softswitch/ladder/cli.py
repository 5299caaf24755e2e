"""`softswitch ladder CALL`: the ladder of a call, drawn on the terminal."""

import json as json_format
from typing import Annotated

import typer
from rich.console import Console

from softswitch.api_client import DEFAULT_URL, ApiClient, Token, Url
from softswitch.ladder.drawing import styled


def ladder(
    call: Annotated[str, typer.Argument(help="The call's id, its sid, or the Call-ID of its INVITE.")],
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    messages: Annotated[bool, typer.Option("--messages", help="Every SIP message in full below the drawing.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Draw everything that happened in a call: messages, states, keys, quality, callbacks. Secrets are not shown."""
    with ApiClient(url, token) as api:
        picture = api.get(f"/switch/v1/ladder/{call}", missing=f"nothing is known of call {call} (any more)")
    if json:
        typer.echo(json_format.dumps(picture, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(styled(picture), soft_wrap=True)
    for entry in picture["entries"] if messages else ():
        if entry["message"]:
            console.rule(f"{entry['offset_ms']:.1f} ms  {entry['direction']}  {entry['peer']}", align="left")
            console.print(entry["message"].strip(), markup=False, highlight=False, soft_wrap=True)
