from typing import get_args

from cxrlt_core.params.schema import Policy, Source
from cxrlt_core.sources import chexpert, nih, padchest
from cxrlt_core.sources.table import POLICIES, VIEWS


def test_options_know_the_policies_and_views_of_the_params():
    assert set(get_args(Policy)) == set(POLICIES)
    assert set(get_args(Source.model_fields["views"].annotation)) == set(VIEWS)


def test_only_padchest_replenishes_five_rare_classes():
    rare = {"Calcification of the Aorta", "Pneumomediastinum", "Pneumoperitoneum"}
    rare |= {"Subcutaneous Emphysema", "Tortuous Aorta"}
    assert not rare & {*nih.KNOWN, *chexpert.KNOWN}
    assert rare <= set(padchest.RULES)
