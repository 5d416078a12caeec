"""The secret key: made once, for the owner's eyes."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hubbub.adapters.local.secret import KEY_BYTES, load_secret


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = load_secret(path)
    assert len(key) == KEY_BYTES
    assert load_secret(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_all_who_start_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_secret, [tmp_path / "secret.key"] * 32))
    assert len(keys) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    load_secret(path)
    path.chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        load_secret(path)


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.touch(0o600)
    with pytest.raises(OSError, match="damaged"):
        load_secret(path)
