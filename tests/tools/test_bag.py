"""The catalogue has every trick, in the words of its file, and what it says without a file is a study."""

import copy
import re
from types import ModuleType

import yaml

from cxrlt_core.designs import names, sam
from cxrlt_core.losses import kinds
from cxrlt_core.study.parse import parse_params
from cxrlt_core.study.variants import contents
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
    new.TITLE, new.SOURCE, new.Settings = "it", "A 2020", sam.Settings
    monkeypatch.setattr(bag, "names", lambda: ["new"])
    monkeypatch.setattr(bag, "find_design", lambda name: new)
    monkeypatch.setattr(bag, "hooks_of", lambda name: ["step"])
    [trick] = [trick for trick in bag.tricks() if trick.file == "designs/new.py"]
    words = ("Training", "It does all of `init`", "much, and more", "nobody", "`new: {radius: 0.05}`")
    assert (trick.place, trick.what, trick.cost, trick.helps, trick.key) == words
    new.__doc__ = "New: it does nothing."
    assert "| not stated | not stated |" in bag.table()


def test_each_variant_of_the_page_differs_from_its_rival_in_what_it_is_named_after():
    [block] = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    entry, content = yaml.safe_load(block), copy.deepcopy(SMOKE)
    content["recipes"] = entry["recipes"]
    content["variants"] |= entry["variants"]
    params = parse_params(content)
    rival = contents(params, "resnet50_bert_separate")
    differs = {
        name: {key for key, value in contents(params, name).items() if rival.get(key) != value}
        for name in entry["variants"]
    }
    sizes = {f"query.{key}" for key in ("width", "layers", "heads", "feedforward")}
    assert differs == {
        "resnet50_bert_ema": {"train.ema"},
        "resnet50_bert_flipped": {"train.augment.flip"},
        "resnet50_bert_wide": sizes | {"token_mlp"},
        "resnet50_bert_crt": {"init", "freeze", "class_aware"},
    }
