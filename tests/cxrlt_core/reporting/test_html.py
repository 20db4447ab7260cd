import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrlt_core.reporting.html import html_page as html_of
from cxrlt_core.system.errors import StudyError

MARKDOWN = """# A study of <things> & more

## The answer
See [data](data.md) and [below](#the-answer-1).

|  | mAP |
| --- | --- |
| 1 | **0.5** [0.4, 0.6] |
| 2 | a cell with so many words in it that they must be broken into lines |

![What it <did>](figures/a.png)

It *did* well. ([numbers](numbers/a.csv))

![Alone](figures/a.png)

## The answer
x < y <script>alert(1)</script>
"""
VOID = {"meta", "img", "br", "hr"}


def html_page(markdown: str, folder: Path) -> str:
    """The page of a report without appendix."""
    return html_of({"report.md": markdown}, folder)


class Page(HTMLParser):
    """Notes every tag with its attributes, and fails on one that is closed out of turn."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, name, key):
        return [attrs[key] for tag, attrs in self.tags if tag == name and key in attrs]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "figures").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "figures/a.png")
    return tmp_path


@pytest.fixture
def page(folder):
    return Page(html_page(MARKDOWN, folder))


def test_nothing_is_fetched(page, folder):
    pictures = page.of("img", "src")
    expected = np.asarray(Image.open(folder / "figures/a.png"))
    for one in pictures:
        content = base64.b64decode(one.removeprefix("data:image/webp;base64,"))
        np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(content))), expected)
    assert page.of("img", "width") == ["22", "22"] and page.of("img", "height") == ["15", "15"]
    assert not page.of("script", "src") and not page.of("link", "href")
    assert not re.search(r"https?:|@import|url\(", html_page(MARKDOWN, folder))


def test_every_anchor_has_a_place_and_tables_and_pictures_stand_in_boxes_that_scroll(page):
    places = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert places == ["report", "a-study-of-things--more", "the-answer", "the-answer-1"]
    links = ["#the-answer", "#the-answer-1", "data.md", "#the-answer-1", "numbers/a.csv"]
    assert page.of("a", "href") == links
    assert page.of("div", "class") == ["table"] and page.of("span", "class") == ["picture"] * 2
    assert page.of("td", "class") == ["short"] * 2
    assert page.of("td", "data-label") == ["row", "mAP"] * 2  # what stands beside a cell on a narrow page
    assert ("p", {}) in page.tags and ("meta", "viewport") in [(t, a.get("name")) for t, a in page.tags]


def test_a_paragraph_after_a_picture_is_its_caption_and_text_is_no_html(folder):
    text = html_page(MARKDOWN, folder)
    figure = text[text.index("<figure>") : text.index("</figure>")]
    assert figure.count("<img") == 1 and "It <em>did</em> well." in figure.partition("<figcaption>")[2]
    assert re.search(r"<figure><span .*?</span></figure>\s*<h2", text)  # the second has none
    assert "<title>A study of &lt;things&gt; &amp; more</title>" in text
    assert 'alt="What it &lt;did&gt;"' in text and "<script>alert" not in text


def test_a_picture_that_is_missing_leaves_its_words_and_one_of_another_kind_is_named(folder):
    text = html_page("![What <it> did](figures/b.png)", folder)
    assert "<em>What &lt;it&gt; did: no picture</em>" in text and "<img" not in text
    (folder / "figures/c.png").write_text("<svg/>")
    with pytest.raises(StudyError, match=r"c\.png: not a PNG file"):
        html_page("![c](figures/c.png)", folder)
