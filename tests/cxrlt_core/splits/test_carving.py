import numpy as np
import pandas as pd
import pytest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.labels import count_labels
from cxrlt_core.params.schema import Groups, Splits
from cxrlt_core.splits.carving import (
    assign_splits,
    class_groups,
    describe_splits,
    label_space,
    training_prevalence,
)
from cxrlt_core.system.errors import StudyError

STUDIED = list(CLASSES[:6])
FRACTIONS = Splits(dev=0.2, test=0.25, seed=0)


def make_table(patients: int, seed: int = 0) -> pd.DataFrame:
    """Return a table of 1 to 4 images a patient; the first six classes at 2 to 50 %, the others unknown."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), generator.integers(1, 5, size=patients))
    shares = np.array([0.02, 0.04, 0.1, 0.2, 0.3, 0.5])
    labels = np.full((len(patient), len(CLASSES)), -1, np.int8)
    labels[:, :6] = generator.random((len(patient), 6)) < shares
    order = generator.permutation(len(patient))
    columns = {
        "image_id": [f"i{k}" for k in range(len(patient))],
        "patient_id": [f"p{k}" for k in patient[order]],
        "study_id": [f"s{k}" for k in patient[order]],
        "split": pd.Series([None] * len(patient), dtype="object"),
    }
    return pd.concat([pd.DataFrame(columns), pd.DataFrame(labels, columns=list(CLASSES))], axis=1)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return make_table(400)


@pytest.fixture(scope="module")
def assigned(table) -> pd.Series:
    return assign_splits(table, STUDIED, FRACTIONS)


def test_fractions_are_of_patients_who_never_stand_in_two_sets(table, assigned):
    assert (assigned.groupby(table["patient_id"]).nunique() == 1).all()
    shares = table["patient_id"].groupby(assigned).nunique() / 400
    assert [shares["dev"], shares["test"]] == pytest.approx([0.2, 0.25], abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_each_class_keeps_its_share_in_every_set(seed):
    table = make_table(300, seed)
    splits = assign_splits(table, STUDIED, FRACTIONS)
    positive = (table[STUDIED] == 1).groupby(table["patient_id"]).any()
    split_of = splits.groupby(table["patient_id"]).first()
    for name, fraction in (("train", 0.55), ("dev", 0.2), ("test", 0.25)):
        found, wanted = positive[split_of == name].sum(), positive.sum() * fraction
        assert (found[positive.sum() >= 10] >= 1).all()
        assert (abs(found - wanted) <= 2 + 0.1 * wanted).all()


def test_depends_on_the_seed_alone(table, assigned):
    before = table.copy(deep=True)
    pd.testing.assert_series_equal(assigned, assign_splits(table, STUDIED, FRACTIONS))
    pd.testing.assert_frame_equal(table, before)
    other = assign_splits(table, STUDIED, Splits(dev=0.2, test=0.25, seed=1))
    assert (assigned != other).any()


def test_official_splits_are_kept(table, assigned):
    official = table.assign(split=assigned)
    again = assign_splits(official, STUDIED, Splits(dev=0.4, test=0.4, seed=3))
    assert again.tolist() == assigned.tolist()


@pytest.mark.parametrize("training", ["train", None])
def test_development_is_carved_where_only_test_is_official(table, assigned, training):
    official = table.assign(split=np.where(assigned == "test", "test", training))
    again = assign_splits(official, STUDIED, FRACTIONS)
    assert (again == "test").tolist() == (assigned == "test").tolist()
    patients = table["patient_id"].groupby(again).nunique()
    assert patients["dev"] == pytest.approx(0.2 * 300, abs=3)
    assert (again.groupby(table["patient_id"]).nunique() == 1).all()


def test_too_few_patients_is_one_line():
    with pytest.raises(StudyError, match=r"^data\.splits\.test: cannot carve 0\.250 of 1 patients: .+$"):
        assign_splits(make_table(1), STUDIED, FRACTIONS)


def rare_table(patients: int, seed: int, positives: tuple[int, ...], sicker: float = 0.0) -> pd.DataFrame:
    """Return one image a patient; class c has so many positives, who share patients the more the sicker."""
    generator = np.random.default_rng(seed)
    labels = np.zeros((patients, len(CLASSES)), np.int8)
    for c, number in enumerate(positives):
        odds = 1 + sicker * labels.sum(axis=1)
        labels[generator.choice(patients, number, replace=False, p=odds / odds.sum()), c] = 1
    ids = [f"p{k}" for k in range(patients)]
    columns = {"patient_id": ids, "split": pd.Series([None] * patients, dtype="object")}
    return pd.concat([pd.DataFrame(columns), pd.DataFrame(labels, columns=list(CLASSES))], axis=1)


def positives_of(table: pd.DataFrame, splits: pd.Series, classes: list[str]) -> pd.DataFrame:
    """Return a row a set, a column a class."""
    return (table[classes] == 1).groupby(splits).sum()


@pytest.mark.parametrize(("dev", "test"), [(0.05, 0.1), (0.1, 0.1), (0.1, 0.2)])
@pytest.mark.parametrize("seed", range(4))
def test_rare_classes_have_positives_in_every_set(seed, dev, test):
    positives = (150, 60, 20, 10, 8, 5, 5, 3, 3)
    classes = list(CLASSES[: len(positives)])
    table = rare_table(500, seed, positives, sicker=2)
    splits = assign_splits(table, classes, Splits(dev=dev, test=test, seed=seed))
    assert (positives_of(table, splits, classes).loc[["train", "dev", "test"]] >= 1).all(axis=None)
    shares = splits.value_counts() / 500
    limit = len(positives) / 500 + 0.01
    assert shares["dev"] == pytest.approx(dev, abs=limit) and shares["test"] == pytest.approx(test, abs=limit)


@pytest.mark.parametrize("seed", range(4))
def test_a_class_with_more_positive_patients_than_twice_the_classes_is_in_every_set(seed):
    """The worst case: every class needs the same patients, and the sets are far below one of them."""
    classes = list(CLASSES[:8])
    table = rare_table(400, seed, (17,) * 8, sicker=1e6)
    assert (table[classes].sum(axis=1) > 0).sum() < 50
    splits = assign_splits(table, classes, Splits(dev=0.01, test=0.01, seed=seed))
    assert (positives_of(table, splits, classes).loc[["train", "dev", "test"]] >= 1).all(axis=None)


def test_only_carved_sets_are_repaired():
    table = rare_table(300, 0, (3, 60))
    sick = table[CLASSES[0]] == 1
    official = ~sick & (table.index % 5 == 0)
    table["split"] = np.where(official, "test", None)
    splits = assign_splits(table, list(CLASSES[:2]), Splits(dev=0.1, test=0.2, seed=0))
    assert (splits == "test").tolist() == official.tolist()
    found = positives_of(table, splits, [CLASSES[0]])[CLASSES[0]]
    assert found.to_dict() == {"dev": 1, "test": 0, "train": 2}


def test_one_patient_is_moved_for_all_classes_of_its_own():
    table = rare_table(300, 0, (8,))
    table[CLASSES[1]] = table[CLASSES[0]]
    splits = assign_splits(table, list(CLASSES[:2]), Splits(dev=0.02, test=0.02, seed=0))
    found = positives_of(table, splits, [CLASSES[0]])[CLASSES[0]]
    assert found.to_dict() == {"dev": 1, "test": 1, "train": 6}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0, 1, 2, 3], [0], {"train": 1}),
        ([0, 1, 2, 3], [0, 1], {"train": 1, "test": 1}),
        ([0, 1, 2, 3], [0, 1, 2], {"train": 1, "test": 1, "dev": 1}),
    ],
)
def test_no_set_gives_its_last_positive_of_another_class(first, second, expected):
    table = rare_table(400, 0, ())
    table.loc[first, CLASSES[0]] = np.int8(1)
    table.loc[second, CLASSES[1]] = np.int8(1)
    splits = assign_splits(table, list(CLASSES[:2]), Splits(dev=0.01, test=0.01, seed=0))
    found = positives_of(table, splits, list(CLASSES[:2]))
    assert (found[CLASSES[0]] >= 1).all()
    assert found.loc[found[CLASSES[1]] > 0, CLASSES[1]].to_dict() == expected


@pytest.mark.parametrize("positives", [0, 1, 30, 100])
def test_a_label_space_of_one_class_is_cut(positives):
    table = rare_table(100, 0, (positives,))
    splits = assign_splits(table, [CLASSES[0]], FRACTIONS)
    counts = splits.value_counts().to_dict()
    assert counts == pytest.approx({"train": 55, "dev": 20, "test": 25}, abs=2)
    share = positives_of(table, splits, [CLASSES[0]])[CLASSES[0]]
    assert share["test"] == pytest.approx(0.25 * positives, abs=1)


@pytest.mark.parametrize("seed", range(2))
def test_patients_without_a_class_keep_their_share(seed):
    classes = list(CLASSES[:3])
    table = rare_table(600, seed, (120, 120, 120), sicker=4)
    splits = assign_splits(table, classes, Splits(dev=0.1, test=0.2, seed=seed))
    healthy = splits[(table[classes] != 1).all(axis=1)].value_counts()
    shares = np.array([0.1, 0.2]) * healthy.sum()
    assert [healthy["dev"], healthy["test"]] == pytest.approx(shares, abs=1.6)


def test_classes_are_described(table):
    described = class_groups(table, [*STUDIED, "Mass"], Groups(head=0.25, tail=0.03))
    assert described["Mass"] == {"group": "tail", "prevalence": None}
    prevalence = training_prevalence(table, STUDIED)
    assert {name: described[name]["prevalence"] for name in STUDIED} == prevalence
    assert [described[name]["group"] for name in STUDIED] == ["tail", *["medium"] * 3, "head", "head"]


def test_label_space_counts_and_prevalence(table):
    part = table.iloc[:50].copy()
    part.iloc[:5, part.columns.get_loc(STUDIED[5])] = -1
    assert label_space(part) == STUDIED
    counts = count_labels(part, [*STUDIED, "Mass"])
    labels = part[STUDIED[5]]
    expected = {"positive": (labels == 1).sum(), "negative": (labels == 0).sum(), "unknown": 5}
    assert counts["classes"][STUDIED[5]] == expected
    assert counts["images"] == 50 and counts["patients"] == part["patient_id"].nunique()
    assert count_labels(part.assign(study_id="one"), STUDIED)["studies"] == 1
    prevalence = training_prevalence(part, [*STUDIED, "Mass"])
    assert prevalence[STUDIED[5]] == pytest.approx((labels == 1).sum() / 45)
    assert np.isnan(prevalence["Mass"])


def test_a_page_says_where_the_sets_come_from():
    splits = Splits(dev=0.1, test=0.25, seed=0)
    expected = {"dev": "carved by patient, 0.1 of them", "test": "official: test.csv"}
    assert describe_splits({"test": "test.csv"}, None, splits) == expected
    carved = describe_splits({}, "dev.csv is empty", splits)["test"]
    assert carved == "carved by patient, 0.25 of them; dev.csv is empty"
