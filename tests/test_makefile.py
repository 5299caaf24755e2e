"""`make run` with a Python that is too old, in a copy of the tree."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def python(path: Path, *, is_new: bool) -> Path:
    """A stand-in that says yes or no to the version check, and makes the environment of a new Python."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exit {int(not is_new)}\n[ "$1" = --version ] && echo Python 3.10.13\n'
    )
    path.chmod(0o755)
    return path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copytree(ROOT / "requirements", folder / "requirements", dirs_exist_ok=True)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_python_that_is_too_old_is_said_before_anything_is_made_of_it(tmp_path: Path) -> None:
    old = python(tmp_path / "old", is_new=False)
    done = make(tmp_path, "run", f"PYTHON={old}")
    assert done.returncode != 0
    assert f"softswitch needs Python 3.11 or newer; {old} is Python 3.10.13." in done.stderr
    assert "make run PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_an_environment_of_a_python_that_is_too_old_is_made_anew(tmp_path: Path) -> None:
    left_behind = python(tmp_path / ".venv" / "bin" / "python", is_new=False)
    done = make(tmp_path, "--dry-run", "run", f"PYTHON={sys.executable}")
    commands = [line for line in done.stdout.splitlines() if "-m venv" in line]
    assert done.returncode == 0
    assert subprocess.run(["sh", "-c", commands[0]], cwd=tmp_path, timeout=60, check=False).returncode == 0
    assert "sys.exit" not in left_behind.read_text(errors="replace")
    assert left_behind.resolve() != left_behind


def test_clean_leaves_the_database_and_the_recordings(tmp_path: Path) -> None:
    for name in ("data", ".venv"):
        (tmp_path / name).mkdir()
    assert make(tmp_path, "clean").returncode == 0
    assert (tmp_path / "data").exists()
    assert not (tmp_path / ".venv").exists()
