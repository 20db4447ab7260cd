"""A bag's section: ranked steps, their costs, and what was claimed of their tricks."""

from dataclasses import replace

from made_results import make_bag, make_results, make_table

from cxrlt_core.reporting.answer_report import answer_section
from cxrlt_core.reporting.report import REPORT, render
from cxrlt_core.reporting.tricks_report import tricks_section

HEAD = "## What each step costs, and what was claimed of it"


def cells(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]


def test_a_study_that_declares_no_pair_has_no_such_section(smoke):
    assert not tricks_section(make_results(smoke)) and HEAD not in render(make_results(smoke), [])[REPORT]
    assert HEAD in render(make_bag(smoke), [])[REPORT]


def test_steps_stand_in_their_rank_with_costs_and_claims_and_their_sources(smoke):
    text = tricks_section(make_bag(smoke))
    separate, ensemble, loss, mixup = cells(text)
    assert separate[:7] == ["1", "separate", "Table 1: 2 − 1", "+0.0200", "1.00×", "–", "1.00×"]
    assert separate[7] == "+0.0006 mAP (CXR-LT 2023), arXiv:2308.08853"
    assert ensemble[1] == "ensemble model-wise → class-wise"
    assert ensemble[7].startswith("+0.001 mAP over the mean")
    assert loss[7].startswith("none known for this task; 86.6 % mAP on MS-COCO")
    assert mixup[3] == "–" and "(MIMIC-CXR-LT, one label an image), arXiv:2208.13365" in mixup[7]
    assert "Times are of CPU, where other stages may have run at once" in text


def test_a_claim_is_told_once_and_a_step_without_a_file_has_none(smoke):
    bag = make_bag(smoke)
    first, second = bag.tables
    again = [replace(first.contrasts[1], family="primary"), replace(first.contrasts[0], what="ema")]
    both = make_table(1, first.rows, [*first.contrasts, *again], 1, first.positives)
    lines = cells(tricks_section(replace(bag, tables=(both, second))))
    assert [line[7] for line in lines if line[1] == "separate"][1:] == ["as of 1, the same trick"]
    assert [line[7] for line in lines if line[1] == "ema asl"] == ["–"]


def test_the_answer_ranks_the_steps_of_a_bag_and_no_others(smoke):
    def steps(results) -> list[str]:
        lines = answer_section(results).splitlines()
        return [line.split("**")[1] for line in lines if line.startswith("| **")]

    bag = make_bag(smoke)
    assert steps(bag) == ["separate", "ensemble", "loss", "MixUp"]
    plain = replace(bag, params=smoke)
    assert steps(plain) == ["loss", "separate", "MixUp", "ensemble"]
