import itertools
import time

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.splits.leakage import KINDS, PAIRS, count_repeats, describe_leaks, separate
from cxrlt_core.system.errors import StudyError


def make_set(name: str, *images: dict) -> pd.DataFrame:
    """Return a set of images that share nothing but what is given."""
    columns = ["image_id", *KINDS.values()]
    rows = [dict.fromkeys(columns, f"{name}/{n}") | image for n, image in enumerate(images)]
    return pd.DataFrame(rows, columns=columns).astype("str")


def make_sets(**images: list[dict]) -> dict[str, pd.DataFrame]:
    return {name: make_set(name, *images.get(name, [{}, {}])) for name in ("train", "dev", "test")}


def counts(leaks) -> dict[tuple, int]:
    return {(leak.kind, leak.subset, leak.reference): leak.images for leak in leaks}


def ids(table: pd.DataFrame) -> list[str]:
    return table["image_id"].tolist()


@pytest.mark.parametrize("images", [{}, {"dev": [], "train": []}])
def test_sets_that_share_nothing_pass_unchanged(images):
    sets = make_sets(**images)
    clean, leaks = separate(sets, "stop")
    assert list(counts(leaks)) == [(kind, *pair) for kind in KINDS for pair in PAIRS]
    assert not any(counts(leaks).values())
    for name, table in sets.items():
        pd.testing.assert_frame_equal(clean[name], table)
        assert count_repeats(clean[name]) == {"groups": 0, "images": 0}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_in_each_pair(kind, pair):
    name, other = pair
    shared = {KINDS[kind]: "shared"}
    sets = make_sets(**{name: [{}, shared], other: [shared, {}]})
    clean, leaks = separate(sets, "drop")
    assert {key for key, images in counts(leaks).items() if images} == {(kind, *pair)}
    assert ids(clean[name]) == [f"{name}/0"]
    assert all(ids(clean[kept]) == ids(sets[kept]) for kept in sets if kept != name)
    assert sum(row["images"] for row in describe_leaks(leaks)) == 1
    assert {"kind": kind, "set": name, "in": other, "images": 1, "dropped": 1} in describe_leaks(leaks)


def test_stop_tells_every_kind_and_pair_with_an_example_and_the_remedy():
    train = [{}, {"picture": "x"}, {"picture": "x"}, {"path": "same.png"}, {"patient_id": "p"}]
    test = [{"patient_id": "p"}, {"picture": "x"}]
    sets = make_sets(train=train, dev=[{"path": "same.png"}, {}], test=test)
    with pytest.raises(StudyError) as caught:
        separate(sets, "stop")
    patient, path, pixels = str(caught.value).splitlines()
    assert patient.startswith("data.leaks: 1 images of train are of patients who are also in test, ")
    assert path.startswith("data.leaks: 1 images of train have the relative path of an image in dev, ")
    assert pixels.startswith("data.leaks: 2 images of train have the pixels of an image in test, ")
    assert ", for example train/3 and dev/0: " in path and ", for example train/1 and test/1: " in pixels
    assert "set data.leaks to drop" in path and "data.extra" in path


def test_images_found_in_several_ways_count_in_each_and_go_once():
    shared = {"patient_id": "p", "path": "a.png", "picture": "x"}
    clean, leaks = separate(make_sets(train=[{}, shared, {"patient_id": "p"}], test=[shared]), "drop")
    assert ids(clean["train"]) == ["train/0"]
    dropped = [(row["kind"], row["dropped"]) for row in describe_leaks(leaks) if row["images"]]
    assert dropped == [("patient", 2), ("path", 1), ("pixels", 1)]


def test_repeats_within_a_set_are_counted_and_do_not_stop():
    """Pictures that are not known are like no other."""
    train = [{"picture": picture} for picture in ("a", "b", "a", "c", "a", "b", None, None)]
    sets = make_sets(train=train)
    clean, _ = separate(sets, "stop")
    assert count_repeats(clean["train"]) == {"groups": 2, "images": 3}
    assert count_repeats(clean["dev"]) == {"groups": 0, "images": 0}


def random_sets(seed: int) -> dict[str, pd.DataFrame]:
    generator = np.random.default_rng(seed)
    sets = {}
    for name, n in zip(("train", "dev", "test"), generator.integers(0, 40, size=3), strict=True):
        keys = {column: generator.integers(0, 150, size=n).astype(str) for column in KINDS.values()}
        table = pd.DataFrame({"image_id": [f"{name}/{i}" for i in range(n)], **keys}).astype("str")
        sets[name] = table.assign(picture=table["picture"].mask(generator.random(n) < 0.3))
        sets[name].index = generator.permutation(n)
    return sets


def naive(sets):
    """Compare every image with every image of the other sets."""
    records = {name: table.to_dict("records") for name, table in sets.items()}
    found, gone = {}, {name: set() for name in sets}
    for kind, (name, other) in itertools.product(KINDS, PAIRS):
        column = KINDS[kind]
        hits = [
            mine
            for mine in records[name]
            if any(isinstance(mine[column], str) and mine[column] == o[column] for o in records[other])
        ]
        found[kind, name, other] = len(hits)
        gone[name] |= {mine["image_id"] for mine in hits}
    kept = {n: [r["image_id"] for r in rows if r["image_id"] not in gone[n]] for n, rows in records.items()}
    return kept, found


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_comparing_every_two_images(seed):
    sets = random_sets(seed)
    kept, found = naive(sets)
    clean, leaks = separate(sets, "drop")
    assert counts(leaks) == found
    assert {name: ids(table) for name, table in clean.items()} == kept
    assert not any(counts(separate(clean, "stop")[1]).values())
    for leak in leaks:
        assert (leak.example is None) == (leak.images == 0)
        if leak.example:
            mine, theirs = (
                sets[n].set_index("image_id").loc[e, KINDS[leak.kind]]
                for n, e in zip((leak.subset, leak.reference), leak.example, strict=True)
            )
            assert mine == theirs


def test_time_grows_with_the_images_not_with_their_product():
    def table(name: str, n: int) -> pd.DataFrame:
        keys = {column: [f"{name}{column}{i}" for i in range(n)] for column in KINDS.values()}
        return pd.DataFrame({"image_id": keys["path"], **keys}).astype("str")

    sets = {"train": table("a", 100_000), "dev": table("b", 20_000), "test": table("c", 20_000)}
    start = time.perf_counter()
    separate(sets, "stop")
    assert time.perf_counter() - start < 5  # comparing every two images would take hours
