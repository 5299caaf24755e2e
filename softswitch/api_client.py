"""How our own commands ask a running switch: its API, with a token. What goes wrong is one sentence and status 1."""

from types import TracebackType
from typing import Annotated, Any

import typer

DEFAULT_URL = "http://127.0.0.1:8080"
URL_VARIABLE = "SOFTSWITCH_URL"
TOKEN_VARIABLE = "SOFTSWITCH_TOKEN"  # noqa: S105 - the name of it
TIMEOUT_S = 10.0
WANTS_A_TOKEN = (
    f"wants a token with switch.read: --token, or {TOKEN_VARIABLE} in the environment. "
    "The switch shows its admin token once, at its first start; `softswitch token new` makes another"
)

REFUSES = (
    "refuses the token: it is mistyped, revoked, another switch's, or has no scope switch.read. "
    "`softswitch token new` makes another"
)

Url = Annotated[str, typer.Option("--url", envvar=URL_VARIABLE, help="Where the API of the switch is.")]
Token = Annotated[str, typer.Option("--token", envvar=TOKEN_VARIABLE, help="A token with switch.read.")]


class Unanswered(Exception):  # noqa: N818 - what happened
    """The API did not give what was asked for; the text says why."""


class ApiClient:
    """GET as JSON. A context manager, whose end says what went wrong and is `typer.Exit`: so what is open within it, a
    screen for instance, is closed by then. Without a token that is at once."""

    def __init__(self, url: str, token: str) -> None:
        import httpx

        if not token.isascii() or not token.strip():
            raise _told(f"{url} {WANTS_A_TOKEN}")
        self._url = url
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token.strip()}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()
        if isinstance(error, Unanswered):
            raise _told(str(error)) from None

    def get(self, path: str, missing: str = "") -> Any:
        """What is at `path`. Raises `Unanswered`; `missing` is the sentence for 404."""
        import httpx

        try:
            answer = self._client.get(path)
        except httpx.HTTPError as error:
            raise Unanswered(f"no answer from {self._url}: {error or type(error).__name__}") from None
        if answer.status_code in (401, 403):
            raise Unanswered(f"{self._url} {REFUSES}")
        if answer.status_code == 404 and missing:
            raise Unanswered(missing)
        if answer.is_error:
            raise Unanswered(f"{self._url}{path}: {answer.status_code} {answer.text[:200]}")
        return answer.json()


def _told(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)
