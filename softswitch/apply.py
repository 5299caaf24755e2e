"""`softswitch apply` and `softswitch export`: number plans into the database and out of it, as TOML; which rules.

Applying is declarative: a kind of object (trunk groups, endpoints, DIDs, users) that the files mention becomes just
what they say, what they do not mention stays as it is; where one only adds, nothing goes at all. Everything is checked
as at the start of the switch, together with what stays; then it is done in one transaction, or, where anything is
wrong, not at all. A switch that runs on the same database follows within a second.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from media import Library
from softswitch.configfile import Reading, read, read_toml, refusal
from softswitch.configuration import Configuration, library_of, wrong_properties
from softswitch.errors import ConfigError
from softswitch.plan import NumberPlan, Plan
from softswitch.plan.differences import NESTED, Difference
from softswitch.plan.load import contradictions
from softswitch.plan.objects import Object
from softswitch.plan.write import toml
from softswitch.settings import PLAN_FILE, Settings
from softswitch.store import Store, StoreError
from softswitch.store.database import FILE as DATABASE_FILE

KINDS = ("rate_decks", "trunk_groups", "endpoints", "dids", "users", "calling_rules")


async def apply_files(
    settings: Settings, files: Sequence[Path], *, adding: bool = False, dry_run: bool = False
) -> Sequence[Difference]:
    """What the files change, done unless `dry_run`; `adding`: whatever they leave out stays.

    Raises `ConfigError`, or an ExceptionGroup of them.
    """
    readings = {str(file): read(NumberPlan, read_toml(file), str(file)) for file in files}
    by_file = {file: reading.model for file, reading in readings.items()}
    wanted = _together(by_file.values())
    async with Store.opened(settings.store.url, settings.data.directory) as store:
        if adding:
            wanted = _added(store.plan.numbers, wanted)
        _check(store.plan.numbers, wanted, readings, library_of(settings), adding=adding)
        try:
            return await store.apply(wanted, dry_run=dry_run)
        except StoreError as refused:
            raise ConfigError(_file_of(refused.field, by_file), refused.field, refused.message) from None


async def plan_in_force(configuration: Configuration) -> tuple[Plan, str]:
    """What the next call goes by: the database where something is in it, else the files; and the name of that."""
    settings = configuration.settings
    if settings.store.url or (settings.data.directory / DATABASE_FILE).exists():
        store = await Store.open(settings.store.url, settings.data.directory)
        await store.close()
        if store.has_objects:
            return (
                store.plan,
                f"the database of {settings.data.directory}" if not settings.store.url else "the database",
            )
    return configuration.plan, str(configuration.folder / PLAN_FILE)


async def export(settings: Settings) -> str:
    """The number plan of the database as TOML, which applies to the same state. Raises `ConfigError`."""
    store = await Store.open(settings.store.url, settings.data.directory)
    await store.close()
    return toml(store.plan.numbers)


def _together(plans: Collection[NumberPlan]) -> NumberPlan:
    """All files as one; a kind that none of them mentions is not mentioned in it either."""
    parts = {
        kind: tuple(entry for plan in mentioning for entry in getattr(plan, kind))
        for kind in KINDS
        if (mentioning := [plan for plan in plans if kind in plan.model_fields_set])
    }
    return NumberPlan.model_construct(_fields_set=set(parts), **parts)


def _added(current: NumberPlan, wanted: NumberPlan) -> NumberPlan:
    """`wanted`, and in the kinds that it mentions what is there already."""
    parts = {kind: _both(kind, getattr(current, kind), getattr(wanted, kind)) for kind in wanted.model_fields_set}
    return NumberPlan.model_construct(_fields_set=set(parts), **parts)


def _both(kind: str, current: Sequence[Object], wanted: Sequence[Object]) -> tuple[Object, ...]:
    before = {_name(entry): entry for entry in current}
    named = {_name(entry) for entry in wanted}
    kept = [entry for name, entry in before.items() if name not in named]
    return (*kept, *(_with_inner(kind, before.get(_name(entry)), entry) for entry in wanted))


def _with_inner(kind: str, before: Object | None, entry: Object) -> Object:
    """What is inside others, such as trunks, stays too."""
    inner = {
        field: _both(field, getattr(before, field, ()), getattr(entry, field))
        for field in NESTED.get(kind, ())
        if hasattr(entry, field)
    }
    return entry.model_copy(update=inner) if inner and before is not None else entry


def _check(
    current: NumberPlan,
    wanted: NumberPlan,
    readings: Mapping[str, Reading[NumberPlan]],
    library: Library,
    *,
    adding: bool,
) -> None:
    by_file = {file: reading.model for file, reading in readings.items()}
    whole = Plan(current.model_copy(update={kind: getattr(wanted, kind) for kind in wanted.model_fields_set}))
    removes = "" if adding else f"; {' and '.join(sorted(wanted.model_fields_set))} not named in the files are removed"
    between = [
        ConfigError(_file_of(place, by_file), place, problem + _in_database(place, by_file, removes), *accepted)
        for place, problem, *accepted in contradictions(whole)
    ]
    inside = [
        ConfigError(_file_of(one.key, by_file), one.key, one.problem, one.accepted)
        for one in wrong_properties(whole, "", library)
    ]
    found = [problem for reading in readings.values() for problem in reading.problems] + [
        one for one in (*between, *inside) if not any(reading.explains(one) for reading in readings.values())
    ]
    if found:
        raise refusal(found)


def _file_of(place: str, by_file: dict[str, NumberPlan]) -> str:
    """The last file that has the object a place begins with, else the first that was given."""
    return next((file for file, plan in reversed(by_file.items()) if _has(plan, place)), next(iter(by_file), ""))


def _in_database(place: str, by_file: dict[str, NumberPlan], removes: str) -> str:
    """Said of an object that no file names: where it is, and why it is of no use now."""
    if any(_has(plan, place) for plan in by_file.values()):
        return ""
    offer = f"{removes} (--add keeps them)" if removes else ""
    return f": this object is in the database{offer}"


def _has(plan: NumberPlan, place: str) -> bool:
    """Whether the object that a place begins with is in it."""
    outer = place.partition("]")[0]
    return outer in {f"{kind}[{_name(entry)}" for kind in KINDS for entry in getattr(plan, kind)}


def _name(entry: object) -> str:
    return str(getattr(entry, "name", None) or getattr(entry, "phonenumber", None) or getattr(entry, "username", ""))
