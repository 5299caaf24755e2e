"""What the store refuses, typed: the API makes 409 and 422 of it, `softswitch apply` a sentence.

Each names the field. A database that can't be used at all is a `ConfigError` instead, at `Store.open`; `told` is what a
log or a sentence says of any other error of a database.
"""


class StoreError(Exception):
    """A change that is refused; nothing of it is in the database."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Conflict(StoreError):  # noqa: N818 - a refusal by its name
    """Another row has this value, and only one may have it."""


class InvalidReference(StoreError):  # noqa: N818
    """The sid names nothing that exists."""


class StillReferenced(StoreError):  # noqa: N818
    """The row can't go: others point to it. `field` names the resource that does."""


class InvalidValue(StoreError):  # noqa: N818
    """A value that the object can't have, or a field that it does not have."""


class InvalidQuery(StoreError):  # noqa: N818
    """A filter, an order or a cursor that the resource does not know."""


def told(error: Exception) -> str:
    """What a database said, in one line: without the statement and the link that SQLAlchemy brings along."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else repr(error)
