from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.agents.catalogue import read_agent_versions, sort_versions, version_order
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets_tests.agents.adapters.rule_settings import agent_document, settings
from eaas_assets_tests.worlds import SAMPLE_DATA, write_text, write_yaml


def write_version(root, agent="sizer", version="v1.0", **changes):
    return write_yaml(root, f"agents/{agent}/{version}.yaml", agent_document(agent=agent, version=version, **changes))


def only_problem(catalogue):
    (problem,) = [problem for reading in catalogue.files for problem in reading.problems]
    return problem


def test_the_shipped_versions_are_read_in_natural_order_without_a_problem():
    catalogue = read_agent_versions(SAMPLE_DATA)
    assert [str(key) for key in catalogue.versions] == [
        "customer_support_orchestrator@v0.9",
        "customer_support_orchestrator@v1.0",
        "customer_support_orchestrator@v1.1",
        "customer_support_orchestrator@v1.2",
        "ticket_router@v1.0",
        "ticket_router@v1.1",
    ]
    assert [reading.outcome for reading in catalogue.files] == ["ok"] * 6
    assert len({entry.digest for entry in catalogue.versions.values()}) == 6


def test_versions_sort_by_their_numbers_and_not_by_their_letters():
    texts = ["v1.10", "v1.9", "v0.9", "v1.0", "v2", "v1.0-rc1", "2025.1", "v01", "v1"]
    ordered = sort_versions(VersionKey("a", text) for text in texts)
    assert [key.version for key in ordered] == [
        "2025.1", "v0.9", "v01", "v1", "v1.0", "v1.0-rc1", "v1.9", "v1.10", "v2",
    ]  # fmt: skip


@given(st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True), unique=True))
def test_the_order_of_versions_is_total(texts):
    assert len({version_order(text) for text in texts}) == len(texts)
    keys = [VersionKey("a", text) for text in texts]
    assert sort_versions(keys) == sort_versions(keys[::-1])


def test_comments_layout_and_field_order_do_not_change_the_digest_but_a_rule_does(tmp_path):
    document = agent_document()
    write_text(tmp_path, "agents/sizer/v1.0.yaml", json.dumps(document))
    plain = read_agent_versions(tmp_path).versions[VersionKey("sizer", "v1.0")].digest
    write_yaml(tmp_path, "agents/sizer/v1.0.yaml", dict(reversed(document.items())))
    path = tmp_path / "agents/sizer/v1.0.yaml"
    path.write_text("# a comment\n\n" + path.read_text().replace("0.5", "0.50"))
    assert read_agent_versions(tmp_path).versions[VersionKey("sizer", "v1.0")].digest == plain
    path.write_text(path.read_text().replace("100", "101"))
    assert read_agent_versions(tmp_path).versions[VersionKey("sizer", "v1.0")].digest != plain


BROKEN = {
    "unknown field": ({"titel": "x"}, "extra_forbidden", "titel"),
    "wrong type": ({"trials": "many"}, "int_type", "trials"),
    "other agent": ({"agent": "other"}, "name_mismatch", "agent"),
    "other version": ({"version": "v9"}, "name_mismatch", "version"),
    "version as a number": ({"version": 1.1}, "string_type", "version"),
    "own baseline": ({"baseline": "v1.0"}, "value_error", None),
    "unknown adapter": ({"adapter": "magic"}, "unknown_adapter", "adapter"),
    "unknown setting": ({"settings": settings(colour="red")}, "extra_forbidden", "settings.colour"),
    "missing setting": ({"settings": {}}, "missing", "settings.classification"),
    "no such case": ({"settings": settings(otherwise={"case": "none"})}, "value_error", "settings"),
    "infinite setting": ({"settings": settings(latency={"base_s": float("inf")})}, None, "settings.latency.base_s"),
    "unsafe version": ({"version": "../x"}, "string_pattern_mismatch", "version"),
}


@pytest.mark.parametrize(("changes", "code", "field"), BROKEN.values(), ids=BROKEN.keys())
def test_a_bad_version_is_reported_with_its_place_and_the_others_are_read(tmp_path, changes, code, field):
    write_version(tmp_path, "another", "v2")
    write_yaml(tmp_path, "agents/sizer/v1.0.yaml", agent_document() | changes)
    catalogue = read_agent_versions(tmp_path)
    assert list(catalogue.versions) == [VersionKey("another", "v2")]
    problem = next(p for r in catalogue.files for p in r.problems if field is None or p.field == field)
    assert problem.file == "agents/sizer/v1.0.yaml"
    assert code is None or problem.code == code
    assert problem.row is not None
    assert problem.expected


def test_a_fault_inside_the_settings_is_told_with_its_line(tmp_path):
    path = write_version(tmp_path)
    text = path.read_text().replace("operator: at_least", "operator: at_leest")
    path.write_text(text)
    problem = only_problem(read_agent_versions(tmp_path))
    assert problem.field == "settings.classification.0.when.0.operator"
    assert "at_leest" in text.splitlines()[problem.row - 1]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe", "not_utf8"),
        ("agent: [", "not_yaml"),
        ("agent: sizer\nagent: sizer", "duplicate_key"),
        ("agent: &a sizer\nversion: *a", "yaml_alias"),
        ("agent: sizer\nversion: v1.0\nlive: NO", "ambiguous_yaml"),
        ("settings: " + "[" * 60 + "]" * 60, "too_deep"),
        ("", "model_type"),
        ("- a", "model_type"),
        ('title: "\\uD800"', "not_yaml"),
        ("trials: 1e999", "not_finite"),
    ],
)
def test_hostile_files_never_raise(tmp_path, content, code):
    write_text(tmp_path, "agents/sizer/v1.0.yaml", content)
    assert only_problem(read_agent_versions(tmp_path)).code == code


@pytest.mark.parametrize("name", ["a b", "-x", "ä", "x" * 65])
def test_unsafe_names_are_refused_before_the_file_is_opened(tmp_path, name):
    write_text(tmp_path, f"agents/{name}/v1.yaml", "x: [")
    write_text(tmp_path, f"agents/sizer/{name}.yaml", "x: [")
    catalogue = read_agent_versions(tmp_path)
    codes = [problem.code for reading in catalogue.files for problem in reading.problems]
    assert codes == ["unsafe_id", "unsafe_id"]


def test_a_name_that_is_not_text_is_told_in_characters_that_can_be_stored(tmp_path):
    folder = tmp_path / "agents"
    folder.mkdir()
    try:
        (folder / "a\udcff").mkdir()
    except (OSError, UnicodeError):
        pytest.skip("this file system takes only text as names")
    problem = only_problem(read_agent_versions(tmp_path))
    assert problem.code == "unsafe_id"
    problem.file.encode()


def test_misplaced_files_are_told_and_foreign_files_are_left_alone(tmp_path):
    write_text(tmp_path, "agents/v1.yaml", "")
    write_text(tmp_path, "agents/sizer/v1.yml", "")
    write_text(tmp_path, "agents/sizer/README.md", "")
    write_text(tmp_path, "agents/sizer/.v2.yaml.swp", "")
    write_text(tmp_path, "agents/.git/config.yaml", "")
    codes = {reading.file: reading.problems[0].code for reading in read_agent_versions(tmp_path).files}
    assert codes == {"agents/v1.yaml": "misplaced_file", "agents/sizer/v1.yml": "unknown_format"}


def test_a_folder_in_a_files_place_and_a_missing_folder_are_told(tmp_path):
    assert only_problem(read_agent_versions(tmp_path)).code == "unreadable_folder"
    (tmp_path / "agents/sizer/v1.yaml").mkdir(parents=True)
    assert only_problem(read_agent_versions(tmp_path)).code == "not_a_file"


def test_a_missing_baseline_is_told_but_the_version_stays_usable(tmp_path):
    write_version(tmp_path, version="v1.0")
    write_version(tmp_path, version="v1.1", baseline="v0.1")
    catalogue = read_agent_versions(tmp_path)
    assert len(catalogue.versions) == 2
    problem = only_problem(catalogue)
    assert (problem.code, problem.field) == ("unknown_baseline", "baseline")
    assert "v1.0" in problem.expected
    assert [reading.outcome for reading in catalogue.files] == ["ok", "partly"]


def test_a_link_out_of_the_data_folder_is_not_followed(tmp_path):
    outside = write_yaml(tmp_path / "outside", "v1.0.yaml", agent_document())
    root = tmp_path / "data"
    (root / "agents/sizer").mkdir(parents=True)
    (root / "agents/sizer/v1.0.yaml").symlink_to(outside)
    catalogue = read_agent_versions(root)
    assert not catalogue.versions
    assert only_problem(catalogue).code == "outside_data_folder"
