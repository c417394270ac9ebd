"""What a browser would make of a page."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "line", "path", "circle", "rect", "use"}
"""Elements that end where they begin, in HTML or as our drawings write them."""

EVIL = ["<script>alert(1)</script>", "a&amp;b", '"><img src=x onerror=alert(1)>', "日本語", "{{ 7*7 }}", "a\nb"]
"""Names that must stand in a page as they are."""


class Page(HTMLParser):
    """The elements and the words of a page; every element that begins must end.

    Attributes:
        tags: each with its attributes.
        open: elements that have not ended.
        words: what is read.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]
