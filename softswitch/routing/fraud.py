"""The guard against toll fraud: what users and endpoints may call, how often, at the same time, and for how much. Pure.

`CallingRules` of the number plan say it; without any, these: the United States and Canada, no premium numbers, none of
the islands behind +1, and 911. The longest prefix decides, and where one prefix is both allowed and refused it is
refused.

What a day has cost counts from the price of each begun minute, by the rate deck of the rules; calls that are up count
with what they have cost so far, and end when there is no money for another minute. With a limit in force a number
without a price is refused: nobody could say what it costs. Days are whatever `today` says, and a caller of `spendings`
keeps them over a restart.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from softswitch.plan import CallingRules, Plan
from softswitch.routing.caller import Caller
from softswitch.routing.limits import Gate, TokenBucket
from softswitch.routing.rates import Decks, Rate
from softswitch.routing.reasons import Reason, Refused

DEFAULT_RULES = CallingRules(name="default")
NEAR_THE_LIMIT = 0.8
SUBJECTS_KEPT = 100_000
SHORTEST_ABROAD = 7
"""Digits of the shortest number that E.164 has with its country code: what is shorter is a mistyped extension, unless
a rule names the whole number (`911$`)."""

NOT_ALLOWED = "Destination not allowed"
NO_LIMIT_IS_LEFT = 21
"""Q.850: call rejected."""
NO_SUCH_NUMBER = 1
"""Q.850: unallocated number."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Somebody should look at this. `kind`: destination, rate, calls, spend, spend_near."""

    kind: str
    subject: str
    number: str
    why: str
    at: float


@dataclass(slots=True)
class Spending:
    """What a subject has used up on a day."""

    subject: str
    day: str
    calls: int = 0
    price: float = 0.0


@dataclass(slots=True)
class Account:
    """A subject as it is now: his calls that are up, his rate, his day."""

    spending: Spending
    rate: TokenBucket
    fares: set["Fare"] = field(default_factory=set)
    is_near: bool = False


class Fare(Gate):
    """One call out of a subject: a gate that is the subject's capacity, and a meter that runs from the answer on."""

    __slots__ = ("_account", "_guard", "_most", "answered_at", "cut_off", "rate")

    def __init__(self, guard: "Guard", account: Account, most: int, rate: Rate | None) -> None:
        super().__init__(account.spending.subject)
        self._guard, self._account, self._most = guard, account, most
        self.rate = rate
        self.answered_at: float | None = None
        self.cut_off: Callable[[str], None] = _nobody_talks
        """Ends the leg that it pays for, for a reason, in whatever call that leg is by now."""

    def check(self, now: float) -> None:  # noqa: ARG002 - as of any gate
        others = len(self._account.fares - {self})
        if self._most and others >= self._most:
            raise Refused(503, f"{self.name} has {others} calls out, at most {self._most}", q850=NO_LIMIT_IS_LEFT)

    def enter(self) -> None:
        super().enter()
        self._account.fares.add(self)

    def leave(self) -> None:
        super().leave()
        self.cut_off = _nobody_talks
        self._account.fares.discard(self)
        self._guard.ended(self, self._account)

    def price(self, now: float) -> float:
        """What the call has cost so far."""
        if self.rate is None or self.answered_at is None:
            return 0.0
        return self.rate.price(max(1e-3, now - self.answered_at))


class Guard:
    """All subjects, by the rules of a number plan."""

    def __init__(
        self, plan: Plan, decks: Decks, clock: Callable[[], float], today: Callable[[], str] = lambda: ""
    ) -> None:
        self.on_alarm: Callable[[Alarm], None] = _nobody_hears
        self.today = today
        """The day that is, as text; another text is another day."""
        self.changed: dict[tuple[str, str], Spending] = {}
        """What is to be kept: whoever keeps it takes it out."""
        self._decks, self._clock = decks, clock
        self._accounts: dict[str, Account] = {}
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        self._plan = plan

    def rules_of(self, subject: str) -> CallingRules:
        """His own, those of everybody, or what holds without any."""
        kind, _, name = subject.partition(" ")
        rules = self._plan.calling_rules
        return rules.get((kind, name)) or rules.get(("", "")) or DEFAULT_RULES

    def weigh(self, caller: Caller, number: str, now: float) -> list[Reason]:
        """Whether a call may go out, without counting it. Raises `Refused`."""
        reasons: list[Reason] = []
        self._judge(caller, number, now, reasons)
        return reasons

    def admit(
        self, caller: Caller, number: str, now: float, instead_of: Fare | None = None
    ) -> tuple[Fare | None, list[Reason]]:
        """Counts a call that may go out; the fare is one of its gates. Raises `Refused`, and then raises an alarm.

        `instead_of`: the fare of the same call, which is sent on to another number.
        """
        reasons: list[Reason] = []
        try:
            rate = self._judge(caller, number, now, reasons, instead_of)
        except _Offence as offence:
            self.on_alarm(Alarm(offence.kind, caller.subject, number, offence.reasons[-1].why, now))
            raise
        if not caller.subject:
            return None, reasons
        rules, account = self.rules_of(caller.subject), self._account(caller.subject)
        if instead_of is None:
            account.rate.take()
            account.spending.calls += 1
            self._keep(account.spending)
        return Fare(self, account, rules.capacity, rate), reasons

    def ended(self, fare: Fare, account: Account) -> None:
        """A call of a subject, or one attempt of it, is over."""
        price = fare.price(self._clock())
        fare.answered_at = None
        if price:
            account.spending.price += price
            self._keep(account.spending)
            self._warn(account)

    @property
    def calls_up(self) -> int:
        """Calls out of users and endpoints that are on their way or up."""
        return sum(len(account.fares) for account in self._accounts.values())

    def spendings(self) -> Iterable[Spending]:
        """What everybody has used up today."""
        return [account.spending for account in self._accounts.values() if account.spending.day == self.today()]

    def overdrawn(self, now: float) -> set[Fare]:
        """The calls that are up of whoever has no money left for another minute of them: they should end."""
        found: set[Fare] = set()
        for account in self._accounts.values():
            limit = self.rules_of(account.spending.subject).spend_per_day if account.fares else 0.0
            running = sum(fare.price(now) for fare in account.fares)
            if limit and running and account.spending.price + running > limit:
                found |= {fare for fare in account.fares if fare.answered_at is not None}
        return found

    def restore(self, spendings: Iterable[Spending]) -> None:
        """What was kept of before; of another day it says nothing any more."""
        for spending in spendings:
            if spending.day == self.today():
                self._account(spending.subject).spending = spending

    # ---- the rules

    def _judge(
        self, caller: Caller, number: str, now: float, reasons: list[Reason], instead_of: Fare | None = None
    ) -> Rate | None:
        """The price of a minute, where there is one. Raises `_Offence`."""
        if not caller.subject:
            return None
        rules = self.rules_of(caller.subject)
        self._check_destination(rules, number, reasons)
        rate = self._decks.rate(rules.rate_deck, number) if rules.rate_deck is not None else None
        if instead_of is None:
            self._check_how_many(caller.subject, rules, number, now, reasons)
        if rules.spend_per_day:
            self._check_spending(caller.subject, rules, rate, number, now, reasons)
        return rate

    def _check_destination(self, rules: CallingRules, number: str, reasons: list[Reason]) -> None:
        allowed, refused = _longest(rules.allowed_prefixes, number), _longest(rules.refused_prefixes, number)
        place = f"calling rules {rules.name}"
        if refused is not None and (allowed is None or len(refused) >= len(allowed)):
            raise _offence("destination", number, f"{place} refuse prefix {refused}", reasons, NOT_ALLOWED)
        if number.isdigit() and len(number) < SHORTEST_ABROAD and allowed != f"{number}$":
            told = (*reasons, Reason("allowed", number, False, "nobody here has it, and it is too short for outside"))
            raise Refused(404, "Not Found", reasons=told, q850=NO_SUCH_NUMBER)
        if allowed is None:
            raise _offence("destination", number, f"{place} allow no prefix of it", reasons, NOT_ALLOWED)
        reasons.append(Reason("allowed", number, True, f"{place} allow prefix {allowed or '(any)'}"))

    def _check_how_many(
        self, subject: str, rules: CallingRules, number: str, now: float, reasons: list[Reason]
    ) -> None:
        account = self._account(subject)
        account.rate.change(rules.cps_limit)
        if rules.capacity and len(account.fares) >= rules.capacity:
            why = f"{subject} has {len(account.fares)} calls out, at most {rules.capacity}"
            raise _offence("calls", number, why, reasons, "Too many calls", status=503)
        if account.rate.wait_s(now) > 0:
            why = f"{subject} may begin {rules.cps_limit:g} calls a second"
            raise _offence("rate", number, why, reasons, "Too many calls", status=503)
        if rules.calls_per_day and account.spending.calls >= rules.calls_per_day:
            why = f"{subject} has made {account.spending.calls} calls today, at most {rules.calls_per_day}"
            raise _offence("calls", number, why, reasons, "Too many calls today")

    def _check_spending(
        self, subject: str, rules: CallingRules, rate: Rate | None, number: str, now: float, reasons: list[Reason]
    ) -> None:
        if rate is None:
            why = f"rate deck {rules.rate_deck} has no price for it, and {subject} has a limit"
            raise _offence("spend", number, why, reasons, NOT_ALLOWED)
        account = self._account(subject)
        spent = account.spending.price + sum(fare.price(now) for fare in account.fares)
        if spent + rate.per_minute > rules.spend_per_day:
            why = f"{subject} has spent {spent:.2f} of {rules.spend_per_day:g} {rate.currency} today"
            raise _offence("spend", number, why, reasons, "Spending limit reached")
        reasons.append(Reason("spending", subject, True, f"{spent:.2f} of {rules.spend_per_day:g}, {rate}"))

    # ---- the accounts

    def _account(self, subject: str) -> Account:
        """As of today."""
        account, day = self._accounts.get(subject), self.today()
        if account is None:
            if len(self._accounts) >= SUBJECTS_KEPT:
                self._accounts = {name: one for name, one in self._accounts.items() if one.fares}
            account = self._accounts[subject] = Account(Spending(subject, day), TokenBucket(0.0))
        if account.spending.day != day:
            account.spending, account.is_near = Spending(subject, day), False
        return account

    def _keep(self, spending: Spending) -> None:
        self.changed[spending.subject, spending.day] = spending

    def _warn(self, account: Account) -> None:
        """Once a day, when most of what may be spent is."""
        subject, price = account.spending.subject, account.spending.price
        rules = self.rules_of(subject)
        if rules.spend_per_day and not account.is_near and price >= NEAR_THE_LIMIT * rules.spend_per_day:
            account.is_near = True
            why = f"has spent {price:.2f} of {rules.spend_per_day:g} today"
            self.on_alarm(Alarm("spend_near", subject, "", why, self._clock()))


class _Offence(Refused):
    """`Refused` by the guard, with the kind of alarm it is."""

    kind = ""


def _offence(kind: str, number: str, why: str, reasons: list[Reason], phrase: str, *, status: int = 403) -> "_Offence":
    told = (*reasons, Reason("allowed", number, False, why))
    offence = _Offence(status, phrase, counted_as=f"toll_guard_{kind}", reasons=told, q850=NO_LIMIT_IS_LEFT)
    offence.kind = kind
    return offence


def _longest(prefixes: Iterable[str], number: str) -> str | None:
    """The longest of `prefixes` that `number` begins with, or is, where `$` stands behind it."""
    return max((prefix for prefix in prefixes if f"{number}$".startswith(prefix)), key=len, default=None)


def _nobody_hears(_alarm: Alarm) -> None:
    return


def _nobody_talks(_reason: str) -> None:
    """Nobody has answered yet."""
