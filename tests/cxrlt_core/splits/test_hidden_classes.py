"""Every finding is hidden once, with what would tell of it."""

import numpy as np
import pytest

from cxrlt_core.label_space import read_label_space
from cxrlt_core.params.label_space import LabelSpace
from cxrlt_core.splits.hidden_classes import Fold, folds_of, hide, tells_of

CXRLT = read_label_space("cxrlt2023")


@pytest.mark.parametrize("name", ["cxrlt2023", "cxrlt2024", "cxrlt2026", "nih14", "nih_expert"])
@pytest.mark.parametrize("count", [2, 5])
def test_each_finding_is_hidden_once_and_nothing_that_tells_of_it_is_known(name, count):
    space = read_label_space(name)
    folds = folds_of(space.classes, space, count)
    hidden = [label for fold in folds for label in fold.hidden]
    assert sorted(hidden) == sorted(set(space.classes) - set(space.normal)) and len(folds) <= count
    for fold in folds:
        known = set(space.classes) - {*fold.hidden, *fold.unknown}
        assert known and not set(fold.hidden) & set(fold.unknown)
        assert not [label for label in known for other in fold.hidden if tells_of(label, other, space)]


def test_what_tells_of_a_class_is_what_excludes_or_holds_it_or_is_related_elsewhere():
    def tellers(of: str) -> set[str]:
        return {label for label in CXRLT.classes if label != of and tells_of(label, of, CXRLT)}

    assert tellers("Hernia") == {"No Finding", "Lung Opacity"}
    assert tellers("Support Devices") == {"Lung Opacity"}  # which may be beside No Finding
    assert tellers("Nodule") == {"Infiltration", "Lung Lesion", "Lung Opacity", "Mass", "No Finding"}
    assert {"Consolidation", "Pneumonia", "Edema"} < tellers("Lung Opacity")


def test_a_class_without_stated_relations_is_meant_by_its_name():
    content = {"classes": ["a", "b", "c"], "relations": {"x": {"b": {"narrower": ["A", "z"]}}}}
    empty = {"name": "mine", "title": "mine", "aliases": {}, "normal": {}, "groups": {}, "unseen": []}
    space = LabelSpace(**empty, **content, counts=None)
    assert folds_of("abc", space, 9) == [Fold(["a"], ["b"]), Fold(["b"], ["a"]), Fold(["c"], [])]


def test_hidden_classes_are_gone_and_tellers_are_unknown():
    targets = np.random.default_rng(0).integers(-1, 2, (50, 4)).astype(np.int8)
    before = targets.copy()
    known, kept = hide(targets, list("abcd"), Fold(["c"], ["a"]))
    assert kept == ["a", "b", "d"] and known.dtype == np.int8 and (targets == before).all()
    assert (known[:, 0] == -1).all() and (known[:, 1:] == targets[:, [1, 3]]).all()
