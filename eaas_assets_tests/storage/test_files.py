"""Reading one hostile file within limits, and writing one so that nobody sees half of it."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.errors import InputError
from eaas_assets.storage.files import MIB, canonical_json, decode_utf8, digest, read_limited, write_atomically
from eaas_assets_tests.worlds import write_text


def _code(error: pytest.ExceptionInfo[InputError]) -> str:
    (problem,) = error.value.problems
    return problem.code


def test_file_is_read_byte_for_byte(tmp_path: Path) -> None:
    write_text(tmp_path, "a/b.bin", b"\x00\xff")
    assert read_limited(tmp_path, "a/b.bin", MIB) == b"\x00\xff"


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read_limited(tmp_path, "nothing.json", MIB)
    assert _code(error) == "missing_file"


def test_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError) as error:
        read_limited(tmp_path, "pipe.json", MIB)
    assert _code(error) == "not_a_file"


def test_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError) as error:
        read_limited(tmp_path, "folder.json", MIB)
    assert _code(error) == "not_a_file"


def test_file_of_100_mb_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "big.json").open("wb") as handle:
        handle.truncate(100 * MIB)  # sparse: takes no room on the disk
    started = time.perf_counter()
    with pytest.raises(InputError, match=r"found 100\.0 MiB; expected at most 32 MiB") as error:
        read_limited(tmp_path, "big.json", 32 * MIB)
    assert _code(error) == "file_too_large"
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("relative", ["../secret.txt", "inside/../../secret.txt", "/etc/hostname"])
def test_path_outside_the_data_folder_is_refused(tmp_path: Path, relative: str) -> None:
    root = tmp_path / "data"
    root.mkdir()
    write_text(tmp_path, "secret.txt", "secret")
    with pytest.raises(InputError) as error:
        read_limited(root, relative, MIB)
    assert _code(error) == "outside_data_folder"


def test_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "link.txt").symlink_to(write_text(tmp_path, "secret.txt", "secret"))
    with pytest.raises(InputError) as error:
        read_limited(root, "link.txt", MIB)
    assert _code(error) == "outside_data_folder"


def test_link_in_circles_and_nul_in_the_name_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for relative in ("circle", "nul\x00.json"):
        with pytest.raises(InputError) as error:
            read_limited(tmp_path, relative, MIB)
        assert _code(error) in {"unreadable_file", "missing_file"}


def test_bytes_that_are_not_utf8_are_told_with_their_line() -> None:
    with pytest.raises(InputError) as error:
        decode_utf8(b"fine\nfine\nbad \xe9 here", "x.txt")
    (problem,) = error.value.problems
    assert (problem.code, problem.row) == ("not_utf8", 3)
    assert "0xe9" in problem.found


def test_byte_order_mark_is_dropped() -> None:
    assert decode_utf8(b"\xef\xbb\xbfhello", "x.txt") == "hello"


def test_atomic_write_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "file.bin"
    write_atomically(target, b"old")
    write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_failed_write_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file.bin"
    write_atomically(target, b"old")

    def broken(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="No space"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=50)
@given(_JSON)
def test_canonical_json_round_trips(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, int]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def test_canonical_json_refuses_what_is_no_json_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"score": math.nan})


def test_digest_of_text_is_the_digest_of_its_utf8_bytes() -> None:
    # SHA-256 of "abc": FIPS 180-2, appendix B.1.
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("é") == digest("é".encode())
