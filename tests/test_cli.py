"""The command line: what it says, and with which exit status."""

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from softswitch import __version__
from softswitch.__main__ import main
from softswitch.plan import load_plan
from softswitch.store import Store
from tests.certificates import Authority
from tests.store.records import columns_and_rows

SHIPPED = Path(__file__).parent.parent / "config"
ROOT = SHIPPED.parent
SHARED_MEMORY_OF_SQLITE = 32_768
"""Bytes; what an existing database needs before anything is written."""


def softswitch(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "softswitch", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def config(folder: Path, *, settings: str = "", numbers: str = "") -> Path:
    """A copy of the shipped configuration, with something appended or replaced."""
    folder.mkdir(exist_ok=True)
    for name, more in (("softswitch.toml", settings), ("numbers.toml", numbers)):
        (folder / name).write_text(more or (SHIPPED / name).read_text())
    return folder


def test_it_says_its_version() -> None:
    done = softswitch("--version")
    assert (done.returncode, done.stdout) == (0, f"softswitch {__version__}\n")


def test_check_shows_the_number_plan_and_who_may_call(tmp_path: Path) -> None:
    done = softswitch("check", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    secured = next(line for line in lines if line[:1] == ["12025550101"])
    assert secured[1:4] == ["conference", "secured", "standup"]
    assert "222222 participant" in done.stdout
    assert ["pstn", "127.0.0.0/8", "none"] in lines


def test_check_looks_at_the_certificate_and_makes_none(tmp_path: Path) -> None:
    tls = {"SOFTSWITCH_SIP__TRANSPORTS": '["udp", "tls"]'}
    done = softswitch("check", folder=tmp_path, **tls)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    certificate, _ = Authority(tmp_path).issue("x.example")
    files = {"SOFTSWITCH_SIP__TLS__CERTIFICATE": str(certificate), "SOFTSWITCH_SIP__TLS__KEY": str(certificate)}
    done = softswitch("check", folder=tmp_path, **tls, **files)
    assert (done.returncode, done.stdout) == (2, "")
    assert "sip.tls.key: " in done.stderr
    assert "holds a certificate instead of a private key" in done.stderr


def test_check_looks_at_what_calls_are_signed_with_and_whom_signatures_of_others_need(tmp_path: Path) -> None:
    issued, key = Authority(tmp_path).issue("x.example")
    _, other = Authority(tmp_path).issue("y.example")
    signing = {
        "SOFTSWITCH_STIR__CERTIFICATE": str(issued),
        "SOFTSWITCH_STIR__KEY": str(key),
        "SOFTSWITCH_STIR__X5U": "https://x.example/certificate.pem",
    }
    judging = {"SOFTSWITCH_STIR__VERIFY": "true", "SOFTSWITCH_STIR__ROOTS": f'["{tmp_path / "none.pem"}"]'}
    assert softswitch("check", folder=tmp_path, **signing).returncode == 0
    for wrong, said in (
        (signing | {"SOFTSWITCH_STIR__KEY": str(other)}, "stir.key: "),
        (signing | {"SOFTSWITCH_STIR__CERTIFICATE": str(tmp_path / "none.pem")}, "stir.certificate: "),
        (judging, "stir.roots: "),
    ):
        done = softswitch("check", folder=tmp_path, **wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr


def test_check_names_variables_that_set_nothing() -> None:
    done = softswitch("check", SOFTSWITCH_FOO="1")
    assert done.returncode == 0
    assert "SOFTSWITCH_FOO in the environment sets nothing." in done.stdout


def test_check_tells_every_mistake_in_both_files_without_a_traceback(tmp_path: Path) -> None:
    folder = config(
        tmp_path / "bad",
        settings="[sip]\nprot = 5060\n",
        numbers='[[endpoints]]\nname = "c"\ntype = "conference"\nproperties = { conference_moh_enabld = "on" }\n',
    )
    done = softswitch("check", "--config", str(folder))
    assert (done.returncode, done.stdout) == (2, "")
    assert 'bad/softswitch.toml: sip.prot: is not a key here; did you mean "port"?' in done.stderr
    assert "bad/numbers.toml: endpoints[c].properties.conference_moh_enabld: is no property" in done.stderr
    assert "conference_moh_enabled" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_exit_status_of_a_mistake_is_no_part_of_a_group_on_the_first_releases_of_3_11(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = config(tmp_path / "bad", settings="[sip]\nprot = 5060\n")
    monkeypatch.setattr(sys, "argv", ["softswitch", "check", "--config", str(folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert ended.value.__context__ is None, "it was raised within except*, of which Python 3.11.2 makes a traceback"
    assert "sip.prot: is not a key here" in capfd.readouterr().err


def test_ctrl_c_while_a_command_is_only_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(program: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("softswitch.__main__.checked", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_check_says_that_the_database_rules_where_it_says_otherwise(tmp_path: Path) -> None:
    with_a_record(tmp_path)
    assert "rules" not in softswitch("check", "--config", str(SHIPPED), **data_in(tmp_path)).stdout
    folder = config(
        tmp_path / "c", numbers=(SHIPPED / "numbers.toml").read_text().replace("12025550102", "12025550103")
    )
    done = softswitch("check", "--config", str(folder), **data_in(tmp_path))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == (
        f"But the database of {tmp_path / 'data'} rules, not {folder}/numbers.toml: "
        f"`softswitch apply {folder}/numbers.toml` would make 1 new, 0 changed, 1 removed."
    )


@pytest.mark.parametrize("arguments", [["export"], ["records", "export"], ["token", "new"], ["serve"]], ids=" ".join)
def test_a_data_directory_that_can_not_be_made_is_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = softswitch(*arguments, SOFTSWITCH_DATA__DIRECTORY=str(tmp_path / "file" / "data"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_with_no_room_to_grow_is_a_sentence_and_nothing_is_done(tmp_path: Path) -> None:
    with_a_record(tmp_path)
    dids = (f'[[dids]]\nphonenumber = "1202555{number:04}"\nendpoint = "conference"\n' for number in range(2000, 2400))
    more = tmp_path / "more.toml"
    more.write_text("".join(dids))
    done = subprocess.run(
        [sys.executable, "-m", "softswitch", "apply", "--add", str(more)],
        cwd=ROOT,
        env={**os.environ, **data_in(tmp_path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SHARED_MEMORY_OF_SQLITE,) * 2),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{tmp_path}/data/softswitch.db: can't be used as the database: d")
    assert done.stderr.count("\n") == 1
    assert "12025552000" not in softswitch("export", **data_in(tmp_path)).stdout


def test_prompts_that_nobody_could_hear_are_refused_by_check_and_by_apply(tmp_path: Path) -> None:
    numbers = '[[endpoints]]\nname = "c"\ntype = "conference"\nproperties = { conference_moh = "nope/nothing" }\n'
    folder = config(tmp_path / "bad", numbers=numbers)
    for arguments in (["check"], ["apply", str(folder / "numbers.toml")]):
        done = softswitch(*arguments, "--config", str(folder), folder=tmp_path, **data_in(tmp_path))
        assert (done.returncode, done.stdout) == (2, "")
        place = "numbers.toml: endpoints[c].properties.conference_moh"
        assert f'{place}: is "nope/nothing": there is no such prompt' in done.stderr
        assert "accepted: default, the name of a prompt, or the path of an audio file" in done.stderr


def test_a_folder_without_a_configuration_is_said(tmp_path: Path) -> None:
    done = softswitch("check", "--config", str(tmp_path))
    assert done.returncode == 2
    assert "has no softswitch.toml" in done.stderr


def test_explain_prints_each_candidate_and_why(tmp_path: Path) -> None:
    done = softswitch("explain", "--from", "13105550199", "--to", "+1 202-555-0101", folder=tmp_path)
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "identify pstn taken ACL 127.0.0.0/8 of trunk group pstn" in lines
    assert "identify pstn/gateway not taken 127.0.0.1:5060 is not in 127.0.0.1:5080" in lines
    assert "endpoint conference taken DID 12025550101 leads there" in lines
    assert lines[-1] == "200 endpoint conference"


def test_explain_speaks_json_too_and_says_by_its_status_that_a_call_would_be_refused(tmp_path: Path) -> None:
    done = softswitch(
        "explain", "--from", "1", "--to", "12025550100", "--source", "127.0.0.1:5080", "--json", folder=tmp_path
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["status"], told["decision"]) == (1, 404, None)
    assert told["reasons"][0] == {
        "step": "identify",
        "candidate": "pstn/gateway",
        "taken": True,
        "why": "address 127.0.0.1:5080 of trunk gateway",
    }
    assert told["reasons"][-1]["why"] == "no DID has this number"


def test_explain_goes_by_the_database_once_it_rules_and_says_which_plan_it_went_by(tmp_path: Path) -> None:
    asked = ["explain", "--from", "13105550199", "--to", "12025550101"]
    done = softswitch(*asked, folder=tmp_path)
    assert done.stdout.startswith(f"By the number plan of {SHIPPED / 'numbers.toml'}:")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "other.toml").write_text("dids = []\n[[endpoints]]\nname = 'only'\ntype = 'conference'\n")
    assert softswitch("apply", "other.toml", folder=tmp_path).returncode == 0
    done = softswitch(*asked, folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("By the number plan of the database of data:")


def test_explain_says_that_a_number_is_a_user(tmp_path: Path) -> None:
    done = softswitch("explain", "--from", "13105550199", "--to", "1001", "--json", folder=tmp_path)
    reason = json.loads(done.stdout)["reasons"][-1]
    assert (reason["candidate"], reason["taken"]) == ("1001", False)
    assert reason["why"].startswith("is a user, whom users alone reach by name")


def test_trunks_shows_the_order_of_a_call_out(tmp_path: Path) -> None:
    done = softswitch("trunks", "pstn", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "trunk gateway taken choice 1: priority 0, weight 0" in " ".join(done.stdout.split())
    done = softswitch("trunks", "pstm", folder=tmp_path)
    assert done.returncode == 2
    assert "there are: pstn" in done.stderr


@pytest.mark.parametrize("arguments", [["--to", "sip:<>"], ["--to", "1", "--source", "nowhere"]])
def test_explain_says_what_it_can_not_read(arguments: list[str], tmp_path: Path) -> None:
    done = softswitch("explain", "--from", "1", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::"])
def test_with_the_shipped_codes_the_switch_refuses_a_public_address_and_says_what_to_change(address: str) -> None:
    done = softswitch("serve", SOFTSWITCH_SIP__ADDRESSES=f'["{address}"]')
    assert (done.returncode, done.stdout) == (2, "")
    assert f"sip.addresses: {address} can be reached from outside" in done.stderr
    assert "still are the ones we ship, which everybody knows; change them first: users[1001].password" in done.stderr
    assert "accepted: until then an address of this machine alone (127.0.0.1, ::1)" in done.stderr


def test_with_codes_of_one_s_own_a_public_address_is_fine(tmp_path: Path) -> None:
    numbers = (SHIPPED / "numbers.toml").read_text()
    for number, secret in enumerate(["111111", "222222", "333333", "demo-1001", "demo-1002", "demo-1003"]):
        numbers = numbers.replace(f'"{secret}"', f'"{840000 + number}"')
    folder = config(tmp_path / "own", numbers=numbers)
    outside = {"SOFTSWITCH_SIP__ADDRESSES": "0.0.0.0", "SOFTSWITCH_MEDIA__ADDRESS": "192.0.2.1"}
    done = softswitch("check", "--config", str(folder), folder=ROOT, **outside)
    assert done.returncode == 0, done.stderr


def test_sip_for_the_world_with_audio_for_this_machine_alone_is_refused() -> None:
    done = softswitch("check", SOFTSWITCH_SIP__ADDRESSES="0.0.0.0")
    assert done.returncode == 2
    assert "media.address: 127.0.0.1 can be reached from this machine alone, but SIP is heard on 0.0.0.0" in done.stderr


WRITING = (
    ["check"],
    ["explain", "--from", "1", "--to", "12025550101"],
    ["explain", "--from", "1", "--to", "12025550101", "--json"],
    ["trunks", "pstn"],
    ["apply", str(SHIPPED / "numbers.toml"), "--dry-run"],
    ["export"],
    ["records", "export"],
    ["ladder", "--help"],
    ["serve"],
)


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_a_full_disk_under_standard_output_is_a_sentence_and_status_1(arguments: list[str], tmp_path: Path) -> None:
    with_a_record(tmp_path)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "softswitch", *arguments],
            cwd=ROOT,
            env={**os.environ, "SOFTSWITCH_SIP__PORT": "0", "SOFTSWITCH_API__PORT": "0", **data_in(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "softswitch: standard output can't be written: No space left on device\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("arguments", [["check"], ["explain", "--from", "1", "--to", "12025550101", "--json"]])
def test_a_reader_that_has_gone_away_is_no_fault_of_ours(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        command = [sys.executable, "-m", "softswitch", *arguments]
        done = subprocess.run(command, cwd=ROOT, stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")


def test_records_that_a_full_disk_does_not_take_are_a_sentence(tmp_path: Path) -> None:
    with_a_record(tmp_path)
    done = softswitch("records", "export", "--output", "/dev/full", folder=ROOT, **data_in(tmp_path))
    assert (done.returncode, done.stderr) == (1, "softswitch: /dev/full can't be written: No space left on device\n")


def test_a_folder_config_without_our_files_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    done = softswitch("check", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == f"{tmp_path}/config has none of our files: the configuration we ship is used\n"


def data_in(folder: Path) -> dict[str, str]:
    return {"SOFTSWITCH_DATA__DIRECTORY": str(folder / "data")}


def with_a_record(folder: Path) -> None:
    """A database with a call in it."""

    async def write() -> None:
        store = await Store.open("", folder / "data")
        await store.apply(load_plan(SHIPPED).numbers)
        dates = {"date_start": "2026-01-31T09:45:00.000Z", "date_stop": "2026-01-31T09:46:00.000Z"}
        record = {"dr_sid": "f4f7c9d2-61c3-49d8-9df2-6f0a0c8be311", **dates}
        await store.add_records("call_drs", *columns_and_rows([record]))
        await store.close()

    asyncio.run(write())
