"""The key that signs checkpoints, and what is kept with it out of the log's reach.

The private key and a copy of every checkpoint live in a folder outside the data and output folders: whoever can write
the log must not be able to sign for it. Verifying needs the public keys alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from eaas_assets.decisions.audit.checkpoints import Checkpoint
from eaas_assets.errors import StorageError
from eaas_assets.storage.files import digest, sync_folder
from eaas_assets.storage.locations import Locations

KEY_DIR_VARIABLE = "EAAS_KEY_DIR"
PRIVATE_KEY = "audit_key"
PUBLIC_KEY = "audit_key.pub"
RETIRED_KEYS = "retired_keys"
ANCHORS = "checkpoints"


def key_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """``EAAS_KEY_DIR``; otherwise ``eaas`` among the user's settings (``XDG_CONFIG_HOME`` or ``~/.config``)."""
    if chosen := environment.get(KEY_DIR_VARIABLE):
        return Path(chosen).absolute()
    settings = environment.get("XDG_CONFIG_HOME")
    return (Path(settings) if settings else Path.home() / ".config") / "eaas"


class KeyStore:
    """The folder of keys. Nothing is made in it before something is signed."""

    def __init__(self, folder: Path, forbidden: tuple[Path, ...] = ()) -> None:
        """Use ``folder``.

        Args:
            folder: Of the keys and the copies of checkpoints.
            forbidden: Folders in which it must not lie.

        Raises:
            StorageError: It lies in one of them.
        """
        for other in forbidden:
            if folder.resolve().is_relative_to(other.resolve()):
                advice = f"set {KEY_DIR_VARIABLE} to a folder that neither holds data nor outputs"
                raise StorageError(f"the keys of the audit log must not lie in {other} ({folder}): {advice}")
        self.folder = folder

    @classmethod
    def from_environment(cls, locations: Locations) -> Self:
        """The folder that the environment names, kept out of the data and output folders.

        Raises:
            StorageError: It lies in one of them.
        """
        return cls(key_folder(), (locations.data, locations.output))

    def anchors_path(self, log: Path, origin: str) -> Path:
        """Where copies of the checkpoints of the log at this path and of this origin are kept."""
        return self.folder / ANCHORS / f"{_place(log)}-{origin.rpartition('/')[2]}.jsonl"

    def anchors(self, log: Path) -> list[Path]:
        """The files of all logs that ever stood at this path."""
        return sorted((self.folder / ANCHORS).glob(f"{_place(log)}*.jsonl"))

    def sign_head(self, origin: str, size: int, head: str, now: datetime) -> Checkpoint:
        """Sign a head of a log; makes the key pair where there is none.

        Raises:
            StorageError: The key cannot be made or read, or others can read it.
        """
        return Checkpoint.sign(self._private_key(), origin, size, head, now)

    def public_keys(self) -> list[Ed25519PublicKey]:
        """The present public key and those that were retired; empty where nothing was ever signed.

        Raises:
            StorageError: One of the files is no Ed25519 public key.
        """
        files = [self.folder / PUBLIC_KEY, *sorted((self.folder / RETIRED_KEYS).glob("*.pub"))]
        return [read_public_key(file) for file in files if file.exists()]

    def rotate(self, now: datetime) -> None:
        """Retire the present key: its private half is deleted, its public half still verifies. The next use makes one.

        Raises:
            StorageError: The files could not be moved.
        """
        try:
            retired = self.folder / RETIRED_KEYS
            retired.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (self.folder / PUBLIC_KEY).exists():
                (self.folder / PUBLIC_KEY).replace(retired / f"{now:%Y%m%dT%H%M%S%f}.pub")
            (self.folder / PRIVATE_KEY).unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as error:
            raise StorageError(f"{self.folder}: the key could not be retired: {error.strerror or error}") from error

    def _private_key(self) -> Ed25519PrivateKey:
        path = self.folder / PRIVATE_KEY
        try:
            if not path.exists():
                self._make_key(path)
            _refuse_if_open_to_others(path)
            key = load_ssh_private_key(path.read_bytes(), None)
        except StorageError:
            raise
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            advice = f"set {KEY_DIR_VARIABLE} to a folder that you can write"
            raise StorageError(f"{path}: the signing key cannot be made or read ({error}); {advice}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise StorageError(f"{path} is not an Ed25519 key")
        if not (self.folder / PUBLIC_KEY).exists():  # killed between the two files
            _write_new(self.folder / PUBLIC_KEY, _public_line(key.public_key()), 0o644)
        return key

    def _make_key(self, path: Path) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()), 0o600)


def _place(log: Path) -> str:
    return digest(str(log.resolve()))[:32]


def _refuse_if_open_to_others(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StorageError(f"{path} can be read by others (mode {mode:04o}); make it 0600 and rotate the key")


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a file of one ``ssh-ed25519 …`` line.

    Raises:
        StorageError: The file holds no such key.
    """
    try:
        key = load_ssh_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise StorageError(f"{path} is not a readable public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise StorageError(f"{path} is not an Ed25519 key")
    return key


def _public_line(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" eaas-audit\n"


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; where another was faster, theirs stands."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return
        sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)
