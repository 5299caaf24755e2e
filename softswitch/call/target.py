"""`Target`, where calls look for it; it is a value of routing, which makes most of them."""

from softswitch.routing.target import Target

__all__ = ["Target"]
