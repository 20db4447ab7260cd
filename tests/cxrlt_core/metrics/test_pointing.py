import numpy as np
import pytest

from cxrlt_core.metrics.pointing import (
    Places,
    by_image,
    chance,
    effective,
    peaks,
    pointing_game,
    pointing_games,
    usual_maps,
    wilson,
    within,
)

SIDE = 4


def boxes(count: int, seed: int = 0) -> np.ndarray:
    """Two boxes an image, in every third one alone."""
    corners = np.sort(np.random.default_rng(seed).random((count, 2, 2, 2)), axis=2)
    found = corners.reshape(count, 2, 4).astype(np.float32)
    found[::3, 1] = np.nan
    return found


def named(count: int, each: int = 1) -> np.ndarray:
    return np.array([str(n // each) for n in range(count)])


def looking(at: np.ndarray) -> np.ndarray:
    """Maps whose greatest cell holds a point, x and y."""
    column, row = np.minimum((at * SIDE).astype(int), SIDE - 1).T
    maps = np.random.default_rng(1).random((len(at), SIDE, SIDE)) * 0.5
    maps[np.arange(len(at)), row, column] = 1
    return maps


def holds(x: float, y: float, places: np.ndarray) -> bool:
    half = 0.5 / SIDE
    edges = [[float(edge) for edge in box] for box in places if np.isfinite(box).all()]
    return any(
        left - half <= x <= right + half and top - half <= y <= bottom + half
        for left, top, right, bottom in edges
    )


def naive_hit(one: np.ndarray, places: np.ndarray) -> bool:
    y, x = max(((r, c) for r in range(SIDE) for c in range(SIDE)), key=lambda at: one[at])
    return holds((x + 0.5) / SIDE, (y + 0.5) / SIDE, places)


def test_hits_and_levels_are_those_counted_one_by_one():
    maps, places, patients = np.random.default_rng(2).random((3, 40, SIDE, SIDE)), boxes(40), named(40, 2)
    found = pointing_game(maps, places, patients, 0.95)
    hits = [naive_hit(one, box) for model in maps for one, box in zip(model, places, strict=True)]
    others = [
        naive_hit(its[patients != patients[i]].mean(0), box) for its in maps for i, box in enumerate(places)
    ]
    random = [naive_hit(cell, box) for cell in np.eye(SIDE**2).reshape(-1, SIDE, SIDE) for box in places]
    centre = [holds(0.5, 0.5, box) for box in places]
    assert (found["images"], found["boxes"], found["patients"]) == (40, 66, 20)
    for key, one_by_one in (("hits", hits), ("others", others), ("chance", random), ("centre", centre)):
        assert found[key] == pytest.approx(np.mean(one_by_one)), key


def test_who_looks_at_the_finding_scores_one_who_looks_away_nothing_and_a_usual_place_is_no_skill():
    places = np.tile(np.float32([0.55, 0.05, 0.7, 0.2]), (30, 1, 1))
    centre = (places[:, 0, :2] + places[:, 0, 2:]) / 2
    right = pointing_game(looking(centre)[None], places, named(30), 0.95)
    assert right["hits"] == right["high"] == 1 and right["low"] > 0.85 > right["chance"]
    assert right["others"] == 1 and right["centre"] == 0  # it is always there
    away = pointing_game(looking(1 - centre)[None], places, named(30), 0.95)
    assert away["hits"] == away["low"] == 0 and away["high"] < 0.15


def test_who_looks_anywhere_scores_chance():
    places, count = boxes(2000), 2000
    maps = np.random.default_rng(3).random((1, count, SIDE, SIDE))
    found = pointing_game(maps, places, named(count), 0.95)
    assert found["low"] < found["chance"] < found["high"]


def test_half_a_cell_is_forgiven_any_box_will_do_and_a_full_one_is_hit_by_chance():
    one = np.zeros((2, 2))
    one[0, 1] = 1
    assert peaks(one).tolist() == [0.75, 0.25]
    box, none = np.float32([0.0, 0.0, 0.5, 0.1]), np.float32([np.nan] * 4)  # ends where the cell begins
    far = box - np.float32([0, 0, 0.01, 0])
    assert within(peaks(one), np.array([none, far, box]), 2) and not within(
        peaks(one), np.array([far, none]), 2
    )
    full, small = [0, 0, 1, 1], [0, 0, 0.1, 0.1]
    assert chance(np.float32([[full], [small]]), SIDE).tolist() == [1, 1 / 16]
    assert chance(np.float32([[small, small]]), SIDE).tolist() == [1 / 16]  # drawn by two readers


def test_the_usual_map_is_of_other_patients():
    maps = np.arange(6, dtype=np.float32).reshape(1, 3, 1, 2)
    assert usual_maps(maps, np.array(["a", "b", "a"])).tolist() == [[[[2, 3]], [[4, 6]], [[2, 3]]]]


def test_wilson_against_its_equation():
    """Both bounds p solve (share - p)² = z² p (1 - p) / n."""
    for bound in wilson(0.3, 20, 0.9):
        assert (0.3 - bound) ** 2 == pytest.approx(1.6448536**2 * bound * (1 - bound) / 20)


def test_a_patient_of_many_images_counts_for_less_than_they():
    assert effective(named(40, 4)) == 10
    assert effective(np.array(["a"] * 9 + ["b"])) == pytest.approx(100 / 82)


def test_the_interval_holds_the_truth_as_often_as_it_says_where_images_of_a_patient_are_hit_together():
    """Twenty patients of one to five images: a share of so many patients would hold it in 88 % of cases."""
    rng, sizes = np.random.default_rng(4), np.tile([1, 1, 2, 5], 5)
    patients = np.repeat(np.arange(20), sizes)
    held = 0
    for _ in range(2000):
        low, high = wilson(np.repeat(rng.random(20) < 0.6, sizes).mean(), effective(patients), 0.95)
        held += low <= 0.6 <= high
    assert 0.93 < held / 2000 < 0.985


def test_boxes_are_gathered_by_image():
    edges = np.arange(12).reshape(3, 4)
    images, each = by_image(np.array([5, 2, 5]), edges)
    assert images.tolist() == [2, 5] and each[1].tolist() == [edges[0].tolist(), edges[2].tolist()]
    assert each[0, 0].tolist() == edges[1].tolist() and np.isnan(each[0, 1]).all()


def test_every_class_with_a_place_is_scored_on_its_own_maps_and_of_few_patients_nothing_is_said():
    count = 11
    image = np.array([*range(count), *range(9), 0, 0])
    label = np.array([1] * count + [2] * 9 + [2, 1])
    edges = np.tile([0, 0, 0.25, 0.25], (len(image), 1))
    maps = np.zeros((2, count, 3, 4, 4))
    maps[:, :, 1, 0, 0] = 1
    maps[0, 0, 1] = np.flip(maps[0, 0, 1])  # one of two models misses in an image
    games, few = pointing_games(maps, Places(image, label, edges), named(count), ["a", "Mass", "Edema"], 0.95)
    assert games.keys() == {"Mass"} and few == ["Edema"]
    game = games["Mass"]
    assert (game["images"], game["boxes"], game["patients"]) == (11, 12, 11)
    assert game["hits"] == round(21 / 22, 4) and game["low"] == round(wilson(21 / 22, 11, 0.95)[0], 4)
