"""What meetings and calls, the two live resources of `/conference/v2`, have in common.

They exist in memory alone, for as long as somebody is there: a list is a look at this moment, PATCH acts on people. So
everything is decided and done between two steps of the event loop, and nothing can change in between.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from softswitch.api.columns import Columns, live_page, look
from softswitch.api.conference.resource import ConferenceResource
from softswitch.api.context import ApiContext
from softswitch.api.errors import ApiError
from softswitch.api.lists import Asked, Fields, envelope, json_response, query_of
from softswitch.api.live import Live
from softswitch.api.passwords import Login
from softswitch.api.resources import Values
from softswitch.api.schemas import body_of, change_of, read_only
from softswitch.endpoints.conference import Conference

T = TypeVar("T")


class LiveResource(ConferenceResource, Generic[T]):
    """A resource of what is live in one conference. Subclasses say what there is and what can be done."""

    sid_name: ClassVar[str]

    def __init__(self, context: ApiContext, live: Live) -> None:
        self.context, self.store, self.live = context, context.store, live
        self.sid = self.sid_name
        self.body, self.changes = body_of(self.shown), change_of(self.shown)
        self.replacements = self.body
        self._read_only = read_only(self.shown)

    # ---- what subclasses say

    def everything(self, conference: Conference) -> Sequence[T]:
        """All that is there at this moment."""
        raise NotImplementedError

    def is_called(self, thing: T, sid: str) -> bool:
        raise NotImplementedError

    def columns(self, login: Login) -> Columns[T]:
        """The attributes as this client sees them."""
        raise NotImplementedError

    def look(self, login: Login, thing: T) -> Values:
        """The object as the client sees it."""
        return look(self.columns(login), thing)

    async def act(self, conference: Conference, thing: T, sent: Values) -> None:
        """Does what PATCH says. Raises `ApiError`."""
        raise NotImplementedError

    def end(self, conference: Conference, thing: T) -> None:
        """Does what DELETE says."""
        raise NotImplementedError

    # ---- verbs

    async def page(self, request: Request, asked: Asked) -> Response:
        query = query_of(asked, self.shown)
        login, conference = self.place(request)
        things = self.everything(conference) if conference is not None else ()
        page = live_page(things, self.columns(login), query, self.sid)
        return envelope(request, query, page, [asked.fields.of(item) for item in page.items], self.sid)

    async def get(self, request: Request, fields: Fields, *, with_related: bool) -> Response:  # noqa: ARG002 - has none
        fields.check(self.shown)
        login, _, thing = self.named(request)
        return json_response(fields.of(self.look(login, thing)))

    async def change(self, request: Request, body: BaseModel) -> Response:
        login, conference, thing = self.named(request)
        self.refuse_unknown(body, self.look(login, thing))
        await self.act(conference, thing, declared(body, exclude_unset=True))
        return json_response(self.look(login, thing))

    async def remove(self, request: Request) -> Response:
        _, conference, thing = self.named(request)
        self.end(conference, thing)
        return Response(status_code=204)

    # ---- who and what

    def place(self, request: Request) -> tuple[Login, Conference | None]:
        """Who calls, and his conference where it is running."""
        login: Login = request.state.caller
        return login, self.live.conference(login.endpoint_sid)

    def named(self, request: Request) -> tuple[Login, Conference, T]:
        """What the address names. Raises `ApiError` 404, also for what is of somebody else."""
        login, conference = self.place(request)
        sid = request.path_params[self.sid]
        for thing in self.everything(conference) if conference is not None else ():
            if conference is not None and self.is_called(thing, sid):
                return login, conference, thing
        raise ApiError(404, field=self.sid)


def declared(body: BaseModel, *, exclude_unset: bool = False) -> dict[str, Any]:
    """The attributes that the body's model knows."""
    values = body.model_dump(exclude_unset=exclude_unset)
    return {name: value for name, value in values.items() if name in type(body).model_fields}
