import numpy as np
import pandas as pd
import pytest

from cxrlt_core.errors import StudyError
from cxrlt_core.labels import CLASSES
from cxrlt_core.params import Splits
from cxrlt_core.splits import assign_splits, check_sets, count_labels, label_space, training_prevalence

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


def cut(table: pd.DataFrame, splits: pd.Series) -> dict[str, pd.DataFrame]:
    return {name: table[splits == name] for name in ("train", "dev", "test")}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return make_table(400)


@pytest.fixture(scope="module")
def assigned(table) -> pd.Series:
    return assign_splits(table, STUDIED, FRACTIONS)


def test_patients_never_stand_in_two_sets(table, assigned):
    check_sets(cut(table, assigned))
    assert (assigned.groupby(table["patient_id"]).nunique() == 1).all()


def test_fractions_are_of_patients(table, assigned):
    shares = table["patient_id"].groupby(assigned).nunique() / 400
    assert shares["dev"] == pytest.approx(0.2, abs=0.02)
    assert shares["test"] == pytest.approx(0.25, abs=0.02)


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
    pd.testing.assert_series_equal(assigned, assign_splits(table.copy(), STUDIED, FRACTIONS))
    other = assign_splits(table, STUDIED, Splits(dev=0.2, test=0.25, seed=1))
    assert (assigned != other).any()


def test_the_table_is_left_alone(table):
    before = table.copy(deep=True)
    assign_splits(table, STUDIED, FRACTIONS)
    pd.testing.assert_frame_equal(table, before)


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
    check_sets(cut(table, again))


def test_classes_without_positives_do_not_disturb():
    table = make_table(60)
    table[STUDIED[0]] = np.int8(0)
    check_sets(cut(table, assign_splits(table, STUDIED, FRACTIONS)))


def test_too_few_patients_is_one_line():
    with pytest.raises(StudyError, match=r"^data\.splits\.test: cannot carve 0\.250 of 1 patients: .+$"):
        assign_splits(make_table(1), STUDIED, FRACTIONS)


def test_empty_sets_are_refused(table):
    splits = assign_splits(table, STUDIED, Splits(dev=0, test=0.25, seed=0))
    with pytest.raises(StudyError, match="the dev set is empty"):
        check_sets(cut(table, splits))


def test_an_image_twice_is_refused(table):
    with pytest.raises(StudyError, match="train set holds 1 images twice, for example i0"):
        check_sets({"train": table.iloc[[0, 1, 0]]})


def test_a_patient_in_two_sets_is_refused():
    table = make_table(3).assign(patient_id="p9")
    with pytest.raises(StudyError, match="patient p9 is in two sets, train and test"):
        check_sets({"train": table.iloc[:2], "test": table.iloc[2:]})


def test_label_space_counts_and_prevalence(table):
    part = table.iloc[:50].copy()
    part.iloc[:5, part.columns.get_loc(STUDIED[5])] = -1
    assert label_space(part) == STUDIED
    counts = count_labels(part, [*STUDIED, "Mass"])
    labels = part[STUDIED[5]]
    assert counts["classes"][STUDIED[5]] == {
        "positive": (labels == 1).sum(),
        "negative": (labels == 0).sum(),
        "unknown": 5,
    }
    assert counts["images"] == 50 and counts["patients"] == part["patient_id"].nunique()
    prevalence = training_prevalence(part, [*STUDIED, "Mass"])
    assert prevalence[STUDIED[5]] == pytest.approx((labels == 1).sum() / 45)
    assert np.isnan(prevalence["Mass"])
