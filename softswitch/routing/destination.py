"""Where a call goes: to an endpoint of ours, to a user's phones, or out to the PSTN."""

from dataclasses import dataclass

from softswitch.plan import AnyEndpoint, Did, TrunkGroup, User


@dataclass(frozen=True, slots=True)
class ToEndpoint:
    """A DID leads to an endpoint."""

    did: Did
    endpoint: AnyEndpoint

    @property
    def name(self) -> str:
        return self.endpoint.name


@dataclass(frozen=True, slots=True)
class ToUser:
    """A user is called, by his name or over a DID."""

    user: User
    did: Did | None = None

    @property
    def name(self) -> str:
        return f"user {self.user.username}"


@dataclass(frozen=True, slots=True)
class ToPstn:
    """A number of somebody else, reached over a trunk group."""

    number: str
    trunk_group: TrunkGroup

    @property
    def name(self) -> str:
        return f"trunk group {self.trunk_group.name}"


Destination = ToEndpoint | ToUser | ToPstn
