"""What README.md opens with, and the answer that it takes from the committed report."""

import re

import yaml

from tests.architecture import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = r"^## The answer\n\n(.+)\n"


def test_the_answer_is_that_of_the_committed_report_and_no_table():
    [answer] = re.findall(r"<!-- answer -->\n(.*)\n<!-- /answer -->", README, re.DOTALL)
    report = (ROOT / "reports/report.md").read_text(encoding="utf-8")
    assert [answer] == re.findall(SECTION, report, re.MULTILINE)
    assert "](reports/figures/designs.png)" in README


def test_it_says_what_this_is_for_then_the_model_and_the_paper_and_then_what_is_known():
    first, rest = README.split("\n\n")[1:3]
    assert "0.001 to 0.005 mAP" in first and rest.startswith("**The model.**")
    assert README.index("**The model.**") < re.search("interval|verdict", README).start()


def test_the_paper_is_cited_as_in_citation_cff():
    [paper] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["references"]
    head = " ".join(README.partition("## Two commands")[0].split())
    names = [f"{author['given-names']} {author['family-names']}" for author in paper["authors"]]
    assert len(names) == 5 and f"{', '.join(names[:-1])} and {names[-1]}" in head
    assert f"*{paper['title']}*" in head and f"({paper['url']})" in head
