"""Do API requests cost the calls anything?

    python -m benchmarks.api_load --legs 1000 --requests 200 --seconds 20

One room of the real `softswitch serve` with its store, its records and its API. Every leg is a call over SIP; the far
end of the audio is `benchmarks.rtp_load`. The same room is measured twice: left alone, and while clients read lists,
meetings, calls and records over kept-alive connections at a steady rate. The yardstick is the room left alone.
"""

import argparse
import asyncio
import base64
import itertools
import json
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.meeting import join, token
from benchmarks.processes import ALL_HANDS, SwitchProcess, free_port
from benchmarks.report import Report
from benchmarks.rtp_load import SETTLE_S, LoadResult, RtpLoad
from softswitch.sip import Stack, Transport

TALKERS = 5
CLIENTS = 8
LOGIN, PASSWORD = "benchmark", "benchmark benchmark"
COLUMNS = (
    "legs", "requests/s", "on time %", "ratio", "delivered %", "delay ms p50", "p99", "heard %", "API ms p50",
    "API p99", "API worst", "refused", "switch core", "phones late",
)  # fmt: skip
CORE = (
    "/switch/v1/calls?limit=10",
    "/switch/v1/rooms",
    "/core/v2/trunk_groups?with_trunks=true",
    "/core/v2/calls/call_drs?limit=10&order=date_start%20desc",
    "/core/v2/phonenumber/dids?filter=phonenumber%20like%20%221202%25%22",
    f"/switch/v1/explain?from=13105550123&to={ALL_HANDS}",
)
CONFERENCE = ("/conference/v2/meetings", "/conference/v2/calls?limit=10&filter=muted%20eq%20false")


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement of the room; `answers_ms` has the time of every request."""

    far_end: LoadResult
    answers_ms: list[float]
    answered_per_second: float
    refused: int
    core: float


class Api:
    """The clients: so many requests a second over a few connections, each answered before the next on it."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        bearer = f"Bearer {token}"
        basic = "Basic " + base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        pairs = [(path, bearer) for path in CORE] + [(path, basic) for path in CONFERENCE]
        self._requests = [
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {credentials}\r\n\r\n".encode()
            for path, credentials in pairs
        ]
        self._bearer = bearer
        self.answers_ms: list[float] = []
        self.refused = 0

    async def load(self, per_second: float, seconds: float) -> None:
        turns = itertools.cycle(self._requests)
        async with asyncio.TaskGroup() as group:
            for client in range(CLIENTS):
                group.create_task(self._client(turns, client / per_second, CLIENTS / per_second, seconds))

    async def _client(self, turns: Iterator[bytes], offset_s: float, every_s: float, seconds: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        began = time.monotonic() + offset_s
        for number in range(int(seconds / every_s)):
            await asyncio.sleep(began + number * every_s - time.monotonic())
            sent_at = time.monotonic()
            status, _ = await _ask(reader, writer, next(turns))
            self.answers_ms.append(1000 * (time.monotonic() - sent_at))
            self.refused += status != 200
        writer.close()

    async def give_login(self) -> None:
        """The conference that we ship gets a login of ours."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {self._bearer}\r\n"
        asked = f"GET /core/v2/endpoints?filter=name%20eq%20conference {head}\r\n".encode()
        sid = json.loads((await _ask(reader, writer, asked))[1])["items"][0]["endpoint_sid"]
        body = json.dumps({"properties": {"login": LOGIN, "password": PASSWORD}})
        content = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        changed = f"PATCH /core/v2/endpoints/{sid} {head}{content}\r\n{body}".encode()
        status, answer = await _ask(reader, writer, changed)
        if status != 200:
            raise RuntimeError(f"no login: {status} {answer!r}")
        writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return int(head[9:12]), await reader.readexactly(int(length[1]) if length else 0)


def main() -> None:
    arguments = _arguments()
    report = Report("Do API requests cost the calls anything?", COLUMNS)
    alone, loaded = asyncio.run(_measure(arguments.legs, arguments.requests, arguments.seconds))
    for run in (alone, loaded):
        far_end = run.far_end
        report.row(
            arguments.legs,
            run.answered_per_second,
            100 * far_end.on_time_share,
            far_end.on_time_share / alone.far_end.on_time_share,
            100 * far_end.delivered_share,
            far_end.delay_p50_ms,
            far_end.delay_p99_ms,
            100 * far_end.heard_share,
            *(float(np.percentile(run.answers_ms, q)) if run.answers_ms else None for q in (50, 99, 100)),
            run.refused,
            run.core,
            far_end.late_sends,
        )
    report.note("on time: packets within 20 ms of their stream's own rhythm; ratio: to the room left alone before")
    report.note("switch core: signalling and API process, without the media process")
    report.note("phones late: milliseconds in which the far end itself was late by over 5 ms; it shares the cores")
    report.show()
    print(report.write(arguments.json))


async def _measure(legs: int, requests: float, seconds: float) -> tuple[Run, Run]:
    api_port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        RtpLoad(legs, TALKERS) as load,
        SwitchProcess(Path(folder), SOFTSWITCH_API__PORT=str(api_port)) as switch,
    ):
        api = Api(api_port, await token(switch))
        await api.give_login()
        phones = Stack()
        await phones.listen(Transport.UDP, "127.0.0.1", 0)
        ports = await join(phones, switch, load.ports)
        alone = await _run(switch, load, ports, seconds, api, 0)
        loaded = await _run(switch, load, ports, seconds, api, requests)
        await phones.close()
        return alone, loaded


async def _run(
    switch: SwitchProcess, load: RtpLoad, ports: list[int], seconds: float, api: Api, requests: float
) -> Run:
    """The room for so long; requests begin after the settling time."""
    api.answers_ms, api.refused = [], 0
    far_end = asyncio.create_task(asyncio.to_thread(load.run, ports, seconds))
    await asyncio.sleep(SETTLE_S)
    began, cpu_s = time.monotonic(), switch.cpu_by_process()[switch.pid]
    if requests:
        await api.load(requests, seconds - 0.5)
    else:
        await asyncio.sleep(seconds - 0.5)
    lasted_s = time.monotonic() - began
    core = (switch.cpu_by_process()[switch.pid] - cpu_s) / lasted_s
    return Run(await far_end, api.answers_ms, len(api.answers_ms) / lasted_s, api.refused, core)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", default="api_load", help="a path, or a bare name in benchmarks/results")
    parser.add_argument("--legs", type=int, default=1000)
    parser.add_argument("--requests", type=float, default=200, help="a second")
    parser.add_argument("--seconds", type=float, default=20, help="how long each is measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
