from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from eaas_assets.decisions.audit.keys import KEY_DIR_VARIABLE, KeyStore, key_folder
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.errors import StorageError
from eaas_assets.storage.locations import Locations
from eaas_assets_tests.decisions.logs_by_hand import DAY, NOON, entry, filled_log, log_at

HEAD = ("eaas-audit/" + "0" * 32, 1, "0" * 64, NOON)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_that_of_the_variable_or_stands_among_the_users_settings() -> None:
    assert key_folder({KEY_DIR_VARIABLE: "/keys", "XDG_CONFIG_HOME": "/settings"}) == Path("/keys")
    assert key_folder({"XDG_CONFIG_HOME": "/settings"}) == Path("/settings/eaas")
    assert key_folder({}) == Path.home() / ".config" / "eaas"


@pytest.mark.parametrize("inside", ["data", "data/policies/keys", "output", "output/audit", "link/keys"])
def test_keys_within_the_data_or_output_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "output")
    monkeypatch.setenv(KEY_DIR_VARIABLE, str(tmp_path / inside))
    with pytest.raises(StorageError, match="must not lie in"):
        AuditLog.at(Locations.at(tmp_path / "data", tmp_path / "output"))


def test_the_key_pair_is_made_on_first_use_for_the_owner_alone(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "some" / "keys")
    assert keys.public_keys() == []
    assert not (tmp_path / "some").exists()
    keys.sign_head(*HEAD)
    assert mode(tmp_path / "some" / "keys") == 0o700
    assert mode(tmp_path / "some" / "keys" / "audit_key") == 0o600
    assert (tmp_path / "some" / "keys" / "audit_key.pub").read_text().startswith("ssh-ed25519 ")
    assert len(keys.public_keys()) == 1
    assert sorted(file.name for file in (tmp_path / "some" / "keys").iterdir()) == ["audit_key", "audit_key.pub"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    keys.sign_head(*HEAD)
    (tmp_path / "audit_key").chmod(0o640)
    with pytest.raises(StorageError, match="can be read by others"):
        keys.sign_head(*HEAD)


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_an_error_of_storage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "audit_key").write_bytes(content)
    (tmp_path / "audit_key").chmod(0o600)
    (tmp_path / "audit_key.pub").write_bytes(content)
    with pytest.raises(StorageError, match="cannot be made or read"):
        KeyStore(tmp_path).sign_head(*HEAD)
    with pytest.raises(StorageError, match="not a readable public key"):
        KeyStore(tmp_path).public_keys()


def test_a_missing_public_half_is_made_again(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    signed = keys.sign_head(*HEAD)
    (tmp_path / "audit_key.pub").unlink()
    keys.sign_head(*HEAD)
    assert signed.signer(keys.public_keys()) is not None


def test_checkpoints_of_a_retired_key_still_count_and_new_ones_carry_another(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 2, checkpoints=(2,))
    (old,) = log.keys.public_keys()
    log.keys.rotate(NOON + DAY)
    assert not (tmp_path / "keys" / "audit_key").exists()
    log.append(entry(3))
    log.checkpoint()
    verification = log.verify()
    assert verification.ok
    assert (verification.checkpoints, verification.proven) == (2, 3)
    new, retired = log.keys.public_keys()
    assert retired.public_bytes_raw() == old.public_bytes_raw() != new.public_bytes_raw()


def test_many_first_users_agree_on_one_key(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from eaas_assets.decisions.audit.keys import KeyStore\n"
        "keys = KeyStore(Path(sys.argv[1]))\n"
        "signed = keys.sign_head('eaas-audit/' + '0' * 32, 1, '0' * 64, datetime(2026, 1, 1, tzinfo=UTC))\n"
        "print(signed.signature)"
    )
    folder = str(tmp_path / "keys")
    started = [subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1  # Ed25519 signatures are deterministic
    assert [process.returncode for process in started] == [0] * 4


def test_two_logs_keep_their_checkpoints_apart(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys")
    one, two = (AuditLog(tmp_path / name / "log.jsonl", keys) for name in ("one", "two"))
    one.append(entry(1))
    two.append(entry(2))
    one.checkpoint()
    assert one.verify().checkpoints == 1
    assert two.verify().checkpoints == 0


def test_a_folder_that_cannot_be_written_says_which_setting_moves_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=KEY_DIR_VARIABLE):
        KeyStore(tmp_path / "file" / "keys").sign_head(*HEAD)


def test_a_log_is_written_and_verified_without_any_key(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.append(entry(1))
    assert log.verify().ok
    assert not (tmp_path / "keys").exists()
