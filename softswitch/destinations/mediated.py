"""Where the numbers of a mediator lead: users, the PSTN, endpoints of ours; each sees of the caller what is shown.

A redirection is no way on here: whoever is called by a binding is called nowhere else, and forwards of a user are not
followed, for each would tell somebody a number.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from softswitch.call import Call, Invitation, Outcome
from softswitch.destinations.destinations import NO_PHONE, NOT_FOUND, Destinations, Phones
from softswitch.endpoints.mediator.masking import Shown
from softswitch.errors import CallRejected
from softswitch.plan import MediatorEndpoint, Plan, TrunkGroup, User
from softswitch.routing import Target, ToEndpoint, ToPstn, ToTalk, ToUser
from softswitch.routing.caller import Caller
from softswitch.sip.uri import escape_user

LOOP = CallRejected(482, "Loop Detected", q850=25)
FORWARDED = "unconditional"
"""Why the redirect number stands in Diversion, for a caller who is shown (RFC 5806)."""


class MediatedWays:
    """What `endpoints.mediator` asks for its calls."""

    def __init__(
        self,
        destinations: Destinations,
        phones: Phones,
        plan: Callable[[], Plan],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._destinations, self._phones, self._plan, self._clock = destinations, phones, plan, clock
        self._indexed: dict[str, User] = {}
        self._by_number: dict[str, User] = {}

    def lead(self, number: str, account: MediatorEndpoint) -> ToEndpoint | ToUser | ToPstn:
        """Raises `CallRejected`: 404 where a number leads nowhere, 482 where it leads to a mediator again."""
        destination = self._destinations.router.over(number, self._trunk_group(account))
        if isinstance(destination, ToPstn) and (user := self._users_by_number().get(number)) is not None:
            destination = ToUser(user)
        if destination is None or isinstance(destination, ToTalk):
            raise NOT_FOUND
        if isinstance(destination, ToEndpoint) and isinstance(destination.endpoint, MediatorEndpoint):
            raise LOOP
        return destination

    def invitation(
        self,
        destination: ToUser | ToPstn,
        shown: Shown,
        account: MediatorEndpoint,
        call: Call | None,
    ) -> Invitation:
        """Raises `CallRejected`: nobody is registered (480), no trunk can take it (502, 503), it may not (403)."""
        if isinstance(destination, ToUser):
            return self._to_user(destination, shown)
        return self._to_pstn(destination, shown, account, call)

    async def hand_on(self, call: Call, destination: ToEndpoint, shown: Shown) -> Outcome:
        """The endpoint takes it as a call of whoever is shown. Raises `Refused` 503 where it is full."""
        call.passage.enter(self._destinations.gates_of(destination), self._clock())
        call.from_number, call.from_name, call.did = shown.number, shown.name, destination.did
        call.headers = {name.lower(): value for name, value in shown.headers}
        return await self._destinations.run(call, destination)

    def _to_user(self, destination: ToUser, shown: Shown) -> Invitation:
        user = destination.user
        groups = self._phones.targets(user, self._clock())
        if not groups:
            raise NO_PHONE
        return Invitation(
            [[_with(target, shown) for target in group] for group in groups],
            from_number=escape_user(shown.number),
            from_name=shown.name,
            to_number=user.username,
            ring_s=user.ring_s,
            on_tried=_while_phones_are_left,
            callee=user,
        )

    def _to_pstn(self, to: ToPstn, shown: Shown, account: MediatorEndpoint, call: Call | None) -> Invitation:
        outward = self._destinations.outward
        caller = Caller(
            shown.number,
            shown.name,
            endpoint=account,
            claims=shown.number,
            diversions=() if shown.is_hidden else ((shown.redirect_did, FORWARDED),),
        )
        targets, reasons = outward.targets(to.number, to.trunk_group, caller, self._clock())
        for reason in reasons if call is not None else ():
            if call is not None and reason.step == "trunk":
                call.record("weighed", f"{reason.candidate}: {reason.why}")
        return Invitation(
            [[_with(target, shown)] for target in targets],
            from_number=escape_user(shown.number),
            from_name=shown.name,
            to_number=to.number,
            on_tried=lambda target, status: outward.tried(target, status, self._clock()),
        )

    def _users_by_number(self) -> dict[str, User]:
        """Users by the number they show outside, which need be no DID."""
        plan = self._plan()
        if plan.users is not self._indexed:
            self._indexed = plan.users
            self._by_number = {user.phonenumber: user for user in plan.users.values() if user.phonenumber}
        return self._by_number

    def _trunk_group(self, account: MediatorEndpoint) -> TrunkGroup | None:
        """The mediator's own, else the first that has an address."""
        own = self._plan().trunk_groups.get(account.trunk_group or "")
        return own or self._destinations.outward.trunk_group(None)


def _with(target: Target, shown: Shown) -> Target:
    return replace(target, headers=(*target.headers, *shown.headers)) if shown.headers else target


def _while_phones_are_left(_: Target, status: int) -> bool:
    """One phone that is busy does not speak for the others."""
    return status < 600
