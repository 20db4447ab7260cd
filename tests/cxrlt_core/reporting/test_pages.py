"""A study of the demo's size as people read it: its words, its links, and the page in a browser."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from made_results import make_contrast, make_ensemble, make_results, make_row, make_table
from matplotlib.figure import Figure
from PIL import Image

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.evidence.estimator import Interval, VarianceComponents
from cxrlt_core.figures import Picture, Section
from cxrlt_core.reporting.html import html_page
from cxrlt_core.reporting.report import REPORT, render
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Row
from cxrlt_core.study.parse import parse_params
from tests.bad_input.params import with_changes
from tests.browser import CHROMIUM, look
from tests.test_links import dead_links

WORDS = 2500  # of a report that one reads
PHONE, SCREEN = (390, 844), (1280, 900)  # pixels
DESIGN = dict.fromkeys(("separate", "MixUp", "replenished", "TTA"), "✓")
DESIGN |= {"image encoder": "densenet121", "text encoder": "clinical_t5", "steps": "376 steps"}
TEXT, MIX = ("text encoder", "clinical_t5 → pubmedbert"), "members + replenished + steps"
STEPS1 = [("TTA", "off → ✓")] * 3 + [("image encoder", "resnet50 → densenet121"), TEXT, TEXT]
STEPS1 += [("reweight", "3 → 2")] * 3 + [("text encoder × reweight", f"{TEXT[1]}, by 3 → 2")]
STEPS2 = [("ensemble", "model-wise → class-wise")]
STEPS2 += [(f"ensemble + {MIX}", "model_wise → class_wise_replenished")] * 2
ALONE = [("steps", "8 × 4 epochs → 6 × 4 epochs, 2 × 376 steps"), *[("members", "8 → 10")] * 4]
CAPTION = "13 differences of mAP, with as many words as a caption has that tells what is to be seen. " * 2
MEASURED = {
    "difference": Interval(-0.0339, -0.0818, 0.0139), "simultaneous": (-0.1302, 0.0623),
    "parts": VarianceComponents(4e-2, 1e-4, 9e-4, 1e-3, 8.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def demo() -> Results:
    """Results of eleven and ten rows, thirteen published steps and five that take two of them apart."""
    first = [make_row(f"row{n}", 0.3, design=DESIGN, selected=True) for n in range(11)]
    second = [make_row(name, 0.3) for name in ("model_wise", "class_wise", *"abcdefgh")]
    results = make_results(parse_params(with_changes({"train.seeds": [0, 1, 2]})))

    def contrasts(rows: list[Row], steps: list[tuple[str, str]], **changes) -> list[Contrast]:
        words = [{"what": what, "change": change, **MEASURED, **changes} for what, change in steps]
        pairs = zip(rows[1:], rows, words, strict=False)
        return [make_contrast(row.name, reference.name, **said) for row, reference, said in pairs]

    steps2 = contrasts(second, STEPS2) + contrasts(second[4:], ALONE, family="exploratory", published=None)
    positives = dict.fromkeys(results.classes, 40)
    one = make_table(1, first, contrasts(first, STEPS1), 3, positives)
    two = make_table(2, second, steps2, 3, positives)
    rows = results.ensembles.rows | {row.name: make_ensemble() for row in second}
    return replace(results, tables=(one, two), ensembles=replace(results.ensembles, rows=rows))


@pytest.fixture(scope="module")
def pages(demo) -> dict[str, str]:
    return render(demo, [Picture(s, s, 1, "Dots.", Figure(), CAPTION, [{"x": 1}]) for s in Section])


@pytest.fixture(scope="module")
def page(pages, tmp_path_factory) -> Path:
    """The report as one file, with pictures as wide as they get."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "figures").mkdir()
    for section in Section:
        Image.new("RGB", (1900, 50)).save(folder / f"figures/{section}.png")
    (folder / "report.html").write_text(html_page(pages, folder), encoding="utf-8")
    return folder / "report.html"


def test_the_report_is_short_and_has_every_step(pages):
    assert 1500 < len(pages[REPORT].split()) <= WORDS
    sections = re.findall(r"^## (.*)", pages[REPORT], re.MULTILINE)
    assert sections[0] == "The answer" and sections[-2:] == ["What may not be believed", "Appendix"]
    assert pages[REPORT].count("| ? unresolved |") == 13
    assert pages[REPORT].index("? unresolved") < pages[REPORT].index("![")


def test_report_and_appendix_link_each_other_and_nothing_that_is_not_there(pages, tmp_path):
    def write(files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")

    write(pages)
    write(dict.fromkeys(("data.md", "table1.md", "table2.md", "provenance.json"), ""))
    write(
        {f"{kind}/{s}.{end}": "" for s in Section for kind, end in (("figures", "png"), ("numbers", "csv"))}
    )
    assert not [link for path in pages for link in dead_links(tmp_path / path)]
    others = [path for path in pages if path != REPORT]
    assert len(others) > 4 and all(f"]({path})" in pages[REPORT] for path in others)
    assert all("](../report.md)" in pages[path] for path in others)


def test_the_file_has_both_and_every_link_between_them_leads_to_a_place_in_it(pages, page):
    text = page.read_text(encoding="utf-8")
    places, links = re.findall(r' id="(.+?)"', text), set(re.findall(r'href="#(.+?)"', text))
    assert len(places) == len(set(places)) and links <= set(places)
    assert {"report", "appendix-table1", "appendix-table1-every-difference", "what-it-would-take"} <= links
    assert text.count('<details class="page"') == len(pages) - 1 and text.count("<img") == len(Section)
    assert "<summary>The classes</summary>" in text and text.count("<h1") == 1 and 'href="data.md"' in text
    assert not re.search(r'(src|href)="(https?:|//|\.\.)|@import|url\(', text)
    assert text.rindex("? unresolved") < text.index("<img")  # the verdicts come before the pictures


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize("window", [PHONE, SCREEN])
def test_in_a_browser_nothing_is_fetched_nothing_scrolls_sideways_and_verdicts_come_first(page, window):
    seen = look(page, *window)
    assert seen["width"] == window[0] and not seen["wide"] and not seen["requests"]
    assert len(seen["verdicts"]) == 13 and max(seen["verdicts"]) <= 2 * window[1]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_browser_sees_what_is_fetched_and_what_scrolls(tmp_path):
    table = '<table><tr><td data-label="verdict">up</td></tr></table>'
    wide = '<div style="overflow-x: auto"><p style="width: 2000px">wide</p></div>'
    body = f'<p style="height: 3000px">{table}</p>{wide}<img src="http://example.org/a.png">'
    (tmp_path / "bad.html").write_text(f"<!DOCTYPE html><body>{body}</body>")
    seen = look(tmp_path / "bad.html", *PHONE)
    assert seen["requests"] == ["http://example.org/a.png"] and seen["wide"] == ["DIV: wide"]
