"""The sids of what a call touches, as its record names them; None for what has no home in a store."""

from softswitch.plan import Plan


class Sids:
    """Who owns the calls of this switch, and the plan whose objects they touch."""

    def __init__(self, plan: Plan, *, partner: str = "", system_gateway: str = "") -> None:
        """`system_gateway` is the endpoint that stands for the PSTN."""
        self.partner = partner or None
        self.system_gateway = system_gateway or None
        self._plan = plan

    def adopt(self, plan: Plan) -> None:
        """The next call touches the objects of this plan."""
        self._plan = plan

    def endpoint(self, name: str) -> str | None:
        found = self._plan.endpoints.get(name)
        return found.sid or None if found else None

    def meeting_room(self, endpoint: str, name: str) -> str | None:
        found = self._plan.meeting_rooms.get(endpoint, {}).get(name)
        return found.sid or None if found else None
