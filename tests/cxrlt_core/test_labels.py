from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.labels import TRAINING_IMAGES, TRAINING_POSITIVES, group_classes


def test_the_label_space_has_26_classes_in_alphabetical_order():
    assert len(CLASSES) == 26 and list(CLASSES) == sorted(CLASSES)


def test_groups_have_their_lower_limit_and_not_their_upper_one_and_are_the_published_ones():
    shares = {"a": 0.1, "b": 0.0999, "c": 0.01, "d": 0.0099, "e": float("nan")}
    groups = group_classes(shares, head=0.1, tail=0.01)
    assert groups == {"a": "head", "b": "medium", "c": "medium", "d": "tail", "e": "tail"}
    shares = {name: n / TRAINING_IMAGES for name, n in TRAINING_POSITIVES.items()}
    groups = list(group_classes(shares, head=0.1, tail=0.01).values())  # of the published training set
    assert [groups.count(g) for g in ("head", "medium", "tail")] == [9, 11, 6]
