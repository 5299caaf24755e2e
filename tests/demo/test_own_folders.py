"""Demos beside each other: none takes what another one uses."""

from pathlib import Path

import pytest

from softswitch.demo import folder_of_its_own, settings_of_its_own
from softswitch.errors import ConfigError
from softswitch.settings import Settings


def test_two_demos_at_once_have_a_folder_each(tmp_path: Path) -> None:
    first, second = folder_of_its_own(tmp_path), folder_of_its_own(tmp_path)
    assert first != second
    assert first.is_dir()
    assert second.is_dir()


def test_the_demo_leaves_5060_and_the_data_of_the_switch_alone(tmp_path: Path) -> None:
    settings = settings_of_its_own(Settings(), tmp_path)
    assert settings.sip.port == 0
    assert settings.data.recordings.is_relative_to(tmp_path)


def test_a_data_folder_that_cant_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, no folder")
    with pytest.raises(ConfigError, match="can't be written"):
        folder_of_its_own(tmp_path / "data")
