"""What the command line shows: the number plan, how to call it, why a call goes where it goes, what is wrong."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from softswitch.configfile import NAMING_KEYS, SECRET_KEYS
from softswitch.errors import ConfigError
from softswitch.plan import Did, MeetingRoom, Plan, is_demo_secret
from softswitch.plan.differences import Difference
from softswitch.plan.differences import differences as find_differences
from softswitch.plan.objects import Object
from softswitch.routing import Explanation, Reason
from softswitch.settings import PLAN_FILE

ROWS_AT_START = 20
PROBLEMS_SHOWN = 20
DIFFERENCES_SHOWN = 100
USERS_SHOWN = 5
VALUE_SHOWN = 120
"""Characters of a value in a difference."""

WAYS = {"UDP": ("", ""), "TCP": (" -t t1", " --transport TCP"), "TLS": (" -t l1", " --transport TLS")}
"""Options of SIPp and of our gateway."""

Listener = tuple[str, str, int]
"""Where the switch is heard: transport, host, port."""


def say(*things: RenderableType, style: str = "") -> None:
    """Prints to standard output."""
    console = Console()
    for thing in things:
        console.print(thing, style=style, soft_wrap=isinstance(thing, str | Text))


def number_plan(plan: Plan, *, rows: int | None = None, all_codes: bool = False) -> Table:
    """Number, endpoint, call flow, rooms, a code a line. Codes of one's own are counted, unless `all_codes`."""
    table = _table("number", "leads to", "call flow", "rooms", "access codes")
    for did in islice(plan.numbers.dids, rows):
        conference = _conference(plan, did, all_codes) if plan.leads_to_conference(did) else ()
        table.add_row(did.phonenumber, f"user {did.user}" if did.user else did.endpoint, *conference)
    left = len(plan.numbers.dids) - table.row_count
    if left:
        table.add_row(f"... {left} more", "(softswitch check)")
    return table


def trunk_groups(plan: Plan) -> Table:
    """Who may call, and where calls go out."""
    table = _table("trunk group", "trunk", "accepts", "calls out to", "limits in")
    for group in plan.numbers.trunk_groups:
        table.add_row(group.name, "", _acls(group.acls), "", _limits(group.in_capacity, group.cps_limit))
        for trunk in group.trunks:
            place = f"{trunk.address}:{trunk.port}" if trunk.address else ""
            accepts = ", ".join(filter(None, [place, _acls(trunk.acls)]))
            out = f"{place} {trunk.transport}, priority {trunk.priority}, weight {trunk.weight}" if place else ""
            table.add_row("", trunk.name, accepts, out, _limits(trunk.in_capacity, trunk.cps_limit))
    return table


def differences(found: Sequence[Difference], *, rows: int = DIFFERENCES_SHOWN) -> Text:
    """What applying a plan changes: + new, ~ changed, - gone. Passwords are not shown."""
    lines = [line for one in islice(found, rows) for line in _difference(one)]
    if len(found) > rows:
        lines.append(Text(f"  ... and {len(found) - rows} more"))
    return Text("\n").join(lines)


def summary(found: Sequence[Difference]) -> str:
    """Such as "2 new, 1 changed, 0 removed"."""
    new = sum(one.before is None for one in found)
    gone = sum(one.after is None for one in found)
    return f"{new} new, {len(found) - new - gone} changed, {gone} removed"


def ruled_out(plan: Plan, in_force: Plan, where: str, file: str) -> Iterator[str]:
    """A sentence where the next call goes by another plan than the one that was shown."""
    if changes := find_differences(in_force.numbers, plan.numbers):
        yield f"But {where} rules, not {file}: `softswitch apply {file}` would make {summary(changes)}."


def _difference(one: Difference) -> Iterator[Text]:
    if one.after is None:
        yield Text(f"- {one.place}", style="red")
    elif one.before is None:
        given = (f"{name}={_shown(name, one.after)}" for name in _given(one.after))
        yield Text(" ".join([f"+ {one.place}", *given]), style="green")
    else:
        for name in one.fields:
            shown = f"{_shown(name, one.before)} -> {_shown(name, one.after)}"
            yield Text(f"~ {one.place}.{name}: {shown}", style="yellow")


def _given(of: Object) -> list[str]:
    return [
        name
        for name, field in type(of).model_fields.items()
        if name not in (*NAMING_KEYS, "trunks", "did_groups", "meeting_rooms")
        and getattr(of, name) != field.get_default(call_default_factory=True)
    ]


def _shown(name: str, of: Object) -> str:
    if name in SECRET_KEYS:
        return "(secret)"
    if name == "stored":
        return f"({', '.join(of.stored)})"
    hidden = {"addresses": {"__all__": {"sip_password"}}}
    value = of.model_dump(mode="json", include={name}, exclude=hidden)[name]
    return json.dumps(value, ensure_ascii=False)[:VALUE_SHOWN]


def how_to_call(plan: Plan, listening: Sequence[Listener], *, program: str) -> list[Text]:
    """The two commands that show at once that it works: a direct number by SIPp, a code by the gateway simulator."""
    transport, host, port = min(listening, key=lambda heard: ("UDP", "TCP", "TLS").index(heard[0]))
    place = _dialable(host, port)
    over_sipp, over_gateway = WAYS[transport]
    lines = []
    dids = [did for did in plan.numbers.dids if plan.leads_to_conference(did)]
    direct = next((did for did in dids if plan.call_flow(did).startswith("direct")), None)
    if direct is not None:
        lines.append(f"sipp {place} -s {direct.phonenumber} -sn uac{over_sipp}")
    coded = next((did for did in dids if not plan.call_flow(did).startswith("direct")), None)
    if coded is not None:
        switch = "" if place == "127.0.0.1:5060" else f" --switch {place}"
        send = f" --send {_demo_code(plan, coded) or 'YOUR_CODE'}#"
        to = f"--from 13105550199 --to {coded.phonenumber}"
        lines.append(f"{program} gateway call {to}{send} --hold 20s{switch}{over_gateway}")
    if not lines:
        return [Text(f"No number leads anywhere yet: {PLAN_FILE} has no DIDs.")] if not plan.numbers.dids else []
    return [Text("Call it from a second terminal:"), *(Text(f"    {line}") for line in lines)]


def how_to_register(plan: Plan, listening: Sequence[Listener]) -> list[Text]:
    """Who can register a phone, and where. Passwords of one's own are not shown."""
    users = plan.numbers.users
    if not users:
        return []
    names = ", ".join(user.username for user in users[:USERS_SHOWN]) + (" ..." if len(users) > USERS_SHOWN else "")
    demo = next((user.password for user in users if is_demo_secret(user.password)), "")
    password = f" (password {demo}{' ...' if len(users) > 1 else ''})" if demo else ""
    heard = " or ".join(f"{transport} {_dialable(host, port)}" for transport, host, port in listening)
    return [Text(f"Phones register as {names}{password} at"), Text(f"    {heard}; docs/phones.md has a recipe.")]


def candidates(reasons: Iterable[Reason]) -> Table:
    """Every candidate in the order it was weighed."""
    table = _table("step", "candidate", "taken?", "why")
    for reason in reasons:
        mark = Text("taken", "green") if reason.taken else Text("not taken", "dim")
        table.add_row(reason.step, reason.candidate, mark, reason.why)
    return table


def explanation_json(told: Explanation) -> str:
    decision = told.decision and {
        "did": told.decision.did.phonenumber if told.decision.did else None,
        "endpoint": told.decision.destination.name,
        "number_src": told.decision.number_src,
        "number_dst": told.decision.number_dst,
        "headers": told.decision.headers,
    }
    reasons = [reason._asdict() for reason in told.reasons]
    return json.dumps(
        {"status": told.status, "reason": told.reason, "decision": decision, "reasons": reasons}, indent=2
    )


def problems(found: Sequence[BaseException], console: Console) -> None:
    """Each `ConfigError` on a line of its own."""
    for problem in found[:PROBLEMS_SHOWN]:
        console.print(_problem(problem), soft_wrap=True)
    if len(found) > PROBLEMS_SHOWN:
        console.print(f"... and {len(found) - PROBLEMS_SHOWN} more")


def _problem(problem: BaseException) -> Text:
    if not isinstance(problem, ConfigError):
        return Text(str(problem), "red")
    place = ": ".join(filter(None, [problem.file, problem.key]))
    accepted = Text(f"\n    accepted: {problem.accepted}", "dim") if problem.accepted else Text()
    return Text.assemble((place, "bold"), ": ", (problem.problem, "red"), accepted)


def _table(*headings: str) -> Table:
    """No lines; only the last column wraps, so that every row begins with what it is about."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading != headings[-1])
    return table


def _conference(plan: Plan, did: Did, all_codes: bool) -> tuple[str, str, str]:
    """Call flow, rooms and codes of a DID that leads to a conference."""
    flow = plan.call_flow(did)
    rooms = _rooms(plan, did, flow)
    codes = "none needed" if flow.startswith("direct") else _codes(rooms, all_codes)
    return flow, ", ".join(room.name for room in rooms[:5]), codes


def _rooms(plan: Plan, did: Did, flow: str) -> Sequence[MeetingRoom]:
    if flow.startswith("direct"):
        room = plan.meeting_room(did)
        return [room] if room else []
    return [room for room in plan.conference(did).meeting_rooms if room.access_codes]


def _codes(rooms: Iterable[MeetingRoom], all_codes: bool) -> str:
    codes = [code for room in rooms for code in room.access_codes]
    shown = [f"{code.access_code} {code.role}" for code in codes if all_codes or is_demo_secret(code.access_code)]
    hidden = len(codes) - len(shown)
    return "\n".join(shown + ([f"{hidden} of your own"] if hidden else []))


def _dialable(host: str, port: int) -> str:
    """A place that this machine can call: a wildcard is no address to send to."""
    return heard_at({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)


def heard_at(host: str, port: int) -> str:
    """As it stands in a URI: IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _demo_code(plan: Plan, did: Did) -> str | None:
    codes = [code for room in plan.conference(did).meeting_rooms for code in room.access_codes]
    demo = sorted(codes, key=lambda code: code.role != "participant")
    return next((code.access_code for code in demo if is_demo_secret(code.access_code)), None)


def _acls(acls: Sequence[object]) -> str:
    return ", ".join(map(str, acls))


def _limits(capacity: int, cps: float) -> str:
    limits = [f"{capacity} calls" if capacity else "", f"{cps:g} calls/s" if cps else ""]
    return ", ".join(filter(None, limits)) or "none"
