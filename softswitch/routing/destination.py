"""Where a call goes: to an endpoint of ours, to a user's phones, or out to the PSTN."""

from msgspec import Struct

from softswitch.plan import AnyEndpoint, Did, TrunkGroup, User
from softswitch.sip.replaces import Replaces


class ToEndpoint(Struct, frozen=True):
    """A DID leads to an endpoint."""

    did: Did
    endpoint: AnyEndpoint

    @property
    def name(self) -> str:
        return self.endpoint.name


class ToUser(Struct, frozen=True):
    """A user is called, by his name or over a DID."""

    user: User
    did: Did | None = None

    @property
    def name(self) -> str:
        return f"user {self.user.username}"


class ToPstn(Struct, frozen=True):
    """A number of somebody else, reached over a trunk group."""

    number: str
    trunk_group: TrunkGroup

    @property
    def name(self) -> str:
        return f"trunk group {self.trunk_group.name}"


class ToTalk(Struct, frozen=True):
    """A user takes the place of one side of a talk (RFC 3891)."""

    replaces: Replaces

    @property
    def name(self) -> str:
        return "a talk"


Destination = ToEndpoint | ToUser | ToPstn | ToTalk
