"""The catalogue has every trick, in the words of its file, and variants without a file are rows."""

import copy
import re
from types import ModuleType

import yaml

from cxrlt_core.designs import names, sam
from cxrlt_core.evidence.contrasts import find_pairs
from cxrlt_core.losses import kinds
from cxrlt_core.reporting.designs import row_designs
from cxrlt_core.study.parse import parse_params
from tests.architecture import ROOT
from tests.bad_input.params import SMOKE
from tools import bag

TEXT = (ROOT / bag.PAGE).read_text(encoding="utf-8")


def test_the_page_is_what_the_files_say():
    """`python -m tools.bag` writes it anew."""
    assert bag.page(TEXT) == TEXT
    files = {f"designs/{name}.py" for name in names() if name != "ensemble"}
    assert {trick.file for trick in bag.tricks()} == files | {f"losses/{kind}.py" for kind in kinds()}


def test_a_new_file_is_a_line_of_its_own_words(monkeypatch):
    new = ModuleType("new")
    new.__doc__ = "New: it does\nall of ``init``.\n\nMore.\n\nCost: much,\nand more.\nSaid to help: nobody.\n"
    new.__doc__ += "Claimed: +1, X.\n"
    new.TITLE, new.SOURCE, new.Settings = "it", "A 2020", sam.Settings
    monkeypatch.setattr(bag, "names", lambda: ["new"])
    monkeypatch.setattr(bag, "find_design", lambda name: new)
    monkeypatch.setattr(bag, "hooks_of", lambda name: ["step"])
    [trick] = [trick for trick in bag.tricks() if trick.file == "designs/new.py"]
    words = (
        "Training",
        "It does all of `init`",
        "much, and more",
        "nobody",
        "+1, X",
        "`new: {radius: 0.05}`",
    )
    assert (trick.place, trick.what, trick.cost, trick.helps, trick.claimed, trick.key) == words
    new.__doc__ = "New: it does nothing."
    assert "| not stated | not stated | not stated |" in bag.table()


def test_a_claim_names_its_data_and_its_source_and_every_trick_says_what_is_known():
    for trick in bag.tricks():
        assert "none known" in trick.claimed or re.search(
            r"arXiv:\d{4}\.\d{5}|github\.com/", trick.claimed
        ), trick
        for part in trick.claimed.split("; "):
            if re.search(r"[+−]0\.\d", part):
                assert re.search(r"\(.+\).*, (arXiv:|github)|ImageNet, arXiv:", part), part


def test_the_variants_of_the_page_are_judged_as_it_says():
    [block] = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    entry, content = yaml.safe_load(block), copy.deepcopy(SMOKE)
    content["recipes"] = entry["recipes"]
    content["variants"] |= entry["variants"]
    content["table1"] += [{"variant": name, "tta": False} for name in entry["variants"]]
    params = parse_params(content)
    pairs = find_pairs({row.name: row_designs(params, row) for row in params.table1})
    assert {(pair.design, *pair.rows) for pair in pairs if pair.row in entry["variants"]} == {
        ("ema", "averaged", "resnet50_bert_separate"),
        ("flip", "flipped", "resnet50_bert_separate"),
        ("width + layers + heads + feedforward", "wide", "resnet50_bert_separate"),
        ("token MLP", "wide_tokens", "wide"),
        ("class-aware", "crt", "head_again"),
    }
