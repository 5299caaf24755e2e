"""softswitch.toml: every mistake is a sentence that names the file, the key and what is accepted."""

import re
import tomllib
from pathlib import Path

import pytest

from softswitch.api_client import TOKEN_VARIABLE, URL_VARIABLE
from softswitch.errors import ConfigError
from softswitch.settings import Settings, config_folder, load_settings, passed_over, variables_ignored

SHIPPED = Path(__file__).parent.parent / "config"


def settings_of(folder: Path, text: str, **environment: str) -> Settings:
    (folder / "softswitch.toml").write_text(text)
    return load_settings(folder, environment)


def problems_of(folder: Path, text: str, **environment: str) -> list[ConfigError]:
    with pytest.raises((ConfigError, ExceptionGroup)) as caught:
        settings_of(folder, text, **environment)
    error = caught.value
    return [error] if isinstance(error, ConfigError) else list(error.exceptions)  # type: ignore[attr-defined]


def test_the_shipped_file_has_every_key_at_its_default() -> None:
    assert load_settings(SHIPPED, {}) == Settings()
    written = tomllib.loads((SHIPPED / "softswitch.toml").read_text())
    commented = (SHIPPED / "softswitch.toml").read_text()
    for section, model in Settings.model_fields.items():
        for key, field in type(model.default).model_fields.items():
            assert key in written[section] or (field.default is None and f"\n# {key} = " in commented), key


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "") == Settings()


@pytest.mark.parametrize(
    ("text", "key", "problem", "accepted"),
    [
        ("[sip]\nprot = 5060", "sip.prot", 'is not a key here; did you mean "port"?', "port, realm"),
        ("[spi]\nport = 5060", "spi", 'is not a key here; did you mean "sip"?', "ladder, limits, logs, media"),
        ('[sip]\nport = "5060"', "sip.port", 'is "5060"', "a whole number"),
        ("[sip]\nport = 70000", "sip.port", "is 70000", "65535"),
        ("[sip]\nport = true", "sip.port", "is true", "a whole number"),
        ("sip = 1", "sip", "is 1", "a table"),
        ('[sip]\naddresses = "127.0.0.1"', "sip.addresses", 'is "127.0.0.1"', "a list"),
        ('[sip]\naddresses = ["localhost"]', "sip.addresses[0]", 'is "localhost"', "an IPv4 or IPv6 address"),
        ("[sip]\naddresses = []", "sip.addresses", "is []", "at least 1 entry"),
        ('[sip]\ntransports = ["udp", "sctp"]', "sip.transports[1]", 'is "sctp"', "udp, tcp, tls"),
        ('[sip]\nunknown_sender = "scilence"', "sip.unknown_sender", 'did you mean "silence"?', "403, silence"),
        ("[sip]\nmin_se_s = 3600", "sip", "session_expires_s is 1800", "at least min_se_s (3600)"),
        ("[media]\nports = [10001, 20000]", "media.ports", "is [10001, 20000]", "an even first port"),
        ("[media]\nports = [20000, 10000]", "media.ports", "is [20000, 10000]", "a last port above it"),
        ("[media]\nports = [10000]", "media.ports[1]", "is missing", ""),
        ("[limits]\ncps = -1", "limits.cps", "is -1", "0 or more"),
        ("[logs]\nsip_messages = 1", "logs.sip_messages", "is 1", "true or false"),
    ],
)
def test_a_mistake_names_file_and_key_and_what_is_accepted(
    tmp_path: Path, text: str, key: str, problem: str, accepted: str
) -> None:
    (error,) = problems_of(tmp_path, text)
    assert error.file == str(tmp_path / "softswitch.toml")
    assert error.key == key
    assert problem in error.problem
    assert accepted in error.accepted


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    assert len(problems_of(tmp_path, "[sip]\nport = 0.5\nprot = 1\n[media]\nloudest_talkers = 0\n[log]\n")) == 4


def test_broken_toml_names_its_line(tmp_path: Path) -> None:
    (error,) = problems_of(tmp_path, "[sip]\nport = \n")
    assert "not valid TOML" in error.problem
    assert "line 2" in error.problem


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        load_settings(tmp_path, {})
    (tmp_path / "softswitch.toml").write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "value", "section", "key", "expected"),
    [
        ("SOFTSWITCH_SIP__PORT", "5070", "sip", "port", 5070),
        ("SOFTSWITCH_SIP__UNKNOWN_SENDER", "silence", "sip", "unknown_sender", "silence"),
        ("SOFTSWITCH_SIP__UNKNOWN_SENDER", "403", "sip", "unknown_sender", "403"),
        ("SOFTSWITCH_SIP__UNKNOWN_SENDER", '"403"', "sip", "unknown_sender", "403"),
        ("SOFTSWITCH_CALLBACKS__SECRET", "0815", "callbacks", "secret", "0815"),
        ("SOFTSWITCH_DATA__DIRECTORY", "2026", "data", "directory", Path("2026")),
        ("SOFTSWITCH_SIP__ADDRESSES", '["::1"]', "sip", "addresses", ("::1",)),
        ("SOFTSWITCH_SIP__ADDRESSES", "127.0.0.2", "sip", "addresses", ("127.0.0.2",)),
        ("SOFTSWITCH_MEDIA__CODECS", "PCMA", "media", "codecs", ("PCMA",)),
        ("SOFTSWITCH_LOGS__SIP_MESSAGES", "true", "logs", "sip_messages", True),
    ],
)
def test_the_environment_overrides_a_key(
    tmp_path: Path, name: str, value: str, section: str, key: str, expected: object
) -> None:
    settings = settings_of(tmp_path, "[sip]\nport = 5061\n", **{name: value})
    assert getattr(getattr(settings, section), key) == expected


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SOFTSWITCH_SIP__PROT", "5070", 'is not a key here; did you mean "port"?'),
        ("SOFTSWITCH_SPI__PORT", "5070", 'is not a key here; did you mean "sip"?'),
        ("SOFTSWITCH_SIP__ADDRESSES", "localhost", 'is "localhost"'),
        ("SOFTSWITCH_SIP__PORT", "70000", "is 70000"),
        ("SOFTSWITCH_SIP__TLS__PORT", "70000", "is 70000"),
        ("SOFTSWITCH_SIP__TLS__PROT", "5061", 'is not a key here; did you mean "port"?'),
    ],
)
def test_a_mistake_in_the_environment_is_not_blamed_on_the_file(
    tmp_path: Path, name: str, value: str, problem: str
) -> None:
    (error,) = problems_of(tmp_path, "[sip]\n", **{name: value})
    assert (error.file, error.key, error.problem) == ("the environment", name, problem)


def test_the_environment_overrides_a_key_of_a_table_within_a_table(tmp_path: Path) -> None:
    text = "[sip]\nport = 5070\n[sip.tls]\nverify_peer = true\n"
    settings = settings_of(tmp_path, text, SOFTSWITCH_SIP__TLS__PORT="5099")
    assert (settings.sip.port, settings.sip.tls.port, settings.sip.tls.verify_peer) == (5070, 5099, True)


def test_a_mistake_in_the_file_is_not_blamed_on_the_environment(tmp_path: Path) -> None:
    (error,) = problems_of(tmp_path, "[sip]\nprot = 1\n", SOFTSWITCH_SIP__PORT="5070")
    assert (error.file, error.key) == (str(tmp_path / "softswitch.toml"), "sip.prot")


def test_a_variable_for_a_table_that_is_none_in_the_file_leaves_the_mistake_to_the_file(tmp_path: Path) -> None:
    (error,) = problems_of(tmp_path, "sip = 1", SOFTSWITCH_SIP__PORT="5070")
    assert (error.key, error.problem) == ("sip", "is 1")


def test_the_token_and_the_url_of_our_commands_in_the_environment_are_no_variables_that_set_nothing() -> None:
    assert variables_ignored({TOKEN_VARIABLE: "sw_x", URL_VARIABLE: "http://127.0.0.1:8080"}) == []


def test_variables_that_set_nothing_are_named_instead_of_ignored_silently(tmp_path: Path) -> None:
    environment = {"SOFTSWITCH_FOO": "1", "SOFTSWITCH_SIP__PORT": "1", "HOME": "/y", "SIP__PORT": "1"}
    assert variables_ignored(environment) == ["SOFTSWITCH_FOO"]
    assert settings_of(tmp_path, "", SOFTSWITCH_FOO="1", SIP__PORT="1") == Settings()


def test_folders_of_prompts_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    (error,) = problems_of(tmp_path, '[media]\nprompts = ["/no/such"]')
    assert (error.key, error.problem) == ("media.prompts[0]", 'is "/no/such": there is no such folder')
    assert "a relative path begins where the switch is started" in error.accepted


@pytest.mark.parametrize(("address", "told"), [("0.0.0.0", "192.0.2.1"), ("::", "2001:db8::1")])
def test_a_wildcard_never_goes_out_as_the_address_of_our_audio(tmp_path: Path, address: str, told: str) -> None:
    (error,) = problems_of(tmp_path, f'[media]\naddress = "{address}"')
    assert "can't send audio to" in error.problem
    assert "advertised_address" in error.accepted
    settings_of(tmp_path, f'[media]\naddress = "{address}"\nadvertised_address = "{told}"')


@pytest.mark.parametrize(("address", "told"), [("192.0.2.1", "2001:db8::1"), ("::", "192.0.2.1")])
def test_peers_are_not_told_an_address_of_another_family_than_our_audio_s(
    tmp_path: Path, address: str, told: str
) -> None:
    (error,) = problems_of(tmp_path, f'[media]\naddress = "{address}"\nadvertised_address = "{told}"')
    assert error.accepted == "two IPv4 addresses, or two IPv6 addresses"


def test_the_folder_is_the_given_one_or_the_current_one_or_the_one_that_came_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (config_folder(None) / "softswitch.toml").samefile(SHIPPED / "softswitch.toml")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "softswitch.toml").touch()
    assert config_folder(None).samefile(tmp_path / "config")
    assert config_folder(SHIPPED) == SHIPPED
    assert passed_over(None) is None
    with pytest.raises(ConfigError, match="nowhere: there is no such folder"):
        config_folder(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"has no softswitch\.toml"):
        config_folder(tmp_path)


def test_a_folder_config_that_is_something_else_s_is_passed_over_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "webpack.js").touch()
    assert config_folder(None).samefile(SHIPPED)
    assert passed_over(None) == Path("config")
    assert passed_over(tmp_path) is None


def test_a_folder_config_with_half_of_our_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "numbers.toml").touch()
    with pytest.raises(ConfigError, match=r"config: has no softswitch\.toml, only numbers\.toml"):
        config_folder(None)


@pytest.mark.parametrize(
    ("addresses", "public"), [(("127.0.0.1", "::1"), ()), (("0.0.0.0", "127.1.2.3"), ("0.0.0.0",)), (("::",), ("::",))]
)
def test_it_knows_which_addresses_others_can_reach(
    tmp_path: Path, addresses: tuple[str, ...], public: tuple[str, ...]
) -> None:
    listed = ", ".join(f'"{address}"' for address in addresses)
    assert settings_of(tmp_path, f"[sip]\naddresses = [{listed}]\n").sip.public_addresses == public


def test_every_setting_is_in_the_table_of_its_page() -> None:
    page = (SHIPPED.parent / "docs" / "configuration.md").read_text().partition("## The settings")[2]
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)*(?:\.\*)?)`", page))
    keys = {
        f"{table}.{key}"
        for table, field in Settings.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    }
    assert {key for key in keys if not {key, f"{key}.*", f"{key.partition('.')[0]}.*"} & named} == set()
