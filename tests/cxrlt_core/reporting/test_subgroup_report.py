from dataclasses import replace

from made_results import make_results

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.subgroups import Gap, Subgroup, Subgroups
from cxrlt_core.reporting.report import render
from cxrlt_core.reporting.subgroup_report import subgroup_section

FRONTAL = Subgroup(900, 400, 321, Interval(0.8, 0.7, 0.9), Interval(0.5, 0.4, 0.6))
LATERAL = Subgroup(300, 290, 101, Interval(0.7, 0.6, 0.8), Interval(0.4, 0.3, 0.5))
GAP = Gap("AUROC", "frontal", "lateral", Interval(0.1, 0.02, 0.18))
VIEWS = Subgroups(["Edema", "Mass"], {"frontal": FRONTAL, "lateral": LATERAL}, [GAP])


def test_views_stand_with_their_numbers_and_the_gap_or_there_is_no_such_section(smoke):
    study = make_results(smoke)
    assert subgroup_section(study) == "" and "## By view" not in "".join(render(study, []).values())
    shown = study.shown[0]
    views = replace(study, ensembles=replace(study.ensembles, views={shown: VIEWS}))
    section = subgroup_section(views)
    assert section in render(views, [])["appendix/classes.md"]
    assert "| lateral | 300 | 290 | 101 | 0.7000 [0.6000, 0.8000] | 0.4000 [0.3000, 0.5000] |" in section
    assert f"`{shown}`: means over 2 classes" in section
    assert "The largest gap: AUROC +0.1000 [+0.0200, +0.1800], frontal above lateral." in section
    none = replace(study, ensembles=replace(study.ensembles, views={shown: None}))
    assert subgroup_section(none) == ""
