import base64
import hashlib
import re

import pytest
from jinja2 import UndefinedError

from eaas_assets.reporting import pages


@pytest.mark.parametrize("path", ["index.html", "reports/agent/v1.0.html", "a@v1/RUN_1.html"])
def test_links_of_safe_names_are_links(path):
    assert pages.relative_link(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "../x.html", "/etc/passwd", "//evil.example/x", "https://evil.example", "javascript:alert(1)", "a//b.html",
     "a b.html", "a\x00.html", "x" * 65, "a@b@c.html", 'a".html', "%2e%2e/x.html", "a\\b.html", "a.html?x", "a.html\n"],
)  # fmt: skip
def test_any_other_path_is_refused(path):
    with pytest.raises(ValueError, match="must be relative"):
        pages.relative_link(path)


def test_the_security_policy_allows_the_one_stylesheet_and_nothing_else():
    css, policy = pages.stylesheet()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\(|@import|expression|</", css)


@pytest.mark.parametrize("value", [None, 0.5, float("nan")])
def test_a_null_or_float_never_reaches_a_page(value):
    for environment in (pages._html(), pages._markdown()):
        with pytest.raises(TypeError, match="a view formats numbers"):
            environment.from_string("{{ value }}").render(value=value)


def test_a_missing_value_is_an_error_in_every_format():
    for environment in (pages._html(), pages._markdown()):
        with pytest.raises(UndefinedError):
            environment.from_string("{{ value.nothing }}").render(value={})


def test_printed_text_is_escaped_without_being_asked_to():
    assert pages._html().from_string("{{ x }}").render(x="<b>{{ 1 }}") == "&lt;b&gt;{{ 1 }}"
    assert pages._markdown().from_string("{{ x }}").render(x="<b> *c*") == "&lt;b&gt; \\*c\\*"


def test_a_report_of_another_kind_can_stand_on_the_same_shell():
    template = pages._html().from_string(
        '{% extends "page.html.jinja" %}{% block title %}T{% endblock %}{% block header %}<h1>H</h1>{% endblock %}'
        "{% block content %}{{ x }}{% endblock %}"
    )
    css, policy = pages.stylesheet()
    page = template.render(x="<&>", css=css, content_security_policy=policy)
    assert "&lt;&amp;&gt;" in page
    assert page.count("Content-Security-Policy") == 1
