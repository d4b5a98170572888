"""YAML as people write it, without the surprises of YAML 1.1."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.errors import InputError, Problem
from eaas_assets.storage.yaml_documents import WrittenFloat, YamlDocument, read_yaml
from eaas_assets_tests.worlds import write_text


def _read(tmp_path: Path, text: str | bytes) -> YamlDocument:
    write_text(tmp_path, "x.yaml", text)
    return read_yaml(tmp_path, "x.yaml")


def _problems(tmp_path: Path, text: str | bytes) -> tuple[Problem, ...]:
    started = time.perf_counter()
    with pytest.raises(InputError) as error:
        _read(tmp_path, text)
    assert time.perf_counter() - started < 5
    return error.value.problems


def test_plain_scalars_follow_yaml_1_2(tmp_path: Path) -> None:
    text = (
        "null_: ~\nempty:\ntrue_: true\nint_: 42\nnegative: -7\nfloat_: 2.5\nexp: 1e3\n"
        "octal: 0123\nhexa: 0x1F\ndate: 2025-01-10\ntime: 12:30:45\ninfinite: .inf\nunderscored: 1_000\nquoted: '42'\n"
    )
    assert _read(tmp_path, text).data == {
        "null_": None, "empty": None, "true_": True, "int_": 42, "negative": -7, "float_": 2.5, "exp": 1000.0,
        "octal": "0123", "hexa": "0x1F", "date": "2025-01-10", "time": "12:30:45", "infinite": ".inf",
        "underscored": "1_000", "quoted": "42",
    }  # fmt: skip


def test_version_1_10_is_shown_as_it_was_written(tmp_path: Path) -> None:
    version = _read(tmp_path, "version: 1.10\n").data["version"]
    assert isinstance(version, WrittenFloat)
    assert (version, repr(version)) == (1.1, "1.10")


@pytest.mark.parametrize("word", ["NO", "no", "Yes", "on", "OFF"])
def test_old_words_for_booleans_are_refused_with_advice(tmp_path: Path, word: str) -> None:
    (problem,) = _problems(tmp_path, f"country: NO\nanswer: {word}\n".replace("country: NO\n", ""))
    assert problem.code == "ambiguous_yaml"
    assert "quotes" in problem.expected


def test_single_letters_are_names_as_in_a_metric_called_y(tmp_path: Path) -> None:
    assert _read(tmp_path, "name: y\ncolumn: N\n").data == {"name": "y", "column": "N"}


def test_old_words_in_quotes_are_text(tmp_path: Path) -> None:
    assert _read(tmp_path, 'country: "NO"\n').data == {"country": "NO"}


def test_keys_stay_text_as_written(tmp_path: Path) -> None:
    assert list(_read(tmp_path, "1.10: a\nno: b\n2025-01-01: c\n").data) == ["1.10", "no", "2025-01-01"]


def test_duplicate_key_is_refused_with_its_line(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "a: 1\nb:\n  c: 1\n  c: 2\n")
    assert (problem.code, problem.row, problem.field) == ("duplicate_key", 4, "b.c")


def test_faults_that_do_not_hide_each_other_come_together(tmp_path: Path) -> None:
    codes = [problem.code for problem in _problems(tmp_path, "a: no\na: 1\nd: 1e999\n")]
    assert codes == ["ambiguous_yaml", "duplicate_key", "not_finite"]


@pytest.mark.parametrize(
    "text", ["a: !!python/object:os.system x", "a: !!str 1.10", "a: !own 1", "!!set {a, b}", "a: ! x"]
)
def test_tags_are_refused(tmp_path: Path, text: str) -> None:
    (problem,) = _problems(tmp_path, text)
    assert (problem.code, problem.row) == ("yaml_tag", 1)


def test_alias_bomb_is_refused_at_its_first_alias(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (problem,) = _problems(tmp_path, "\n".join(lines))
    assert (problem.code, problem.row) == ("yaml_alias", 2)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_bottomless_nesting_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = _problems(tmp_path, text)
    assert problem.code in {"too_deep", "not_yaml"}


@pytest.mark.parametrize("text", ["- a\n" * 250_000, "a: 1\n" * 200_000, "[" + "[]," * 300_000 + "]"])
def test_documents_of_very_many_values_are_refused_quickly(tmp_path: Path, text: str) -> None:
    (problem,) = _problems(tmp_path, text)
    assert problem.code == "too_many_values"


def test_document_over_1_mib_is_refused(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "#" * (1024 * 1024 + 1))
    assert problem.code == "file_too_large"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "1" * 300_000])
def test_numbers_that_no_float_holds_are_refused(tmp_path: Path, number: str) -> None:
    (problem,) = _problems(tmp_path, f"a: {number}\n")
    assert (problem.code, problem.field) == ("not_finite", "a")


@pytest.mark.parametrize(
    "text",
    ["a: [1, 2", "a: b: c", "\t- x", 'a: "\\ud800"', "a: \x07", "%YAML 9.9\n---\na: 1", "a: 'x", "--- a\n--- b", "@x"],
)
def test_text_that_is_not_yaml_is_told(tmp_path: Path, text: str) -> None:
    (problem,) = _problems(tmp_path, text)
    assert problem.code == "not_yaml"


def test_bytes_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "title: Größe\n".encode("latin-1"))
    assert problem.code == "not_utf8"


def test_lists_and_mappings_are_no_keys(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "? [a, b]\n: 1\n")
    assert problem.code == "bad_key"


def test_every_field_knows_its_line_and_a_missing_one_its_parents(tmp_path: Path) -> None:
    document = _read(tmp_path, "a: 1\nb:\n  - x\n  - y: 2\n")
    assert document.line_of(("b", 1, "y")) == 4
    assert document.line_of(("b", 1, "missing")) == 4
    assert document.line_of(("missing",)) == 1


def test_empty_document_holds_nothing(tmp_path: Path) -> None:
    assert _read(tmp_path, "# only a comment\n").data is None


# PyYAML writes U+0085 so that it reads it as a blank.
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x85"), max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz_", min_size=1), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=50)
@given(_VALUES)
def test_quoted_documents_round_trip(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    text = yaml.safe_dump(value, default_style=None, allow_unicode=True)
    assert _read(tmp_path_factory.mktemp("yaml"), text).data == value
