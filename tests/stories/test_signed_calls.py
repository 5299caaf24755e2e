"""Calls with a signature: ours are signed by who calls, those of others are judged, and phones are told."""

import datetime as dt
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography.x509 import Certificate

from softswitch.app import App
from softswitch.errors import ConfigError
from softswitch.plan import Plan
from softswitch.settings import Settings
from softswitch.stir import Passport
from softswitch.stir.passport import read_identity
from tests.stir.authority import X5U, Authority, Key, files, new_key, pem
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, Phone, Town, town

TO = "13105550177"
DAY = dt.timedelta(days=1)


def authority(name: str = "Trusted") -> Authority:
    return Authority(name, dt.datetime.now(dt.UTC))


def provider(of: Authority) -> tuple[Key, list[Certificate]]:
    now = dt.datetime.now(dt.UTC)
    return of.provider(from_=now - DAY, until=now + DAY)


def identity(phone: Phone) -> str:
    return phone.session.request.headers.get("Identity") or ""


async def dialled(it: Town) -> Phone:
    ann, carrier = await it.phone("1001"), await it.carrier()
    ann.dial(TO)
    await carrier.picks_up()
    await ann.answered()
    return carrier


async def test_a_user_with_his_own_number_is_attested_a(tmp_path: Path) -> None:
    key, chain = provider(authority())
    certificate, private = files(tmp_path, key, chain)
    stir = {"certificate": str(certificate), "key": str(private), "x5u": X5U}
    async with town(tmp_path, stir=stir) as it:
        carrier = await dialled(it)
        found = read_identity(identity(carrier))
        assert found.is_signed_by(key.public_key())
        assert (found.passport.attest, found.passport.orig, found.passport.dest) == ("A", "12025550111", (TO,))
        assert abs(found.passport.iat - time.time()) < 60


async def test_a_rule_of_the_trunk_may_attest_otherwise_or_not_at_all(tmp_path: Path) -> None:
    key, chain = provider(authority())
    certificate, private = files(tmp_path, key, chain)
    stir = {"certificate": str(certificate), "key": str(private), "x5u": X5U}
    for attestation, seen in (("B", "B"), ("none", "")):
        rule = {"type": "stir_shaken", "attestation": attestation}
        trunk = {"name": "carrier", "address": CARRIER, "port": 5060, "transformations": [rule]}
        group = {"name": "pstn", "acls": [f"{CARRIER}/32"], "trunks": [trunk]}
        folder = tmp_path / attestation
        folder.mkdir()
        async with town(folder, stir=stir, groups=[group]) as it:
            value = identity(await dialled(it))
            assert (read_identity(value).passport.attest if value else "") == seen


async def test_a_certificate_that_can_not_be_used_ends_the_start_in_one_sentence(tmp_path: Path) -> None:
    _, chain = provider(authority())
    certificate, private = files(tmp_path, new_key(), chain)
    stir = {"certificate": str(certificate), "key": str(private), "x5u": X5U}
    with pytest.raises(ConfigError, match=r"softswitch.toml: stir.key: .* is not the key of"):
        App(Settings.model_validate({"data": {"directory": str(tmp_path)}, "stir": stir}), Plan())


class Web:
    """Where the certificates of others are."""

    def __init__(self, it: Town, served: bytes) -> None:
        self.served = served
        verifier = it.app.carriers._verifier
        assert verifier is not None
        verifier._fetching._client = httpx.AsyncClient(transport=httpx.MockTransport(self._serve))

    async def _serve(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=self._stream())

    async def _stream(self) -> AsyncIterator[bytes]:
        yield self.served


@pytest.mark.parametrize(("is_trusted", "verstat"), [(True, "TN-Validation-Passed"), (False, "TN-Validation-Failed")])
async def test_a_signed_call_from_the_pstn_is_judged_told_to_the_phone_and_in_the_record(
    tmp_path: Path, is_trusted: bool, verstat: str
) -> None:
    trusted = authority()
    key, chain = provider(trusted if is_trusted else authority("Somebody"))
    (tmp_path / "root.pem").write_bytes(pem([trusted.root]))
    stir = {"verify": True, "roots": [str(tmp_path / "root.pem")], "x5u_hosts": ["certs.example"]}
    async with town(tmp_path, stir=stir) as it:
        Web(it, pem(chain))
        records = keep_records(it)
        bob, carrier = await it.phone("1002"), await it.carrier()
        value = Passport("13105550199", ("12025550112",), int(time.time()), X5U, "B", "origin").signed(key)
        carrier.dial("12025550112", headers=(("Identity", value),))
        session = await bob.picks_up()
        asserted = session.request.headers.get("P-Asserted-Identity")
        assert asserted == f"<tel:+13105550199;verstat={verstat}>"
        await carrier.answered()
        carrier.hang_up()
        await bob.ended()
        assert records[0].stir_verstat == verstat
        assert records[0].stir_attest == ("B" if is_trusted else None)
        assert records[0].stir_signing_entity == ("Acme Telecom" if is_trusted else None)


async def test_a_call_without_a_signature_goes_on_as_not_validated(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(pem([authority().root]))
    async with town(tmp_path, stir={"verify": True, "roots": [str(tmp_path / "root.pem")]}) as it:
        bob, carrier = await it.phone("1002"), await it.carrier()
        carrier.dial("12025550112")
        session = await bob.picks_up()
        assert "No-TN-Validation" in (session.request.headers.get("P-Asserted-Identity") or "")
        await carrier.answered()
