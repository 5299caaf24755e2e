"""Addresses as people write them, and what they lead to."""

import pytest

from softswitch.gateway.address import NameNotFoundError, host_and_port, local_host_towards, resolved


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:5070", ("127.0.0.1", 5070)),
        ("localhost", ("localhost", 5060)),
        ("[::1]:5070", ("::1", 5070)),
        ("[::1]", ("::1", 5060)),
        (":5070", ("127.0.0.1", 5070)),
    ],
)
def test_an_address_is_a_host_and_perhaps_a_port(text: str, address: tuple[str, int]) -> None:
    assert host_and_port(text, 5060) == address


@pytest.mark.real_time
async def test_localhost_is_the_loopback_where_the_switch_listens() -> None:
    assert await resolved(("localhost", 5070)) == ("127.0.0.1", 5070)


@pytest.mark.real_time
async def test_a_name_without_an_address_is_a_sentence() -> None:
    with pytest.raises(NameNotFoundError, match="can't be resolved"):
        await resolved(("no-such-switch.invalid", 5070))


def test_the_loopback_is_called_from_the_loopback() -> None:
    assert local_host_towards(("127.0.0.1", 5070)) == "127.0.0.1"
