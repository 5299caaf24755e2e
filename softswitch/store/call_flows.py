"""The four call flows: fixed, read only, and with the same sids in every switch."""

import uuid
from collections.abc import Mapping
from typing import get_args

from softswitch.plan import CallFlow

_NAMESPACE = uuid.UUID("6a0f7c1e-6b1b-5c58-9c3f-3b0e7b0c5d10")

CALL_FLOW_SIDS: Mapping[str, str] = {name: str(uuid.uuid5(_NAMESPACE, name)) for name in get_args(CallFlow)}
"""By name: open, secured, direct_host, direct_participant."""

CALL_FLOW_NAMES: Mapping[str, CallFlow] = {sid: name for name, sid in CALL_FLOW_SIDS.items()}  # type: ignore[misc]
"""By sid."""
