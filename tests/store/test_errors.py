"""What a log says of a database's error: what the database said, in one line, and nothing of the statement."""

import asyncpg
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError

from softswitch.store import told


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OperationalError("INSERT INTO users", {"password": "x"}, Exception("disk is full")), "disk is full"),
        (OperationalError("SELECT 1", None, asyncpg.PostgresError("shutting down\nDETAIL: by hand")), "shutting down"),
        (NoConnectionFreeError("no connection free\n(Background: https://sqlalche.me)"), "no connection free"),
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (OSError("\n  a second line alone"), "a second line alone"),
        (TimeoutError(), "TimeoutError()"),
    ],
)
def test_an_error_of_a_database_is_told_in_its_own_words_and_one_line(error: Exception, line: str) -> None:
    assert told(error) == line
