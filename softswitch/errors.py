"""Whose fault it is. Every error that crosses a module border is one of these three, or it is our bug.

A `PeerError` is answered or counted and never logged with a traceback; a `CallRejected` becomes the final response
of the call; a `ConfigError` becomes one sentence on the terminal and exit status 2.
"""

from collections.abc import Sequence


class PeerError(Exception):
    """The peer's bytes break the protocol.

    `status` is the SIP answer it earns where one can be sent, `drop` the name it is counted under.
    """

    def __init__(self, reason: str, *, drop: str = "malformed", status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.drop = drop
        self.status = status


class CallRejected(Exception):  # noqa: N818 - a decision, not an error
    """A decision not to take the call: the final response it gets (RFC 3261 §21), and its Q.850 cause."""

    def __init__(
        self,
        status: int,
        reason: str = "",
        *,
        headers: Sequence[tuple[str, str]] = (),
        q850: int | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}".rstrip())
        self.status = status
        self.reason = reason
        self.headers = tuple(headers)
        self.q850 = q850
        self.is_by_callee = False
        """Whether it is the word of whoever was called, and not ours."""

    @property
    def with_cause(self) -> tuple[tuple[str, str], ...]:
        """The headers of the response, with the cause among them where one was given (RFC 3326)."""
        if self.q850 is None or any(name.lower() == "reason" for name, _ in self.headers):
            return self.headers
        return (*self.headers, ("Reason", f"Q.850;cause={self.q850}"))


class ConfigError(Exception):
    """A setting that can't be used: which file, which key, what is wrong, what is accepted."""

    def __init__(self, file: str, key: str, problem: str, accepted: str = "") -> None:
        super().__init__(file, key, problem, accepted)
        self.file = file
        self.key = key
        self.problem = problem
        self.accepted = accepted

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.problem}" + (f" (accepted: {self.accepted})" if self.accepted else "")
