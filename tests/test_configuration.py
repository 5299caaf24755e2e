"""What takes both files to see."""

import shutil
from pathlib import Path

import pytest

from softswitch.configuration import load_configuration
from softswitch.errors import ConfigError

SHIPPED = Path(__file__).parent.parent / "config"


@pytest.mark.parametrize(
    ("place", "named"),
    [("port = 5080\n# How it", "trunk gateway"), ("ip = ", "endpoint crm")],
    ids=["trunk", "third party"],
)
def test_who_is_called_over_tls_needs_a_switch_that_speaks_it(tmp_path: Path, place: str, named: str) -> None:
    shutil.copytree(SHIPPED, tmp_path / "config")
    numbers = tmp_path / "config" / "numbers.toml"
    before, found, behind = numbers.read_text().partition(place)
    assert found
    numbers.write_text(before + found + behind.replace('\ntransport = "auto"', '\ntransport = "tls"', 1))
    with pytest.raises(ExceptionGroup) as refused:
        load_configuration(tmp_path / "config", {})
    (problem,) = refused.value.exceptions
    assert isinstance(problem, ConfigError)
    assert problem.key == "sip.transports"
    assert f"over it {named} would be called" in problem.problem
    load_configuration(tmp_path / "config", {"SOFTSWITCH_SIP__TRANSPORTS": '["udp", "tls"]'})


def test_a_language_that_no_prompt_is_spoken_in_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "config")
    environment = {"SOFTSWITCH_MEDIA__LANGUAGE": "de_DE"}
    with pytest.raises(ExceptionGroup) as refused:
        load_configuration(tmp_path / "config", environment)
    (problem,) = refused.value.exceptions
    assert isinstance(problem, ConfigError)
    assert problem.key == "media.language"
    assert problem.problem == 'is "de_DE", and no folder of prompts has de_DE/conference/welcome'
    own = tmp_path / "prompts" / "de_DE" / "conference"
    own.mkdir(parents=True)
    shutil.copy(SHIPPED.parent / "media" / "prompts" / "tones" / "beep.flac", own / "welcome.flac")
    load_configuration(tmp_path / "config", environment | {"SOFTSWITCH_MEDIA__PROMPTS": str(tmp_path / "prompts")})
