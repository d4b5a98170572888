from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.contracts.identifiers import VersionKey, is_identifier
from eaas_assets.errors import InputError


@pytest.mark.parametrize("name", ["a", "v1.10", "A_b-c.d", "9", "x" * 64])
def test_safe_names_are_accepted(name: str) -> None:
    assert is_identifier(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a b", "-a", "_a", "a\0", "a\n", "x" * 65, "ä", "a᧙", None, 1, "a@b"]
)
def test_unsafe_names_are_refused(name: object) -> None:
    assert not is_identifier(name)


@pytest.mark.parametrize("key", ["a", "a@", "@v", "a@b@c", "../x@v1", "a@v1\0", "a@" + "v" * 300, "a@v1\n"])
def test_an_unsafe_partition_key_is_refused_with_what_was_expected(key: str) -> None:
    with pytest.raises(InputError, match=r"unsafe_key"):
        VersionKey.parse(key)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True).filter(str.isascii))
def test_a_key_survives_being_written_and_read(name: str) -> None:
    assert VersionKey.parse(str(VersionKey(name, name))) == (name, name)
