"""What the API changes is in force for the next call; and what a conference records becomes a file."""

import asyncio
from typing import Any

from softswitch.api.core.recordings import SETTLED_S, Recordings
from softswitch.api.core.storage import Storage
from tests.api.live.house import OTHER_NUMBER, House

ROOMS = "/conference/v2/meeting_rooms"
DIDS = "/core/v2/phonenumber/dids"


async def test_a_code_made_over_the_api_opens_its_room_for_the_next_call_and_a_removed_one_for_nobody(
    home: House,
) -> None:
    key = {"access_code": "987654", "role": "host"}
    room = (await home.owner.post(ROOMS, json={"name": "brand new", "access_codes": [key]})).json()
    phone = await home.enter("987654")
    assert (await home.meeting())["name"] == "brand new"
    phone.session.hang_up()
    assert (await home.owner.delete(f"{ROOMS}/{room['meeting_room_sid']}")).status_code == 204
    later = await home.dial(caller="13105550002").answered()
    await later.press("987654#")
    await asyncio.sleep(3)
    assert home.call(later).state not in ("talking", "waiting", "on hold")


async def test_a_number_made_over_the_api_is_reached_by_the_next_call(home: House) -> None:
    endpoints = await home.admin.get("/core/v2/endpoints", params={"filter": "name eq conference"})
    number = {"phonenumber": "4930123456", "endpoint_sid": endpoints.json()["items"][0]["endpoint_sid"]}
    did = await home.admin.post(DIDS, json=number)
    assert did.status_code == 200
    phone = await home.dial("4930123456").answered()
    assert home.call(phone).to_number == "4930123456"
    other = await home.admin.get(DIDS, params={"filter": f"phonenumber eq {OTHER_NUMBER}"})
    assert (await home.admin.delete(f"{DIDS}/{other.json()['items'][0]['did_sid']}")).status_code == 204
    assert OTHER_NUMBER not in home.app.plan.dids


async def test_a_recording_that_ends_is_a_file_in_the_container_of_its_endpoint(home: House) -> None:
    container = (await home.admin.post("/core/v2/storage/containers", json={"name": "ours"})).json()
    endpoints = await home.admin.get("/core/v2/endpoints", params={"filter": "name eq conference"})
    address = f"/core/v2/endpoints/{endpoints.json()['items'][0]['endpoint_sid']}"
    wanted = {"properties": {"container_sid": container["container_sid"]}}
    assert (await home.admin.patch(address, json=wanted)).status_code == 200
    data = home.app.settings.data
    keeping = Recordings(home.store, Storage(home.store, data), data, home.app.events, home.app.endpoints)
    running = asyncio.create_task(keeping.run())
    await home.enter("host", tone_hz=440)
    await home.steer(recording=True)
    await asyncio.sleep(5)
    await home.steer(recording=False)
    await asyncio.sleep(SETTLED_S + 2)
    files: list[dict[str, Any]] = []
    while not files:  # the database takes its time, of which virtual time knows nothing
        files = (await home.admin.get("/core/v2/storage/files")).json()["items"]
    (file,) = files
    assert (file["type"], file["container_sid"]) == ("recording", container["container_sid"])
    assert file["content_duration"] > 3
    assert (await home.admin.get(file["publish_uri"])).content.startswith(b"RIFF")
    running.cancel()
    await asyncio.wait({running})
