"""The 49 messages of RFC 4475 themselves, where a folder `shared/sip-torture` lies beside the repository."""

from pathlib import Path

import pytest

from tests.torture.verdict import DROP, WORK, verdict

MESSAGES = Path(__file__).resolve().parents[3] / "shared" / "sip-torture"

VERDICTS: dict[str, tuple[int, ...]] = {
    "wsinv": (WORK,), "intmeth": (405, 501), "esc01": (WORK,), "escnull": (WORK,), "esc02": (405, 501),
    "lwsdisp": (WORK,), "longreq": (WORK,), "dblreq": (WORK,), "semiuri": (WORK,), "transports": (WORK,),
    "mpart01": (WORK,), "unreason": (WORK,), "noreason": (WORK,),
    "badinv01": (400,), "clerr": (400,), "ncl": (400,), "scalar02": (400,), "scalarlg": (DROP,), "quotbal": (400,),
    "ltgtruri": (400,), "lwsruri": (400,), "lwsstart": (400,), "trws": (400, WORK), "escruri": (400,),
    "baddate": (WORK, 400), "regbadct": (400,), "badaspec": (400,), "baddn": (400,), "badvers": (505,),
    "mismatch01": (400,), "mismatch02": (400, 501), "bigcode": (DROP,),
    "badbranch": (WORK,), "insuf": (400,), "unkscm": (416,), "novelsc": (416,), "unksm2": (400, 404, 416),
    "bext01": (420,), "invut": (415,), "regaut01": (WORK,), "multi01": (400,), "mcl01": (400,), "bcast": (DROP,),
    "zeromf": (WORK,), "cparam01": (WORK,), "cparam02": (WORK,), "regescrt": (WORK,), "sdp01": (406,),
    "inv2543": (WORK,),
}  # fmt: skip

pytestmark = pytest.mark.skipif(not MESSAGES.is_dir(), reason=f"the messages of RFC 4475 are not in {MESSAGES}")


@pytest.mark.parametrize("name", VERDICTS)
def test_gets_the_verdict_of_the_rfc(name: str) -> None:
    assert verdict((MESSAGES / f"{name}.dat").read_bytes()) in VERDICTS[name]


def test_all_messages_have_a_verdict() -> None:
    assert {path.stem for path in MESSAGES.glob("*.dat")} == VERDICTS.keys()
