"""`/openapi.json`, and `/docs`: the same document as a page to read, without a script or a style from elsewhere.

Both are written when somebody asks for one of them first, in a thread, for that takes most of a second; and kept.
"""

import asyncio
import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from softswitch import garbage

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer; padding: .2rem 0 }
details { border-bottom: 1px solid #8884 }
code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { background: #8882; padding: .6rem; overflow-x: auto }
b.method { display: inline-block; width: 4.5rem }
table { border-collapse: collapse } td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top }
nav a { margin-right: .8rem }
"""


@dataclass(frozen=True, slots=True)
class Documents:
    """What is answered: the document for programs, and the page for people."""

    json: bytes
    page: str


def add_docs(api: FastAPI) -> None:
    """Puts the page at `/docs`, where `/` leads to, and the document at `/openapi.json`."""
    one_writes = asyncio.Lock()
    written: list[Documents] = []

    async def documents() -> Documents:
        async with one_writes:
            if not written:
                written.append(await asyncio.to_thread(_written, api))
        return written[0]

    @api.get("/", include_in_schema=False)
    async def front() -> Response:
        return RedirectResponse("/docs")

    @api.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse((await documents()).page)

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response((await documents()).json, media_type=JSONResponse.media_type)


def _written(api: FastAPI) -> Documents:
    """What it is written from is given up at once, and not left to the garbage collector."""
    with garbage.paused():
        document = api.openapi()
        api.openapi_schema = None
        return Documents(msgspec.json.encode(document), "".join(_page(document)))


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f"<!doctype html><meta charset=utf-8><title>{_text(info['title'])}</title><style>{STYLE}</style>"
    yield f"<h1>{_text(info['title'])} {_text(info['version'])}</h1>"
    yield f"<p>{_text(info.get('description', ''))} For programs: <a href=/openapi.json>openapi.json</a>.</p>"
    by_tag = _by_tag(document)
    yield "<nav>" + "".join(f"<a href='#{_anchor(tag)}'>{_text(tag)}</a>" for tag in by_tag) + "</nav>"
    for tag, operations in by_tag.items():
        yield f"<h2 id='{_anchor(tag)}'>{_text(tag)}</h2>"
        for path, method, operation in operations:
            yield from _operation(document, path, method, operation)


def _by_tag(document: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation.get("tags", ["other"])[0], []).append((path, method, operation))
    return by_tag


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<details><summary><b class=method>{method.upper()}</b><code>{_text(path)}</code></summary>"
    yield f"<p>{_text(operation.get('description') or operation.get('summary', ''))}</p>"
    parameters = [found for found in operation.get("parameters", ()) if found["in"] == "query"]
    if parameters:
        yield "<h4>Query</h4>" + _table((found["name"], found.get("description", "")) for found in parameters)
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        yield f"<h4>Body ({_text(kind)})</h4>"
        yield from _attributes(document, body.get("schema", {}))
        for example in body.get("examples", {}).values():
            yield f"<pre>{_json(example['value'])}</pre>"
    for status, response in operation.get("responses", {}).items():
        example = response.get("content", {}).get("application/json", {}).get("example")
        yield f"<h4>{status} {_text(response.get('description', ''))}</h4>" if status < "3" else ""
        yield f"<pre>{_json(example)}</pre>" if example is not None and status < "3" else ""
    yield "</details>"


def _attributes(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, schema)
    rows = [(field, _described(found)) for field, found in schema.get("properties", {}).items()]
    if rows:
        yield _table(rows)


def _described(schema: dict[str, Any]) -> str:
    kind = schema.get("type") or " or ".join(part.get("type", "object") for part in schema.get("anyOf", ()))
    words = [kind, schema.get("description", "")]
    if "enum" in schema:
        words.append("one of " + ", ".join(map(str, schema["enum"])))
    if "default" in schema:
        words.append(f"default {json.dumps(schema['default'])}")
    return "; ".join(word for word in words if word)


def _table(rows: Any) -> str:
    cells = (f"<tr><td><code>{_text(name)}</code><td>{_text(meaning)}" for name, meaning in rows)
    return f"<table>{''.join(cells)}</table>"


def _json(value: Any) -> str:
    return _text(json.dumps(value, indent=2, ensure_ascii=False))


def _anchor(tag: str) -> str:
    return html.escape(tag.replace(" ", "-"))


def _text(text: Any) -> str:
    return html.escape(str(text))
