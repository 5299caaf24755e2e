"""What most resources of `/core/v2` have in common: they belong to a partner; and records are only read."""

from collections.abc import Mapping
from typing import ClassVar

from softswitch.api.core.attributes import Partner
from softswitch.api.resources import ConfigurationResource, Related


class Owned(ConfigurationResource):
    """Objects of a partner, whom `with_related` embeds."""

    related: ClassVar[Mapping[str, Related]] = {"partner": Related("partners", "partner_sid", Partner)}


class Recorded(Owned):
    """What has happened: written by the switch, read by everybody who may, changed by nobody."""

    verbs = frozenset({"list", "get"})
