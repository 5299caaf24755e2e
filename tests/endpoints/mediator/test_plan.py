"""Third parties and mediators in `numbers.toml`: what is wrong is told by its place, what is right comes back equal."""

import tomllib
from pathlib import Path

import pytest

from softswitch.configfile import validated
from softswitch.configuration import wrong_properties
from softswitch.errors import ConfigError
from softswitch.plan import MediatorEndpoint, NumberPlan, Plan, ThirdPartyEndpoint, load_plan
from softswitch.plan.differences import differences
from softswitch.plan.write import toml
from tests.store.blank import open_blank

SHIPPED = Path(__file__).parents[3] / "config"
MEDIATOR = '[[endpoints]]\nname = "m"\ntype = "mediator"\n'
DID = '[[dids]]\nphonenumber = "12025550105"\nendpoint = "m"\n'
BINDING = 'bindings = [{ redirect_did = "12025550105", destination_did = "1002"'


def problems_of(folder: Path, text: str) -> list[ConfigError]:
    (folder / "numbers.toml").write_text(text)
    with pytest.raises(ExceptionGroup) as caught:
        load_plan(folder)
    return [error for error in caught.value.exceptions if isinstance(error, ConfigError)]


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ('[[endpoints]]\nname = "p"\ntype = "third_party"\ntrunk_group = "no"', "endpoints[p].trunk_group", "exist"),
        ('[[endpoints]]\nname = "p"\ntype = "third_party"\naddresses = [{ port = 1 }]',
         "endpoints[p].addresses[0].ip", ""),
        ('[[endpoints]]\nname = "p"\ntype = "third_party"\nout_sip_username = "u"',
         "endpoints[p].out_sip_password", "half"),
        ('[[endpoints]]\nname = "p"\ntype = "third_party"\nrelay_sip_headers = ["Via"]',
         "endpoints[p].relay_sip_headers[0]", "Via"),
        ('[[endpoints]]\nname = "p"\ntype = "third_party"\ncall_flow = "open"', "endpoints[p].call_flow", "no key"),
        (MEDIATOR + BINDING + " }]", "endpoints[m].bindings[0].redirect_did", "no DID"),
        (MEDIATOR + BINDING + ', dtmf = "x" }]\n' + DID, "endpoints[m].bindings[0].dtmf", '"x"'),
        (MEDIATOR + BINDING + ' }, { redirect_did = "12025550105", destination_did = "1003" }]\n' + DID,
         "endpoints[m].bindings[1]", "also in"),
        (MEDIATOR + DID + 'call_flow = "open"', "dids[12025550105].call_flow", "for conferences"),
        ('[[users]]\nusername = "crm"\npassword = "1"\n[[endpoints]]\nname = "p"\ntype = "third_party"\n'
         'in_sip_username = "crm"\nin_sip_password = "2"', "endpoints[p].in_sip_username", "also in"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_place(tmp_path: Path, text: str, key: str, problem: str) -> None:
    (error,) = problems_of(tmp_path, text)
    assert error.key == key
    assert problem.replace("no key", "is not a key") in error.problem


def test_attributes_of_the_plans_own_bindings_are_looked_at(tmp_path: Path) -> None:
    text = MEDIATOR + BINDING + ', attributes = { hide_origination_did = "perhaps" } }]\n' + DID
    plan = Plan(validated(NumberPlan, tomllib.loads(text), "numbers.toml"))
    (problem,) = wrong_properties(plan, "numbers.toml")
    assert problem.key == "endpoints[m].bindings[0].attributes.hide_origination_did"


def test_the_shipped_plan_has_a_mediator_and_a_third_party() -> None:
    plan = load_plan(SHIPPED)
    assert isinstance(plan.endpoints[plan.dids["12025550105"].endpoint or ""], MediatorEndpoint)
    crm = plan.endpoints[plan.dids["12025550106"].endpoint or ""]
    assert isinstance(crm, ThirdPartyEndpoint)
    assert [(place.ip, place.port) for place in crm.addresses] == [("127.0.0.1", 5090)]


async def test_what_is_applied_is_exported_and_applied_again_without_a_difference(tmp_path: Path) -> None:
    shipped = load_plan(SHIPPED).numbers
    store = await open_blank(tmp_path)
    await store.apply(shipped)
    assert list(differences(store.plan.numbers, shipped)) == []
    exported = validated(NumberPlan, tomllib.loads(toml(store.plan.numbers)), "export")
    assert list(differences(shipped, exported)) == []
    assert await store.apply(exported) == []
    await store.close()


async def test_a_change_of_addresses_and_bindings_is_one_that_the_database_takes(tmp_path: Path) -> None:
    store = await open_blank(tmp_path)
    text = '[[endpoints]]\nname = "p"\ntype = "third_party"\naddresses = [{ ip = "192.0.2.1" }]\n' + MEDIATOR + DID
    await store.apply(validated(NumberPlan, tomllib.loads(text), "a"))
    other = text.replace('{ ip = "192.0.2.1" }', '{ ip = "192.0.2.2", priority = 1 }, { ip = "192.0.2.3" }')
    other = other.replace(DID, BINDING + " }]\n" + DID)
    (addresses, bindings) = await store.apply(validated(NumberPlan, tomllib.loads(other), "b"))
    assert (addresses.fields, bindings.fields) == (("addresses",), ("bindings",))
    (party, mediator) = store.plan.numbers.endpoints
    assert isinstance(party, ThirdPartyEndpoint)
    assert [place.ip for place in party.addresses] == ["192.0.2.2", "192.0.2.3"]
    assert isinstance(mediator, MediatorEndpoint)
    assert mediator.bindings[0].destination_did == "1002"
    await store.close()


async def test_a_trunk_group_that_an_endpoint_calls_over_may_be_called_otherwise(tmp_path: Path) -> None:
    store = await open_blank(tmp_path)
    await store.apply(
        validated(NumberPlan, tomllib.loads('[[trunk_groups]]\nname = "a"\n' + MEDIATOR + 'trunk_group = "a"'), "")
    )
    await store.update("trunk_groups", store.plan.trunk_groups["a"].sid, {"name": "b"})
    (mediator,) = store.plan.numbers.endpoints
    assert isinstance(mediator, MediatorEndpoint)
    assert mediator.trunk_group == "b"
    await store.close()
