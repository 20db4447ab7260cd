from typing import get_args

from cxrlt_core.label_space import read_label_space
from cxrlt_core.params.schema import Policy, Source
from cxrlt_core.sources import chexpert, nih
from cxrlt_core.sources.label_table import POLICIES, VIEWS
from cxrlt_core.sources.mapping import names_of


def test_options_know_the_policies_and_views_of_the_params():
    assert set(get_args(Policy)) == set(POLICIES)
    assert set(get_args(Source.model_fields["views"].annotation)) == set(VIEWS)


def test_only_padchest_replenishes_five_rare_classes():
    rare = {"Calcification of the Aorta", "Pneumomediastinum", "Pneumoperitoneum"}
    rare |= {"Subcutaneous Emphysema", "Tortuous Aorta"}
    space = read_label_space("cxrlt2023")
    for of, knows in ((nih.SPACE, False), (chexpert.SPACE, False), ("padchest", True)):
        names = read_label_space(of).classes
        assert {bool(names_of(label, space, names, of)) for label in rare} == {knows}, of
