from itertools import permutations

import pytest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.label_space import label_spaces, read_label_space, with_near
from cxrlt_core.labels import TRAINING_IMAGES, TRAINING_POSITIVES
from cxrlt_core.sources.mapping import names_of
from tests.architecture import ROOT

SIZES = {"cxrlt2023": 26, "cxrlt2024": 40, "cxrlt2026": 30, "nih14": 15, "chexpert14": 14, "padchest": 193}
SIZES |= {"vindr": 28, "nih_expert": 4}
INVERSE = {"broader": "narrower", "narrower": "broader", "near": "near", "partial": "partial"}


def test_the_lists_are_as_published():
    spaces = {name: read_label_space(name) for name in label_spaces()}
    assert {name: len(space.classes) for name, space in spaces.items()} == SIZES
    first, second, third = (spaces[f"cxrlt{year}"] for year in (2023, 2024, 2026))
    assert tuple(first.classes) == CLASSES and first.classes == sorted(first.classes)
    assert first.counts.positives == TRAINING_POSITIVES and first.counts.images == TRAINING_IMAGES
    assert list(second.counts.positives) == second.classes == sorted(second.classes)
    assert len(second.unseen) == 5 and len(third.unseen) == 6
    without_normal = [name for name in second.groups["task2"] if name != "Normal"]
    assert without_normal == [name for name in first.classes if name != "No Finding"]
    assert second.groups["task2"].index("Normal") < second.groups["task2"].index("Nodule")
    assert second.classes.index("Normal") > second.classes.index("Nodule")
    findings = (ROOT / "tests/cxrlt_core/sources/padchest_findings.txt").read_text().splitlines()
    assert set(spaces["padchest"].classes) == {line.split(":")[0] for line in findings}


@pytest.mark.parametrize("pair", [*permutations(SIZES, 2)], ids="-".join)
def test_what_two_lists_say_of_each_other_agrees(pair):
    """Of PadChest's findings it is not said which classes they are near."""
    (own, other), of = map(read_label_space, pair), pair[1]
    for label, related in own.relations.get(of, {}).items():
        names = [name for key, others in related.items() if key != "use" for name in others]
        assert set(names) <= set(other.classes), label
        assert len(set(names)) == len(names), label
    for label in own.classes:
        for relation, names in names_of(label, own, other.classes, of).items():
            if relation == "use" or (relation == "near" and "padchest" in pair):
                continue
            expected = INVERSE.get(relation, "exact" if len(names) == 1 else "broader")
            for name in names:
                back = names_of(name, other, own.classes, own.name)
                together = back.get("exact", []) if len(back.get("exact", [])) > 1 else []
                there = back.get(expected, []) + (together if expected == "narrower" else [])
                assert label in there, (label, relation, name, back)


def test_normal_is_not_no_finding():
    for own, label, other in (("cxrlt2024", "Normal", "cxrlt2023"), ("cxrlt2023", "No Finding", "cxrlt2026")):
        related = names_of(label, read_label_space(own), read_label_space(other).classes, other)
        assert list(related) == ["near"]


def test_one_of_ones_own_says_what_it_has(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("classes: [Wet lung, Big heart]")
    space = read_label_space(str(path))
    assert space.classes == ["Wet lung", "Big heart"] and space.name == space.title == str(path)
    assert not (space.aliases or space.normal or space.relations or space.counts)
    path.write_text("classes: [Big heart]")
    assert read_label_space(str(path)).classes == ["Big heart"]


def test_near_labels_are_taken_where_a_source_has_no_same_and_only_there():
    """For sets that are scored; what is said already stays as it is."""
    space = read_label_space("cxrlt2023")
    near = with_near(space)
    aorta, effusion = "Calcification of the Aorta", "Pleural Effusion"
    assert "use" not in space.relations["cxrlt2026"][aorta]
    assert near.relations["cxrlt2026"][aorta] == {"near": ["aortic atheromatosis"], "use": ["near"]}
    assert near.relations["cxrlt2026"][effusion] == space.relations["cxrlt2026"][effusion]
    assert near.relations["padchest"] == space.relations["padchest"]  # all of them have exact ones too
    assert with_near(near) == near and near.classes == space.classes
