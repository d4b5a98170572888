"""From a view and a template to a finished page: the two jinja2 environments, the stylesheet and the security policy.

Pages load nothing, run nothing and link to nothing outside themselves. A template may print texts and whole numbers
only: a null or a float that reaches one is a bug in a view, and is loud.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eaas_assets.contracts.identifiers import is_identifier
from eaas_assets.reporting import markdown
from eaas_assets.reporting.text import visible


class RenderedReport(NamedTuple):
    """A report in its two formats, and the sentence that it begins with, as plain text."""

    html: str
    markdown: str
    verdict: str


def render(name: str, verdict: str, **view: Any) -> RenderedReport:
    """The report ``name`` from its templates ``<name>.html.jinja`` and ``<name>.md.jinja``.

    Args:
        name: Of the templates.
        verdict: The sentence that the report begins with.
        **view: What the templates lay out; both get the same.
    """
    css, policy = stylesheet()
    page = _html().get_template(f"{name}.html.jinja").render(**view, css=css, content_security_policy=policy)
    return RenderedReport(page, _markdown().get_template(f"{name}.md.jinja").render(**view), verdict)


def render_markdown(name: str, **view: Any) -> str:
    """The Markdown page ``name`` from its template ``<name>.md.jinja``, for what has no page in HTML."""
    return _markdown().get_template(f"{name}.md.jinja").render(**view)


def relative_link(path: str) -> str:
    """``path`` as it may stand in a link.

    Raises:
        ValueError: It is not a relative path of safe names, each an identifier or two joined by one @.
    """
    for segment in path.split("/"):
        parts = segment.split("@")
        if len(parts) > 2 or not all(map(is_identifier, parts)):
            raise ValueError(f"path == {path[:80]!r}, must be relative and made of identifiers")
    return path


@cache
def stylesheet() -> tuple[Markup, str]:
    """The stylesheet, and a content security policy that allows it and nothing else."""
    css = resources.files("eaas_assets.reporting").joinpath("templates/style.css").read_text("utf-8")
    fingerprint = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{fingerprint}'; base-uri 'none'; form-action 'none'"
    return Markup(css), policy  # noqa: S704 (a file of this package)


def _printed(value: Any) -> Any:
    """What jinja2 calls on every printed value of an HTML template, before it escapes it."""
    if value is None or isinstance(value, float):
        raise TypeError(f"a template printed {value!r}; a view formats numbers and gives a reason for a null")
    return visible(value, block=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def _printed_markdown(value: Any) -> Any:
    if value is None or isinstance(value, float):
        raise TypeError(f"a template printed {value!r}; a view formats numbers and gives a reason for a null")
    return markdown.finalize(value)


@cache
def _html() -> Environment:
    environment = Environment(
        loader=PackageLoader("eaas_assets.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["link"] = relative_link
    return environment


@cache
def _markdown() -> Environment:
    # Autoescape is HTML's; here `finalize` escapes every printed text as Markdown.
    environment = Environment(
        loader=PackageLoader("eaas_assets.reporting"),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        finalize=_printed_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "code": markdown.code,
        "fenced": markdown.fenced,
        "table": markdown.table,
        "status": markdown.status,
        "link": lambda path: markdown.MarkdownText(relative_link(path)),
        "trusted": markdown.MarkdownText,
    }
    return environment
