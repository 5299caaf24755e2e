"""A TOML file becomes a frozen model, or sentences a person can act on.

`settings` and `plan` describe what they accept as pydantic models; this file reads, overrides, validates, and says
what is wrong: every problem of a file at once, as an ExceptionGroup of `ConfigError`, each naming the file, the key
path (`trunk_groups[pstn].trunks[0].port`) and what is accepted there. No pydantic wording reaches the terminal.
"""

import difflib
import json
import tomllib
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from softswitch.errors import ConfigError

NAMING_KEYS = ("username", "name", "phonenumber", "access_code")
"""The keys by which a person knows an entry of a list; the key path shows their value instead of a position."""

SECRET_KEYS = frozenset({"password", "sip_password", "in_sip_password", "out_sip_password"})

ACCEPTED_WORDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "path_type": "a path in quotes",
    "tuple_type": "a list in [ ]",
    "list_type": "a list in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "too_short": "at least {min_length} entry",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
}
"""What pydantic calls these mistakes, and what we say is accepted."""


class Model(BaseModel):
    """What every table of a configuration file is: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Model)
Table = dict[str, Any]
Place = tuple[int | str, ...]
Variables = dict[Place, str]
"""Where a variable of the environment has put something: its name by section and key, or by a section of its own."""

NONE_OVERRIDDEN: Variables = {}

GONE = object()
"""What is left of a part of a file where nothing is."""


def unusable(problem: str, accepted: str = "") -> PydanticCustomError:
    """What a validator raises, so that the sentence keeps its two halves: what is wrong, and what is accepted."""
    return PydanticCustomError("unusable", "{problem}", {"problem": problem, "accepted": accepted})


def read_toml(path: Path) -> Table:
    """The file's content. Raises `ConfigError` when it is missing, unreadable or not TOML (with line and column)."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), "", f"not valid TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "", f"not UTF-8 text: byte {error.start}") from None
    except OSError as error:
        raise ConfigError(str(path), "", f"can't be read: {error.strerror}") from None


def override(model: type[Model], table: Table, environment: Mapping[str, str], prefix: str) -> tuple[Table, Variables]:
    """`table` with every `<prefix><SECTION>__<KEY>` of the environment put in its place, and which variables did it.

    A section within a section is named after it: `<prefix>SIP__TLS__PORT`.

    Values are read as TOML; text needs no quotes, also where it looks like a number, and a single value is a list of
    one where a list is wanted.
    """
    overridden = {name: dict(part) if isinstance(part, dict) else part for name, part in table.items()}
    variables: Variables = {}
    for variable, text in environment.items():
        if variable.startswith(prefix) and "__" in variable:
            place = tuple(variable.removeprefix(prefix).lower().split("__"))
            if place[0] not in table:
                variables[place[:1]] = variable
            variables[place] = variable
            _put(overridden, place, _value_of(model, place, text))
    return overridden, variables


def _put(table: Table, place: Sequence[str], value: Any) -> None:
    """Where a part of the way is no table, nothing is put: the file's mistake there is told."""
    for part in place[:-1]:
        inner = table.get(part, {})
        if not isinstance(inner, dict):
            return
        table[part] = table = dict(inner)
    table[place[-1]] = value


def validated(model: type[M], table: Table, file: str, variables: Variables = NONE_OVERRIDDEN) -> M:
    """`table` as a `model`. Raises an ExceptionGroup of `ConfigError`, one for each thing that is wrong.

    What `variables` have put into the table is told as theirs, not as the file's.

    It goes through JSON because pydantic's strict mode then takes exactly what TOML can say: arrays for tuples and
    text for addresses, but no text for numbers.
    """
    try:
        return _strictly(model, table)
    except ValidationError as error:
        sentences = ((details, _sentence(model, table, file, details)) for details in _innermost(error))
        raise refusal(_blamed(details["loc"], sentence, variables) for details, sentence in sentences) from None


@dataclass(frozen=True, slots=True)
class Reading(Generic[M]):
    """What a file says where it is right, and everything that is wrong with it."""

    model: M
    problems: tuple[ConfigError, ...] = ()
    left_out: tuple[str, ...] = ()
    """Key paths of what was wrong."""
    lost: frozenset[str] = frozenset()
    """Names of objects that could not be made of what was left."""

    def explains(self, problem: ConfigError) -> bool:
        """Whether a problem of what is left only follows from what was left out."""
        return problem.key.startswith(self.left_out) or any(
            problem.problem.startswith(f'"{name}" does not exist') for name in self.lost
        )


def read(model: type[M], table: Table, file: str) -> Reading[M]:
    """`table` as a `model`, without what is wrong in it: a key, or its whole object where it can't do without."""
    problems: list[ConfigError] = []
    left_out: list[str] = []
    rest = table
    while True:
        try:
            left = _strictly(model, rest)
        except ValidationError as error:
            wrong = _innermost(error)
            if rest is table:
                problems = [_sentence(model, table, file, details) for details in wrong]
                left_out = [_key_path(table, details["loc"]) for details in wrong]
            rest = _without(rest, [details["loc"] for details in wrong])
        else:
            return Reading(left, tuple(problems), tuple(left_out), frozenset(_names(table)) - set(_names(rest)))


def refusal(problems: Iterable[ConfigError]) -> ExceptionGroup[ConfigError]:
    """All problems as one exception, for `except* ConfigError`."""
    return ExceptionGroup("the configuration can't be used", list(problems))


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """` (did you mean "port"?)` for a near miss, else nothing."""
    near = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def _value_of(model: type[Model], place: Place, text: str) -> Any:
    """What a variable says, as the key wants it."""
    value, key = _toml_value(text), str(place[-1])
    field = next(
        (found.model_fields[key] for found in _siblings_at(model, place[:-1]) if key in found.model_fields), None
    )
    if field is None or isinstance(value, list | dict):
        return value
    value = text if _is_text(field.annotation) and not isinstance(value, str) else value
    return [value] if _is_list(field.annotation) else value


def _is_list(annotation: Any) -> bool:
    """Whether this is a `tuple[X, ...]`."""
    return typing.get_origin(annotation) is tuple and Ellipsis in typing.get_args(annotation)


def _is_text(annotation: Any) -> bool:
    """Whether a key takes text alone: a word of a choice, a name, a path, or a list of such."""
    if typing.get_origin(annotation) is typing.Literal:
        return all(isinstance(word, str) for word in typing.get_args(annotation))
    inner = [part for part in typing.get_args(annotation) if part not in (type(None), Ellipsis)]
    if typing.get_origin(annotation) is typing.Annotated:
        return _is_text(inner[0])
    return all(map(_is_text, inner)) if inner else annotation in (str, Path)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _strictly(model: type[M], table: Table) -> M:
    """Raises `ValidationError`."""
    return model.model_validate_json(json.dumps(table, default=str), strict=True)


def _without(node: Any, places: Iterable[Place]) -> Any:
    """`node` without what stands at the places; GONE where one of them leads to nothing that is there."""
    inner: dict[int | str, list[Place]] = {}
    for place in places:
        inside = place[1:] if place and _is_tag(node, place[0]) else place
        if not inside or not _has(node, inside[0]):
            return GONE
        inner.setdefault(inside[0], []).append(inside[1:])
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    left = {part: _without(entry, inner[part]) if part in inner else entry for part, entry in entries}
    kept = {part: entry for part, entry in left.items() if entry is not GONE}
    return kept if isinstance(node, dict) else list(kept.values())


def _has(node: Any, part: int | str) -> bool:
    return part in node if isinstance(node, dict) else isinstance(node, list) and part in range(len(node))


def _names(node: Any) -> Iterator[str]:
    """What the objects of a table are called, at any depth."""
    if isinstance(node, dict):
        yield from (node[key] for key in NAMING_KEYS if isinstance(node.get(key), str))
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _names(inner)


def _blamed(place: Place, sentence: ConfigError, variables: Variables) -> ConfigError:
    """The sentence with the variable in the place of file and key, where one has brought the mistake."""
    variable = next((variables[place[:length]] for length in (2, 3) if place[:length] in variables), None)
    return ConfigError("the environment", variable, sentence.problem, sentence.accepted) if variable else sentence


def _innermost(error: ValidationError) -> list[ErrorDetails]:
    """All mistakes but those that only follow from a mistake further inside (a list too short for its bad entries)."""
    found = error.errors(include_url=False)
    outer = {details["loc"][:length] for details in found for length in range(len(details["loc"]))}
    return [details for details in found if details["loc"] not in outer]


def _sentence(model: type[Model], table: Table, file: str, details: ErrorDetails) -> ConfigError:
    """What pydantic found, said in the words of the file."""
    place = details["loc"]
    key = _key_path(table, place)
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            words = sorted(_model_at(model, place[:-1]).model_fields)
            return ConfigError(file, key, "is not a key here" + did_you_mean(str(place[-1]), words), ", ".join(words))
        case "missing":
            return ConfigError(file, key, "is missing")
        case "unusable":
            return ConfigError(file, key, context["problem"], context["accepted"])
        case "literal_error":
            words = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            meant = did_you_mean(str(details["input"]), words)
            return ConfigError(file, key, f"is {_shown(place, details)}{meant}", ", ".join(words))
        case "union_tag_invalid" | "union_tag_not_found":
            words = sorted(word for found in _siblings_at(model, place) for word in _tags(found))
            tag = context.get("tag")
            problem = f'type is "{tag}"{did_you_mean(tag, words)}' if tag is not None else "has no type"
            return ConfigError(file, key, problem, ", ".join(words))
    form = ACCEPTED_WORDS.get(details["type"])
    accepted = form.format(**context) if form else details["msg"].removeprefix("Input should be ")
    return ConfigError(file, key, f"is {_shown(place, details)}", accepted)


def _shown(place: Place, details: ErrorDetails) -> str:
    """The offending value as the file writes it; secrets stay hidden."""
    if SECRET_KEYS.intersection(map(str, place)):
        return "of the wrong kind"
    return json.dumps(details["input"], default=str, ensure_ascii=False)[:80]


def _key_path(table: Table, place: Place) -> str:
    """`trunk_groups[pstn].trunks[0].port` for pydantic's ("trunk_groups", 0, "trunks", 0, "port")."""
    path = ""
    node: Any = table
    for part in place:
        if isinstance(part, int):
            node = node[part] if isinstance(node, list) and part < len(node) else None
            path += f"[{_known_as(node, part)}]"
        elif not _is_tag(node, part):
            node = node.get(part) if isinstance(node, dict) else None
            path += f".{part}" if path else part
    return path


def _known_as(entry: Any, position: int) -> str:
    if isinstance(entry, dict):
        for key in NAMING_KEYS:
            if isinstance(entry.get(key), str):
                return str(entry[key])
    return str(position)


def _is_tag(node: Any, part: int | str) -> bool:
    """pydantic puts the chosen `type` of a tagged union into the path as if it were a key."""
    return isinstance(node, dict) and part not in node and node.get("type") == part


def _model_at(model: type[Model], place: Place) -> type[Model]:
    """The model that describes the table at `place`."""
    return _siblings_at(model, place)[0]


def _siblings_at(model: type[Model], place: Place) -> list[type[Model]]:
    """The models that may describe the table at `place`: several where a `type` chooses."""
    candidates = [model]
    for part in (part for part in place if isinstance(part, str)):
        tagged = [candidate for candidate in candidates if part in _tags(candidate)]
        fields = [candidate.model_fields[part] for candidate in candidates if part in candidate.model_fields]
        candidates = tagged or [found for field in fields[:1] for found in _models_in(field.annotation)]
    return candidates


def _tags(model: type[Model]) -> tuple[str, ...]:
    """The words of `type` that choose this model out of a tagged union."""
    field = model.model_fields.get("type")
    return typing.get_args(field.annotation) if field else ()


def _models_in(annotation: Any) -> list[type[Model]]:
    """The models an annotation such as `tuple[Rewrite | Set, ...]` is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [found for argument in typing.get_args(annotation) for found in _models_in(argument)]
