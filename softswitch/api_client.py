"""How our own commands ask a running switch: its API, with a token. What goes wrong is one sentence and status 1."""

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

Url = Annotated[str, typer.Option("--url", envvar=URL_VARIABLE, help="Where the API of the switch is.")]
Token = Annotated[str, typer.Option("--token", envvar=TOKEN_VARIABLE, help="A token with switch.read.")]


class ApiClient:
    """GET and POST as JSON. A context manager. Without a token `typer.Exit`, after a sentence."""

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

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, missing: str = "") -> Any:
        """What is at `path`. Raises `typer.Exit` after a sentence; `missing` is the one for 404."""
        import httpx

        try:
            answer = self._client.get(path)
        except httpx.HTTPError as error:
            raise _told(f"no answer from {self._url}: {error or type(error).__name__}") from None
        if answer.status_code in (401, 403):
            raise _told(f"{self._url} {WANTS_A_TOKEN}")
        if answer.status_code == 404 and missing:
            raise _told(missing)
        if answer.is_error:
            raise _told(f"{self._url}{path}: {answer.status_code} {answer.text[:200]}")
        return answer.json()


def _told(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)
