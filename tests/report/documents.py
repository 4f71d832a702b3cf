"""What a report says and shows, read from the page or the PDF."""

import io
from html.parser import HTMLParser

import pypdf

VOID = {"meta", "img", "path", "rect", "br"}


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words, self._open, self._in_style = "", [], False
        self.feed(html)
        assert self._open == []  # every element is closed

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words += f" {data}"


def words_of(content: bytes) -> str:
    """A PDF's words, one space between them."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)
