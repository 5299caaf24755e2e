"""Whom a stack that can't keep up refuses with 503, and when they are to come again (RFC 3261 §21.5.4).

What belongs to a dialog is served: it ends work, or keeps it. What may wait is refused first: who registers does so
again by himself, while somebody waits for his call. Each of them is told a time of its own, so many a second, so that
a few come back soon and a storm comes back as a stream.
"""

from collections.abc import Callable

from softswitch.sip.message import Request
from softswitch.sip.settings import StackSettings


class Overload:
    """One stack's judgement. `is_behind(s)` says whether reading has been behind for longer than that."""

    def __init__(self, settings: StackSettings, is_behind: Callable[[float], bool], clock: Callable[[], float]) -> None:
        self._settings, self._is_behind, self._clock = settings, is_behind, clock
        self._last_slot_at = 0.0

    def refuses(self, request: Request, unspent: int, is_known: Callable[[], bool]) -> bool:
        """Whether we have no time for a new request; `unspent` transactions still have something to do.

        Of those as many again are kept for senders that are known: strangers, who can make up where they are, fill no
        place of theirs.
        """
        if request.to.tag is not None or request.method == "CANCEL":
            return False
        settings = self._settings
        patience_s = settings.busy_after_s if _may_wait(request) else settings.overloaded_after_s
        most = settings.most_server_transactions
        is_full = unspent >= most and (unspent >= 2 * most or not is_known())
        return is_full or self._is_behind(patience_s)

    def retry_after_s(self, request: Request) -> int:
        """For a call always the same; whatever may wait gets the next slot, and the first again after the last."""
        settings, now = self._settings, self._clock()
        if not _may_wait(request):
            return settings.retry_after_s
        at = max(self._last_slot_at + 1 / settings.retries_per_s, now + settings.retry_after_s)
        if at > now + settings.retry_within_s:
            at = now + settings.retry_after_s
        self._last_slot_at = at
        return round(at - now)


def _may_wait(request: Request) -> bool:
    """Whether nobody is on the phone for it, and no challenge of ours has been worked on already."""
    return request.method != "INVITE" and "authorization" not in request.headers.fields
