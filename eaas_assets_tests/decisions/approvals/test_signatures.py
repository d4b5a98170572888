from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from eaas_assets.decisions.approvals.signatures import (
    BadSignature,
    Signature,
    check_signature,
    fingerprint,
    parse_signature,
    sign_bytes,
)
from eaas_assets.errors import InputError
from eaas_assets_tests.decisions.logs_by_hand import make_key

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
MESSAGE = b'{"action":"approve"}\n'


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    return tmp_path / "key", make_key(tmp_path / "key")


def test_what_was_signed_here_is_verified_here(key: tuple[Path, str]) -> None:
    path, line = key
    check_signature(sign_bytes(MESSAGE, path), MESSAGE, line)
    check_signature(sign_bytes(MESSAGE, path), MESSAGE, f"{line} a comment")


@needs_ssh
@pytest.mark.parametrize("hash_name", ["sha512", "sha256"])
def test_what_ssh_keygen_signs_is_verified(key: tuple[Path, str], tmp_path: Path, hash_name: str) -> None:
    path, line = key
    (tmp_path / "request").write_bytes(MESSAGE)
    command = ["ssh-keygen", "-Y", "sign", "-n", "eaas", "-O", f"hashalg={hash_name}", "-f", str(path)]
    subprocess.run([*command, str(tmp_path / "request")], check=True, capture_output=True)
    check_signature(Signature((tmp_path / "request.sig").read_text()), MESSAGE, line)


@needs_ssh
def test_what_is_signed_here_ssh_keygen_verifies(key: tuple[Path, str], tmp_path: Path) -> None:
    path, line = key
    (tmp_path / "allowed").write_text(f"ann {line}\n")
    (tmp_path / "signature").write_text(sign_bytes(MESSAGE, path).text)
    command = ["ssh-keygen", "-Y", "verify", "-n", "eaas", "-I", "ann", "-f", str(tmp_path / "allowed")]
    subprocess.run([*command, "-s", str(tmp_path / "signature")], check=True, capture_output=True, input=MESSAGE)


@needs_ssh
def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(key: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(key[1])
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], check=True, capture_output=True)
    assert fingerprint(key[1]) in shown.stdout.decode()


@needs_ssh
def test_a_signature_for_another_purpose_does_not_count(key: tuple[Path, str], tmp_path: Path) -> None:
    path, line = key
    (tmp_path / "request").write_bytes(MESSAGE)
    command = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(path), str(tmp_path / "request")]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(BadSignature, match="another purpose"):
        check_signature(Signature((tmp_path / "request.sig").read_text()), MESSAGE, line)


def test_a_signature_over_another_text_or_by_another_key_does_not_count(key: tuple[Path, str], tmp_path: Path) -> None:
    path, line = key
    with pytest.raises(BadSignature, match="not over this request"):
        check_signature(sign_bytes(b"another", path), MESSAGE, line)
    with pytest.raises(BadSignature, match="another key"):
        check_signature(sign_bytes(MESSAGE, path), MESSAGE, make_key(tmp_path / "other"))


def test_every_byte_changed_in_a_signature_makes_it_none(key: tuple[Path, str]) -> None:
    path, line = key
    text = sign_bytes(MESSAGE, path).text
    begin, end = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
    body = base64.b64decode(text.strip().removeprefix(begin).removesuffix(end))
    for position in range(len(body)):
        for flip in (1, 128):
            bad = body[:position] + bytes([body[position] ^ flip]) + body[position + 1 :]
            with pytest.raises(BadSignature):
                check_signature(Signature(f"{begin}\n{base64.b64encode(bad).decode()}\n{end}"), MESSAGE, line)
    for other in (body[:-1], body + b"\x00", b""):
        with pytest.raises(BadSignature):
            check_signature(Signature(f"{begin}\n{base64.b64encode(other).decode()}\n{end}"), MESSAGE, line)


@pytest.mark.parametrize(
    "text", ["", "x", "-----BEGIN SSH SIGNATURE-----\n☃\n-----END SSH SIGNATURE-----", "A" * 10_000]
)
def test_other_text_is_no_signature(text: str) -> None:
    with pytest.raises(BadSignature):
        parse_signature(Signature(text))


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAA", "\N{SNOWMAN}"])
def test_a_listed_key_that_cannot_be_read_verifies_nothing(key: tuple[Path, str], line: str) -> None:
    with pytest.raises(BadSignature, match="listed key"):
        check_signature(sign_bytes(MESSAGE, key[0]), MESSAGE, line)


def test_a_key_file_that_cannot_sign_is_refused_with_its_name(key: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    elliptic = generate_private_key(SECP256R1())
    (tmp_path / "ecdsa").write_bytes(elliptic.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    for name in ("missing", "text", "ecdsa"):
        with pytest.raises(InputError, match=name):
            sign_bytes(MESSAGE, tmp_path / name)


@needs_ssh
def test_a_locked_key_is_refused_with_the_way_to_use_it(tmp_path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(tmp_path / "locked")]
    subprocess.run(command, check=True)
    with pytest.raises(InputError, match="ssh-keygen -Y sign"):
        sign_bytes(MESSAGE, tmp_path / "locked")
