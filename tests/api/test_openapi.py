"""The OpenAPI document against a running switch: what it allows and what it forbids, and never a 500."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "SOFTSWITCH_SIP__PORT": "0", "SOFTSWITCH_API__PORT": "0", "COLUMNS": "200"}

EXAMPLES = 6
LEFT_OUT = ("/events", "/drain")
"""An endless answer, and the end of the program: they have tests of their own."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@dataclass(frozen=True)
class Switch:
    """`softswitch serve` as a process; `sids` has one object of each kind, by the name that paths have for it."""

    url: str
    token: str
    login: tuple[str, str]
    mediator: tuple[str, str]
    sids: dict[str, str]

    def credentials(self, path: str) -> dict[str, Any]:
        if path.startswith("/conference/v2"):
            return {"auth": self.login}
        if path.startswith("/mediator/v1"):
            return {"auth": self.mediator}
        return {"headers": {"Authorization": f"Bearer {self.token}"}}


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    folder = tmp_path_factory.mktemp("switch")
    log = folder / "log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "softswitch", "serve", "--config", str(ROOT / "config")],
            cwd=folder,
            env=os.environ | ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "admin token" in line:
            break
    url, token = re.search(r"(http://[0-9.:]+)", said), re.search(r"(sw_\S+)", said)
    assert url is not None
    assert token is not None
    yield _furnished(url[1], token[1])
    process.terminate()
    assert process.wait(30) == 0
    process.stdout.close()
    assert "Traceback" not in log.read_text()


def _furnished(url: str, token: str) -> Switch:
    """With one object of each kind, so that a path can also name something that is there."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as core:
        endpoint = core.post("/core/v2/endpoints", json={"type": "conference", "name": "fuzzing"}).json()
        other = core.post("/core/v2/endpoints", json={"type": "conference", "name": "fuzzed"}).json()
        login = (endpoint["properties"]["login"], endpoint["properties"]["password"])
        group = core.post("/core/v2/trunk_groups", json={"name": "fuzzed"}).json()
        trunk = core.post(f"/core/v2/trunk_groups/{group['trunk_group_sid']}/trunks", json={}).json()
        number = {"phonenumber": "4930123456", "endpoint_sid": endpoint["endpoint_sid"]}
        did = core.post("/core/v2/phonenumber/dids", json=number).json()
        container = core.post("/core/v2/storage/containers", json={"name": "fuzzed"}).json()
        form = {"container_sid": container["container_sid"]}
        file = core.post("/core/v2/storage/files", data=form, files={"file": ("f.txt", b"text")}).json()
        mediating = core.post("/core/v2/endpoints", json={"type": "mediator", "name": "fuzzing too"}).json()
        mediator = (mediating["properties"]["login"], mediating["properties"]["password"])
        redirect = {"phonenumber": "4930123457", "endpoint_sid": mediating["endpoint_sid"]}
        core.post("/core/v2/phonenumber/dids", json=redirect)
        user = core.post("/core/v2/users", json={"username": "fuzzed", "password": "long enough"}).json()
    with httpx.Client(base_url=url, auth=login, timeout=60) as conference:
        room = conference.post("/conference/v2/meeting_rooms", json={"name": "fuzzed"}).json()
        did_group = conference.post("/conference/v2/did_groups", json={"name": "fuzzed"}).json()
    with httpx.Client(base_url=url, auth=mediator, timeout=60) as client:
        bound = client.post("/mediator/v1/bindings", json={"destination_did": "4930123458"}).json()["body"]
        stages = {"stage_one_destination_did": "4930123459", "stage_two_destination_did": "4930123460"}
        waiting = {**stages, "redirect_did": "4930123457", "delay": 3600}
        dialout = client.post("/mediator/v1/dialouts", json=waiting).json()["body"]
    sids = {
        name: value
        for found in (group, trunk, did, container, file, user, room, did_group, other, bound, dialout)
        for name, value in found.items()
        if name.endswith("_sid") and name != "account_sid" and isinstance(value, str)
    }  # not the account that asks: it would get another password
    return Switch(url, token, login, mediator, sids)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_that_the_document_describes_or_forbids_makes_a_500(switch: Switch, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{switch.url}/openapi.json", timeout=60)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith(LEFT_OUT):
            _try(switch, operation, mode)
            tried += 1
    assert tried > 70


def _try(switch: Switch, operation: Any, mode: GenerationMode) -> None:
    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_there=st.booleans())
    def one(case: Any, is_there: bool) -> None:
        if is_there and operation.method != "delete":
            for name in case.path_parameters or {}:
                case.path_parameters[name] = switch.sids.get(name, case.path_parameters[name])
        response = case.call(base_url=switch.url, timeout=30, **switch.credentials(operation.path))
        case.validate_response(response, checks=CHECKS)

    one()


def test_the_documented_examples_are_what_the_document_says(switch: Switch) -> None:
    document = httpx.get(f"{switch.url}/openapi.json", timeout=60).json()
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    for operation in operations:
        for status, response in operation["responses"].items():
            if status == "200" and "application/json" in response.get("content", {}):
                assert response["content"]["application/json"].get("example") is not None, operation["operationId"]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
