from dataclasses import replace

from made_results import make_results

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.external import ExternalResults, ExternalRow
from cxrlt_core.evidence.subgroups import Gap, Subgroup, Subgroups
from cxrlt_core.reporting.report import REPORT, render
from cxrlt_core.reporting.subgroup_report import subgroup_section

FRONTAL = Subgroup(900, 400, 321, Interval(0.8, 0.7, 0.9), Interval(0.5, 0.4, 0.6))
LATERAL = Subgroup(1300, 290, 101, Interval(0.7, 0.6, 0.8), Interval(0.4, 0.3, 0.5))
GAP = Gap("AUROC", "frontal", "lateral", Interval(0.1, 0.02, 0.18), 1)
VIEWS = Subgroups(["Edema", "Mass"], {"frontal": FRONTAL, "lateral": LATERAL}, [GAP])
OLD = replace(GAP, better="18–39", worse="80+", pairs=3)
AGES = {"18–39": FRONTAL, "80+": LATERAL, "unknown": Subgroup(70, 60, None), "0–17": Subgroup(*[None] * 3)}


def told(smoke, **external):
    study = make_results(smoke)
    subgroups = {study.shown[0]: {"test": {"view": VIEWS}, "dev": {"view": VIEWS}}}
    return replace(study, ensembles=replace(study.ensembles, subgroups=subgroups), external=external)


def test_views_stand_with_their_numbers_and_the_gap_or_there_is_no_such_section(smoke):
    none = make_results(smoke)
    assert subgroup_section(none) == "" and "## Subgroups" not in "".join(render(none, []).values())
    study = told(smoke)
    section = subgroup_section(study)
    assert section in render(study, [])["appendix/classes.md"]
    row = "| view | lateral | 1,300 | 290 | 101 | 0.7000 [0.6000, 0.8000] | 0.4000 [0.3000, 0.5000] | 2 |"
    assert section.count(row) == 2
    assert section.index(f"Test set, `{study.shown[0]}`:") < section.index("Development set, which chose")
    assert (
        "- By view the groups differ most in AUROC, frontal above lateral: +0.1000 [+0.0200, +0.1800].\n"
        in section
    )
    assert section.count("Of sex and age the source does not tell.\n") == 2
    assert render(study, [])[REPORT] == render(none, [])[REPORT]  # the answer is as short as it was


def test_an_external_set_tells_ages_and_of_the_largest_of_several_gaps_how_many(smoke):
    row = {"class_wise": {"age": Subgroups(["Edema"], AGES, [OLD])}}
    found = ExternalResults(2300, 800, False, True, {}, {"class_wise": ExternalRow()}, {}, row)
    study = told(smoke, gold=found)
    section = subgroup_section(study).partition("`gold`, which has not been seen, `class_wise`:")[2]
    assert "| age | unknown | 70 | 60 | – | – | – | – |\n| age | 0–17 | – | – | – | – | – | – |" in section
    assert "18–39 above 80+: +0.1000 [+0.0200, +0.1800], the largest of 3 pairs.\n" in section
    assert "\nOf sex the source does not tell.\n" in section and "None" not in section
    struck = replace(found, subgroups={})
    assert subgroup_section(replace(study, external={"gold": struck})) == subgroup_section(told(smoke))
