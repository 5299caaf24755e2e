"""Transformations carried out: `number_src`, `number_dst` and X-/P- headers are changed on the call's way.

Compiled once from the number plan, applied in the order of the list. Every change leaves a reason; `reject` ends the
call by raising `Refused`. A pattern only ever sees `SUBJECT_LIMIT` characters: what is longer does not match.
"""

from collections.abc import Callable, Iterable

from softswitch.plan import Conditional, Reject, Rewrite, Set, StirShaken, Transformation
from softswitch.plan.pattern import SUBJECT_LIMIT, compile_safely
from softswitch.routing.reasons import Reason, Refused
from softswitch.sip.grammar import legible
from softswitch.sip.message import Headers


class Subject:
    """What transformations work on: the two numbers, and the request's headers under the changes made so far."""

    __slots__ = ("_request_headers", "attestation", "changed_headers", "number_dst", "number_src", "reasons")

    def __init__(self, number_src: str, number_dst: str, headers: Headers, reasons: list[Reason]) -> None:
        self.number_src = number_src
        self.number_dst = number_dst
        self.changed_headers: dict[str, str] = {}
        self.reasons = reasons
        self.attestation = ""
        """How the number is attested when the call goes out (RFC 8588); empty: by who calls."""
        self._request_headers = headers

    def copy(self) -> "Subject":
        """The same, to be changed by itself; reasons go to the same list."""
        twin = Subject(self.number_src, self.number_dst, self._request_headers, self.reasons)
        twin.changed_headers, twin.attestation = dict(self.changed_headers), self.attestation
        return twin

    def get(self, field: str) -> str:
        """A field's value; a header that is absent is empty."""
        if field == "number_src":
            return self.number_src
        if field == "number_dst":
            return self.number_dst
        changed = self.changed_headers.get(field.lower())
        return legible(self._request_headers.get(field) or "") if changed is None else changed

    def set(self, field: str, value: str, why: str) -> None:
        before = self.get(field)
        if field == "number_src":
            self.number_src = value
        elif field == "number_dst":
            self.number_dst = value
        else:
            self.changed_headers[field.lower()] = value
        if before != value:
            self.reasons.append(Reason("transform", field, True, f'{why}: "{before}" -> "{value}"'))


Step = Callable[[Subject, str], None]
"""One compiled transformation; the text is the place it stands in, for the reasons."""


class Transformations:
    """The compiled list of one place: a trunk, a trunk group, a DID, an endpoint."""

    __slots__ = ("_place", "_steps")

    def __init__(self, place: str, transformations: Iterable[Transformation]) -> None:
        self._place = place
        self._steps = [_compiled(transformation) for transformation in transformations]

    def __bool__(self) -> bool:
        return bool(self._steps)

    def apply(self, subject: Subject) -> None:
        """Raises `Refused` where a `reject` is reached."""
        for step in self._steps:
            step(subject, self._place)


def _compiled(transformation: Transformation) -> Step:
    match transformation:
        case Rewrite():
            return _rewrite(transformation)
        case Set():
            return _set(transformation)
        case Conditional():
            return _conditional(transformation)
        case Reject():
            return _reject(transformation)
        case StirShaken():
            return _stir_shaken(transformation)


def _rewrite(rule: Rewrite) -> Step:
    pattern = compile_safely(rule.match)

    def step(subject: Subject, place: str) -> None:
        value = subject.get(rule.field)
        if len(value) <= SUBJECT_LIMIT:
            subject.set(rule.field, pattern.sub(rule.replace, value, count=1), f"{place} rewrites {rule.match}")

    return step


def _set(rule: Set) -> Step:
    def step(subject: Subject, place: str) -> None:
        subject.set(rule.field, rule.value, f"{place} sets it")

    return step


def _conditional(rule: Conditional) -> Step:
    pattern = compile_safely(rule.match)
    then = [_compiled(transformation) for transformation in rule.then]
    otherwise = [_compiled(transformation) for transformation in rule.otherwise]

    def step(subject: Subject, place: str) -> None:
        value = subject.get(rule.field)
        met = len(value) <= SUBJECT_LIMIT and pattern.search(value) is not None
        subject.reasons.append(Reason("transform", rule.field, met, f"{place}: is it {rule.match}?"))
        for inner in then if met else otherwise:
            inner(subject, place)

    return step


def _stir_shaken(rule: StirShaken) -> Step:
    def step(subject: Subject, place: str) -> None:
        subject.attestation = rule.attestation
        subject.reasons.append(Reason("transform", "stir_shaken", True, f"{place} attests {rule.attestation}"))

    return step


def _reject(rule: Reject) -> Step:
    def step(subject: Subject, place: str) -> None:
        why = rule.reason or "Rejected"
        reasons = (*subject.reasons, Reason("transform", "reject", True, f"{place} answers {rule.status} {why}"))
        raise Refused(rule.status, why, reasons=reasons)

    return step
