"""Markdown pages as one HTML file that needs nothing else: figures, style and script are inside."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from PIL import Image, UnidentifiedImageError

from cxrlt_core.reporting.html_template import FOLDED, PAGE
from cxrlt_core.system.errors import StudyError

CONTENTS_LEVELS = ("h2", "h3")
HEADING = 3  # tokens: opening, text, closing
UNBROKEN = 13  # characters of a cell that stay on one line; a number breaks before its interval
NUMBERED = "row"  # what a column without a heading holds
SCALE = 0.75  # of a picture's pixels on the page: sharp on screens of more pixels, too


def html_page(pages: Mapping[str, str], folder: Path) -> str:
    """Return pages as one, with a table of contents, sortable tables and pictures inside.

    ``pages``: path of each from folder to its markdown; the first is shown, the others, which begin with
    their titles, are folded up below it. Links between them lead to their places here, others stay, relative
    to folder. A picture alone in its paragraph is a figure, and the next paragraph its caption; a missing
    picture leaves its words. The same input, the same page. Markdown is CommonMark with tables, HTML in it
    text; pictures are PNG files.

    Raises:
        StudyError: when a picture is no PNG file.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    names = {path: re.sub(r"\W+", "-", path.removesuffix(".md")) for path in pages}
    first, headings, body = next(iter(pages)), [], ""
    for path, markdown in pages.items():
        tokens = parser.parse(markdown)
        found = list(_name_headings(tokens, "" if path == first else f"{names[path]}-"))
        _lead_links(tokens, path, names)
        _frame_pictures(tokens)
        _label_cells(tokens)
        if path == first:
            headings += found
            body += parser.renderer.render(tokens, parser.options, {"folder": folder})
        else:
            (_, _, title), *rest = found
            headings += [("h2", names[path], title), *(("h3", name, text) for _, name, text in rest)]
            inside = parser.renderer.render(tokens[HEADING:], parser.options, {"folder": folder})
            body += FOLDED.substitute(name=names[path], title=escapeHtml(title), body=inside)
    title = next((text for level, _, text in headings if level == "h1"), "Report")
    contents = _contents(headings)
    return PAGE.substitute(title=escapeHtml(title), name=names[first], contents=contents, body=body)


def _name_headings(tokens: Sequence[Token], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Give every heading an id, the one that code hosts give it, and yield its level, id and plain text."""
    taken: dict[str, int] = {}
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = "".join(part.content for part in inline.children or [])
        name = prefix + re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = taken[name] = taken.get(name, -1) + 1
        token.attrs["id"] = f"{name}-{count}" if count else name
        yield token.tag, token.attrs["id"], text


def _lead_links(tokens: Sequence[Token], page: str, names: Mapping[str, str]) -> None:
    """Make links and pictures of a page relative to the folder, and those to pages places of the file."""
    first = next(iter(names))
    for part in (part for token in tokens for part in token.children or []):
        key = {"link_open": "href", "image": "src"}.get(part.type)
        if key is None or re.match(r"[a-z]+:", link := str(part.attrs[key])):
            continue
        path, _, place = link.partition("#")
        path = normpath(join(dirname(page), path)) if path else page
        if path not in names:
            part.attrs[key] = f"{path}#{place}" if place else path
        elif place:
            part.attrs[key] = f"#{place}" if path == first else f"#{names[path]}-{place}"
        else:
            part.attrs[key] = f"#{names[path]}"


def _contents(headings: Sequence[tuple[str, str, str]]) -> str:
    items = [
        f'<li class="{level}"><a href="#{name}">{escapeHtml(text)}</a></li>'
        for level, name, text in headings
        if level in CONTENTS_LEVELS
    ]
    return "\n".join(items)


def _frame_pictures(tokens: list[Token]) -> None:
    """Make a figure of each paragraph that is a picture, with the next paragraph as its caption."""
    for place, (opening, inline) in enumerate(pairwise(tokens)):
        if opening.type != "paragraph_open" or [part.type for part in inline.children] != ["image"]:
            continue
        opening.tag = tokens[place + 2].tag = "figure"
        if place + 3 < len(tokens) and tokens[place + 3].type == "paragraph_open":
            tokens[place + 3].tag = tokens[place + 5].tag = "figcaption"
            tokens.insert(place + 5, tokens.pop(place + 2))  # the figure ends after its caption


def _label_cells(tokens: Sequence[Token]) -> None:
    """Give every cell the heading of its column, which stands beside it where a row is a card."""
    headings: list[str] = []
    column = 0
    for opening, inline in pairwise(tokens):
        if opening.type == "table_open":
            headings = []
        elif opening.type == "th_open":
            headings.append("".join(part.content for part in inline.children or []) or NUMBERED)
        elif opening.type == "tr_open":
            column = 0
        elif opening.type == "td_open":
            opening.attrs["data-label"] = headings[column]
            column += 1


class _Renderer(RendererHTML):
    """The library's renderer, with tables that a narrow page shows as cards and pictures inside the page."""

    def table_open(self, *_: Any) -> str:
        return '<div class="table" role="region" aria-label="table" tabindex="0"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"

    def td_open(self, tokens: Sequence[Token], place: int, *_: Any) -> str:
        text, label = tokens[place + 1].content, escapeHtml(str(tokens[place].attrs["data-label"]))
        kind = "" if len(text) > UNBROKEN else ' class="short"' if text else ' class="empty"'
        return f'<td{kind} data-label="{label}"><span>'

    def td_close(self, *_: Any) -> str:
        return "</span></td>\n"

    def image(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        token = tokens[place]
        words = escapeHtml(self.renderInlineAsText(token.children, options, env))
        path = env["folder"] / str(token.attrs["src"])
        if not path.exists():  # a long study does not fail in its last stage for a picture
            return f"<em>{words}: no picture</em>"
        content, (width, height) = _webp(path)
        data = base64.b64encode(content).decode()
        size = f'width="{round(SCALE * width)}" height="{round(SCALE * height)}"'
        return f'<span class="picture"><img src="data:image/webp;base64,{data}" alt="{words}" {size}></span>'


def _webp(path: Path) -> tuple[bytes, tuple[int, int]]:
    """Return a PNG file as WebP without loss, a fifth smaller, and its width and height."""
    content = BytesIO()
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.convert("RGB").save(content, format="WEBP", lossless=True)
            return content.getvalue(), image.size
    except UnidentifiedImageError:
        raise StudyError(f"{path}: not a PNG file, expected one: it goes into the page") from None
