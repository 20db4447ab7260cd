from dataclasses import replace

import pytest
from made_results import make_results

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.zero_shot import Compared, HiddenClass, ZeroShotResults
from cxrlt_core.reporting.report import REPORT, render

UP, DOWN, NONE = Interval(0.1, 0.05, 0.15), Interval(-0.1, -0.2, -0.05), Interval(None, None, None)
SHARE = dict.fromkeys(("AP", "AUROC"), Interval(0.4, 0.3, 0.5))
CHANCE = {"AP": 0.3, "AUROC": 0.5}


def compared(chance: Interval, nearest: Interval) -> Compared:
    return Compared(SHARE, SHARE, CHANCE, *({"AP": one, "AUROC": one} for one in (chance, nearest)))


UNTOLD = {"AP": NONE, "AUROC": NONE}
NOTHING = Compared(UNTOLD, UNTOLD, {"AP": None, "AUROC": None}, UNTOLD, UNTOLD)
CLASSES = {
    "Edema": HiddenClass(1, 0.814, "Pneumonia", 0.62, 1200, 3000, 900, compared(UP, DOWN)),
    "Hernia": HiddenClass(2, 0.3, "Mass", -0.1, 0, 3000, 0, NOTHING),
}
FOLDS = [["Edema"], ["Hernia"]], [["Mass", "No Finding"], []], ["No Finding"]
FOUND = ZeroShotResults(0, "{label}", 3000, 2000, *FOLDS, ["Edema"], compared(UP, DOWN), CLASSES)


@pytest.fixture
def study(smoke):
    return make_results(smoke, zero_shot={"base": FOUND})


def test_the_page_is_there_where_classes_were_hidden_and_nowhere_else(study):
    pages, without = render(study, []), render(replace(study, zero_shot={}), [])
    assert set(pages) - set(without) == {"appendix/zero-shot.md"}
    assert "(appendix/zero-shot.md)" in pages[REPORT] and "zero-shot" not in without[REPORT]


def test_the_page_shows_each_class_beside_chance_and_the_nearest_label(study):
    page = render(study, [])["appendix/zero-shot.md"]
    edema, hernia = (
        next(line for line in page.splitlines() if line.startswith(f"| {name} |")) for name in CLASSES
    )
    told = "| Edema | 1 | 1,200 of 3,000 | 0.81 | Pneumonia (0.62) | 0.4000 [0.3000, 0.5000] | 0.3000 |"
    assert edema.startswith(told)
    assert edema.count("+0.1000 [+0.0500, +0.1500]") == 1 and edema.count("-0.1000 [-0.2000, -0.0500]") == 2
    assert hernia.count("– [–, –]") == 3
    assert "AP is above chance for 1 and below for 0; above the nearest label for 0 and below for 1" in page
    assert (
        "- 1: hidden Edema; without labels Mass, No Finding\n- 2: hidden Hernia; without labels none\n"
        in page
    )
    assert "Not hidden: No Finding, which all other labels tell." in page
