"""Standard output that can't be written is told in a sentence, whichever command writes to it and however.

A full disk is status 1 and a sentence on standard error; a reader that has gone away (`| head`) is status 1 without a
word. Every other error of the program goes its way.
"""

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

UNWRITABLE_STATUS = 1


class OutputError(Exception):
    """Standard output took no more; `error` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


def checked(program: Callable[[], None]) -> None:
    """Runs the program, and ends it where its standard output fails."""
    before = sys.stdout
    sys.stdout = output = _checked(before)
    reasons: list[OSError] = []
    try:
        try:
            program()
        finally:
            output.flush()
    except* OutputError as failed:
        reasons = [leaf.error for leaf in _leaves(failed)]
    finally:
        sys.stdout = before
    if reasons:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())  # what is left unwritten is not tried again
        if reasons[0].errno != errno.EPIPE:
            print(f"softswitch: standard output can't be written: {reasons[0].strerror}", file=sys.stderr)  # noqa: T201
        sys.exit(UNWRITABLE_STATUS)


class _Checked(io.FileIO):
    """A file whose errors are known by their type, wherever in the program they come up."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputError(error) from None


def _checked(stream: TextIO) -> TextIO:
    buffer = io.BufferedWriter(_Checked(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=stream.isatty())


def _leaves(found: BaseExceptionGroup[OutputError]) -> list[OutputError]:
    """The single errors of a group of groups."""
    leaves: list[OutputError] = []
    for inner in found.exceptions:
        leaves += _leaves(inner) if isinstance(inner, BaseExceptionGroup) else [inner]
    return leaves
