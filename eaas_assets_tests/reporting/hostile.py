"""Texts that an agent or user might write to take over a page, and readers that tell whether they did."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

PAYLOADS = {
    "script": "<script>document.title='owned'</script>",
    "event handler": "<img src=x onerror=\"document.title='owned'\">",
    "svg handler": "<svg/onload=document.title='owned'>",
    "javascript link": "[click](javascript:alert(1)) <a href='javascript:alert(1)'>x</a> javascript:alert(1)",
    "markdown image": "![x](https://evil.example/x.png) [y]: https://evil.example/y",
    "bare links": "https://evil.example/a www.evil.example b@evil.example mailto:b@evil.example <https://evil.example>",
    "html comment": "<!-- <p> --> <![CDATA[ x ]]> <?php x ?> --!>",
    "closing tags": "</pre></code></td></tr></table></details></main></style></title><h1>owned</h1>",
    "attribute break": '" onmouseover="alert(1)" x=\'y\' `',
    "template": "{{ 7 * 7 }} {% for x in range(9) %}x{% endfor %} ${7*7} {{ config }} #{7*7}",
    "csv formula": "=cmd|' /C calc'!A0",
    "terminal escape": "\x1b[31mred\x1b[0m\x07\x9b2J\x08\x7f",
    "one megabyte": "A|`" * 350_000,
    "bidi": "\u202egnp.exe\u2066 \u200b\ufeff\u2028 lone \u202c",
    "fence break": "x\n```\n# owned\n~~~\n````\n<b>x</b>\n\n---\n1. one\n\n    code\n| a | b |\n|---|---|\n| c | d |",
    "table break": "a | b \\| c \\\\| d | `x|y` ``",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~ `f` # g\n# h\n> i\n- j\n+ k\n1. l\n===\n---",
    "mathematics": "$\\frac{1}{0}$ $unclosed \\foo",
}

_UNSAFE_TAGS = {
    "script",
    "iframe",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "img",
    "input",
    "button",
    "audio",
    "video",
}
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Page(HTMLParser):
    """What a browser would find in a page: tags in order, attributes, text, and what is unsafe about them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.unsafe: list[str] = []
        self.text: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "br", "path"}:
            self.open.append(tag)
        self._look_at(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._look_at(tag, attrs)

    def _look_at(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unsafe += [tag] if tag in _UNSAFE_TAGS else []
        for name, value in attrs:
            self.attributes.append((tag, name, value))
            self.ids += [value or ""] if name == "id" else []
            if name.startswith("on") or name in {"src", "srcset", "style", "action", "xlink:href"}:
                self.unsafe.append(f"{tag} {name}")
            if name == "href" and not re.fullmatch(r"#[\w.-]+|(?:\.\./)?[A-Za-z0-9][\w.@/-]*\.html", value or ""):
                self.unsafe.append(f"{tag} href={value}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "path":
            return
        if not self.open or self.open.pop() != tag:
            self.unsafe.append(f"misplaced </{tag}>")

    def handle_comment(self, data: str) -> None:
        self.unsafe.append("comment")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(self.text)


def rendered_markdown(markdown: str) -> Page:
    """The page that a Markdown reader that lets raw HTML through would make of it."""
    return Page(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))


def prose(page: str) -> str:
    """Rendered Markdown without its code, where nothing is live."""
    html = MarkdownIt("commonmark", {"html": True}).enable(["table"]).render(page)
    return re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.DOTALL)


def has_invisible(text: str) -> bool:
    """Whether a control, bidirectional or zero-width character is left in it."""
    return _INVISIBLE.search(text) is not None
