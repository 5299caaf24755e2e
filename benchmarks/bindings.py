"""What a binding of the mediator costs to find, to make and to keep, from 1,000 to 100,000 of them.

    python -m benchmarks.bindings

One redirect number serves many callers, and one destination is behind many bindings: the worst case for a table that
would walk through either. A look-up asks for the originator, for the destination's reply and for a stranger. The
yardstick is a bare dictionary with as many keys, asked as often in the same run: what both lose to a larger memory
shows in both, so the ratio says whether a look-up is constant.
"""

import argparse
import gc
import random
import time
import tracemalloc
import uuid

from softswitch.endpoints.mediator.binding import Binding
from softswitch.endpoints.mediator.bindings import Bindings

SIZES = (1_000, 10_000, 100_000)
REDIRECTS = 50
DESTINATIONS = 20
LOOKUPS = 30_000
ROUNDS = 5
NOW = 1_800_000_000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    headings = ("bindings", "make us", "find us", "bare us", "ratio", "change us", "end us", "bytes each")
    print(" ".join(f"{heading:>10}" for heading in headings))
    for size in parser.parse_args().sizes:
        make_us, find_us, bare_us, change_us, end_us, size_bytes = measured(size)
        row = (f"{size:,}", f"{make_us:.2f}", f"{find_us:.2f}", f"{bare_us:.2f}", f"{find_us / bare_us:.1f}")
        print(" ".join(f"{cell:>10}" for cell in (*row, f"{change_us:.2f}", f"{end_us:.2f}", f"{size_bytes:.0f}")))


def measured(size: int) -> tuple[float, float, float, float, float, float]:
    """Microseconds to make one, to find one, to ask a bare dictionary, to change one, to end one; and its bytes."""
    bindings = Bindings()
    made = [binding_of(number) for number in range(size)]
    gc.collect()
    begun = time.perf_counter()
    for binding in made:
        bindings.add(binding, NOW)
    make_us = (time.perf_counter() - begun) / size * 1e6
    bare = {(binding.redirect_did, binding.origination_did): binding for binding in made}
    asked = _asked(made)
    pairs = [(_find_us(bindings, asked), _bare_us(bare, asked)) for _ in range(ROUNDS)]
    find_us, bare_us = min(find for find, _ in pairs), min(ask for _, ask in pairs)
    begun = time.perf_counter()
    some = made[:: max(1, size // 1000)]
    for binding in some:
        bindings.change(binding, {"maximum_ttl": 7200}, NOW)
    change_us = (time.perf_counter() - begun) / len(some) * 1e6
    begun = time.perf_counter()
    bindings.expire(NOW + 7201)
    end_us = (time.perf_counter() - begun) / size * 1e6
    assert not len(bindings)
    return make_us, find_us, bare_us, change_us, end_us, _bytes(size)


def binding_of(number: int) -> Binding:
    """Each caller has one; destinations and redirect numbers are shared by many."""
    redirect, destination = f"1202{number % REDIRECTS:07}", f"1310{number % DESTINATIONS:07}"
    return Binding(str(uuid.uuid4()), redirect, destination, f"49{number:09}", created_at=NOW)


def _asked(made: list[Binding]) -> list[tuple[str, list[str]]]:
    """A call, a reply and a stranger in turn."""
    chosen = random.Random(1).choices(made, k=LOOKUPS // 3)
    return [
        (one.redirect_did, [number])
        for one in chosen
        for number in (one.origination_did or "", one.destination_did, "4411")
    ]


def _find_us(bindings: Bindings, asked: list[tuple[str, list[str]]]) -> float:
    begun = time.perf_counter()
    for redirect, callers in asked:
        bindings.find(redirect, callers, NOW)
    return (time.perf_counter() - begun) / len(asked) * 1e6


def _bare_us(bare: dict[tuple[str, str | None], Binding], asked: list[tuple[str, list[str]]]) -> float:
    begun = time.perf_counter()
    for redirect, callers in asked:
        bare.get((redirect, callers[0]))
    return (time.perf_counter() - begun) / len(asked) * 1e6


def _bytes(size: int) -> float:
    tracemalloc.start()
    bindings = Bindings()
    for number in range(size):
        bindings.add(binding_of(number), NOW)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / size


if __name__ == "__main__":
    main()
