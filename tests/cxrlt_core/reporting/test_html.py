import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.font_manager import findfont
from PIL import Image, ImageFont

from cxrlt_core.reporting.html import html_page as html_of
from cxrlt_core.reporting.markdown import markdown_table
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
APPENDIX = """# More & more

[back](../report.md), [up](../report.md#the-answer), [here](#all-of-it), [data](../data.md), [out](https://a.b/c)

![Alone](../figures/a.png)

## All of it
"""


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


def test_further_pages_are_folded_up_below_and_links_between_pages_lead_to_their_places(folder):
    first = "# A\n\n## The answer\n\n[all](appendix/more.md) [of it](appendix/more.md#all-of-it)\n"
    page = Page(html_of({"report.md": first, "appendix/more.md": APPENDIX}, folder))
    places = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert places == ["report", "a", "the-answer", "appendix-more", "appendix-more-all-of-it"]
    contents = ["#the-answer", "#appendix-more", "#appendix-more-all-of-it"]
    links = [
        "#appendix-more",
        "#appendix-more-all-of-it",
        "#report",
        "#the-answer",
        "#appendix-more-all-of-it",
    ]
    assert page.of("a", "href") == [*contents, *links, "data.md", "https://a.b/c"]
    assert page.of("details", "id") == ["appendix-more"] and len(page.of("img", "src")) == 1
    text = html_of({"report.md": first, "appendix/more.md": APPENDIX}, folder)
    assert "<summary>More &amp; more</summary>" in text and "<h1" in text.partition("<details class")[0]
    assert "<h1" not in text.partition('<details class="page"')[2]


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


ROOM = 1280 - 15 - 2 * 16  # pixels of a screen, less a scroll bar and the page's margins
SIZE, PADDING = 12.8, 2 * 5.6  # pixels of a letter and of a cell: .8rem, .35rem
TABLE1 = {
    "": "9", "image encoder": "densenet121", "text encoder": "clinical_t5", "separate": "✓", "reweight": "2",
    "MixUp": "✓", "TTA": "✓", "mAP [95% interval]": "**0.4690** † [0.4413, 0.4966]",
    "Δ mAP to row 1": "+0.1257 [+0.0887, +0.1628]", "published mAP": "0.3273", "bias-corrected": "0.4639",
    **dict.fromkeys(("head", "medium", "tail", "mAUROC"), "0.6253 ± 0.0134"),
}  # fmt: skip


def test_table_1_is_not_cut_on_a_screen_of_1280_pixels(folder):
    """Each column is as narrow as its longest unbreakable text, in a wide font that every system may have."""
    page = html_page(markdown_table(list(TABLE1), [list(TABLE1.values())]), folder)
    assert f"font-size: {SIZE / 16:g}rem".replace("0.", ".") in page and "padding: .3rem .35rem" in page
    fonts = (findfont(f"DejaVu Sans:{weight}") for weight in ("regular", "bold"))
    plain, bold = (ImageFont.truetype(font, 100) for font in fonts)
    heads = [f"{words}\u00a0↕".split(" ") for words in re.findall(r"<th>(.*?)</th>", page)]
    cells = re.findall(r"<td(.*?)><span>(.*?)</span></td>", page)
    width = 0.0
    for head, (kind, cell) in zip(heads, cells, strict=True):
        text = re.sub("<.*?>", "", cell)
        texts = [text] if "short" in kind else text.split(" ")
        width += SIZE / 100 * max(*map(bold.getlength, head), *map(plain.getlength, texts)) + PADDING
    assert 900 < width <= ROOM
