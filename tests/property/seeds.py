"""The seeds of tests that try a whole switch at random: the same few in every run; `SEEDS=100-200` looks further."""

import os


def seeds(count: int) -> range:
    """As many as a run has time for."""
    first, _, last = os.environ.get("SEEDS", f"0-{count}").partition("-")
    return range(int(first), int(last))
