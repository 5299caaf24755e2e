"""What every endpoint is: the place where a call ends, and the program that runs there.

The switch calls `run` in a task of its own for each call. It returns the outcome, and the switch then ends the session
if it is still up. A hang-up by the caller cancels `run`: what it has taken must be given back in `finally`. Before it
answers, `run` may raise `CallRejected`, which becomes the final response.
"""

from abc import ABC, abstractmethod

from softswitch.call import Call, Outcome, Run
from softswitch.plan import AnyEndpoint


class Endpoint(ABC):
    """One configured endpoint; `name` is its key in the plan."""

    name: str

    @abstractmethod
    async def run(self, call: Call) -> Outcome:
        """Everything that happens to `call` here, until one side ends it."""

    def place_of(self, call: Call) -> Run:  # noqa: ARG002 - some know what he is here
        """What is run for another call in the place of this one's caller, who leaves as that is put through (answered).

        As if it had come by itself, where nothing else is said.
        """
        return self.run

    @property
    def is_idle(self) -> bool:
        """Whether nothing is live here that outlasts its calls."""
        return True

    def adopt(self, account: AnyEndpoint) -> None:
        """The configuration of this endpoint has changed: the next call finds it so. Its type never does."""
        self.name = account.name

    async def close(self) -> None:
        """The program stops: what is live here ends. Calls are ended by the switch, before."""
        return
