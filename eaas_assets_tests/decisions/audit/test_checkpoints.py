from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eaas_assets.decisions.audit.checkpoints import Checkpoint, checkpoint_line, read_checkpoints, read_line
from eaas_assets_tests.decisions.logs_by_hand import NOON, filled_log

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNED = Checkpoint.sign(KEY, "eaas-audit/" + "ab" * 16, 57, "cd" * 32, NOON)


def test_the_note_is_a_signed_note_as_c2sp_describes_it() -> None:
    """c2sp.org/signed-note: text, an empty line, "— name base64(4 bytes of key ID + signature over the text)"."""
    text, _, line = SIGNED.note.partition("\n\n")
    origin, size, head, moment = text.split("\n")
    assert (origin, size, moment) == ("eaas-audit/" + "ab" * 16, "57", "2026-03-02T12:00:00.000000Z")
    assert base64.b64decode(head) == bytes.fromhex("cd" * 32)
    dash, name, blob = line.rstrip("\n").split(" ")
    raw = base64.b64decode(blob)
    public = KEY.public_key()
    assert (dash, name) == ("—", origin)
    assert raw[:4] == hashlib.sha256(name.encode() + b"\n\x01" + public.public_bytes_raw()).digest()[:4]
    public.verify(raw[4:], (text + "\n").encode())


def test_its_text_is_one_line_and_is_read_back() -> None:
    assert "\n" not in SIGNED.text
    assert Checkpoint.parse(f"  {SIGNED.text}\n") == SIGNED


@pytest.mark.parametrize(
    "text",
    ["", "x", SIGNED.text[:-1], SIGNED.text + " x",
     SIGNED.text.replace(" 57 ", " 057 "), SIGNED.text.replace(" 57 ", " 0 ")],
)  # fmt: skip
def test_other_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(ValueError, match="not a checkpoint"):
        Checkpoint.parse(text)


def test_only_its_own_key_has_signed_it() -> None:
    other = Ed25519PrivateKey.generate().public_key()
    assert SIGNED.signer([other]) is None
    signer = SIGNED.signer([other, KEY.public_key()])
    assert signer is not None
    assert signer.public_bytes_raw() == KEY.public_key().public_bytes_raw()


def test_a_signature_with_other_unused_bits_is_another_text_and_does_not_count() -> None:
    last = SIGNED.signature[-2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = SIGNED.signature[:-2] + alphabet[alphabet.index(last) ^ 1] + "="
    assert base64.b64decode(twin) == base64.b64decode(SIGNED.signature)
    assert SIGNED._replace(signature=twin).signer([KEY.public_key()]) is None


def test_lines_are_read_back_and_a_damaged_one_keeps_its_number(tmp_path: Path) -> None:
    assert read_line(checkpoint_line(SIGNED)) == SIGNED
    file = tmp_path / "checkpoints.jsonl"
    file.write_bytes(checkpoint_line(SIGNED) + b"x" * 10_000 + b"\n" + checkpoint_line(SIGNED))
    read = list(read_checkpoints(file))
    assert read[0] == (1, SIGNED)
    assert read[-1].checkpoint == SIGNED
    assert {one.checkpoint for one in read[1:-1]} == {None}


def test_every_checkpoint_is_kept_beside_the_log_and_in_the_key_folder(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3, checkpoints=(1, 3))
    beside = [one.checkpoint for one in read_checkpoints(log.checkpoints_path)]
    assert [one.size for one in beside if one] == [1, 3]
    assert beside == [one.checkpoint for one in read_checkpoints(log.keys.anchors_path(log.path, beside[0].origin))]
