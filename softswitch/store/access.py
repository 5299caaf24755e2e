"""Which containers an endpoint may play files from. One rule, for the API and for endpoints that play by themselves."""

from softswitch.store.query import Condition, ListQuery
from softswitch.store.store import Store

RECORDINGS = "recordings"
"""`unique` of the container with the recordings of all conferences that have none of their own."""


async def may_play_from(store: Store, endpoint_sid: str, container_sid: str) -> bool:
    """Whether a container of the same partner is the endpoint's own, or nobody's; that of all recordings never is."""
    endpoint = await store.get("endpoints", endpoint_sid)
    container = await store.get("containers", container_sid)
    if endpoint is None or container is None or container["partner_sid"] != endpoint["partner_sid"]:
        return False
    if endpoint["properties"].get("container_sid") == container_sid:
        return True
    theirs = ListQuery(conditions=(Condition(("properties", "container_sid"), "eq", container_sid),), limit=1)
    owners = await store.list("endpoints", theirs)
    return not owners.items and container["unique"] != RECORDINGS
