import numpy as np
import pytest

from cxrlt_core.metrics.pointing import chance, peaks, pointing_game, pointing_games, wilson, within

SIDE = 4


def boxes(count: int, seed: int = 0) -> np.ndarray:
    corners = np.sort(np.random.default_rng(seed).random((count, 2, 2)), axis=1)
    return corners.reshape(count, 4).astype(np.float32)


def looking(at: np.ndarray) -> np.ndarray:
    """Maps whose greatest cell holds a point, x and y."""
    column, row = np.minimum((at * SIDE).astype(int), SIDE - 1).T
    maps = np.random.default_rng(1).random((len(at), SIDE, SIDE)) * 0.5
    maps[np.arange(len(at)), row, column] = 1
    return maps


def naive_hit(one: np.ndarray, box: np.ndarray) -> bool:
    best = max(((r, c) for r in range(SIDE) for c in range(SIDE)), key=lambda at: one[at])
    y, x = ((n + 0.5) / SIDE for n in best)
    left, top, right, bottom = (float(edge) for edge in box)
    half = 0.5 / SIDE
    return left - half <= x <= right + half and top - half <= y <= bottom + half


def test_hits_and_levels_are_those_counted_one_by_one():
    maps, places = np.random.default_rng(2).random((3, 40, SIDE, SIDE)), boxes(40)
    found = pointing_game(maps, places, [str(n // 2) for n in range(40)], 0.95)
    hits = [naive_hit(one, box) for model in maps for one, box in zip(model, places, strict=True)]
    others = [naive_hit(its[i], places[j]) for its in maps for i in range(40) for j in range(40) if i != j]
    cells = np.eye(SIDE**2).reshape(-1, SIDE, SIDE)
    random = [naive_hit(cell, box) for cell in cells for box in places]
    assert (found["images"], found["patients"]) == (40, 20)
    for key, one_by_one in (("hits", hits), ("others", others), ("chance", random)):
        assert found[key] == pytest.approx(np.mean(one_by_one))


def test_who_looks_at_the_finding_scores_one_who_looks_away_nothing_and_a_usual_place_is_no_skill():
    places = np.tile(np.float32([0.55, 0.05, 0.7, 0.2]), (30, 1))
    centre = (places[:, :2] + places[:, 2:]) / 2
    patients = [str(n) for n in range(30)]
    right = pointing_game(looking(centre)[None], places, patients, 0.95)
    assert right["hits"] == right["high"] == 1 and right["low"] > 0.85 > right["chance"]
    away = pointing_game(looking(1 - centre)[None], places, patients, 0.95)
    assert away["hits"] == away["low"] == 0 and away["high"] < 0.15
    # always at the usual place is no better than the maps of other images
    usual = pointing_game(looking(np.tile([0.6, 0.1], (10, 1)))[None], places[:10], ["a"] * 10, 0.95)
    assert usual["hits"] == usual["others"] == 1 > usual["chance"]


def test_who_looks_anywhere_scores_chance():
    places, count = boxes(2000), 2000
    maps = np.random.default_rng(3).random((1, count, SIDE, SIDE))
    found = pointing_game(maps, places, [str(n) for n in range(count)], 0.95)
    assert found["low"] < found["chance"] < found["high"]
    assert found["others"] == pytest.approx(found["chance"], abs=0.03)


def test_half_a_cell_is_forgiven_a_full_box_is_hit_by_chance_and_one_image_has_no_others():
    one = np.zeros((2, 2))
    one[0, 1] = 1
    assert peaks(one).tolist() == [0.75, 0.25]
    box = np.float32([0.0, 0.0, 0.5, 0.1])  # ends where the cell begins
    assert within(peaks(one), box, 2) and not within(peaks(one), box - np.float32([0, 0, 0.01, 0]), 2)
    assert chance(np.float32([[0, 0, 1, 1], [0, 0, 0.1, 0.1]]), SIDE).tolist() == [1, 1 / 16]
    assert pointing_game(np.ones((1, 1, 2, 2)), boxes(1), ["a"], 0.95)["others"] is None


def test_wilson_against_its_equation():
    """Both bounds p solve (share - p)² = z² p (1 - p) / n."""
    for bound in wilson(0.3, 20, 0.9):
        assert (0.3 - bound) ** 2 == pytest.approx(1.6448536**2 * bound * (1 - bound) / 20)


def test_every_class_with_a_place_is_scored_on_its_own_maps():
    known = np.full((2, 3, 4), np.nan)
    known[0, 1], known[1, 1] = [0, 0, 0.25, 0.25], [0.75, 0.75, 1, 1]
    maps = np.zeros((2, 2, 3, 4, 4))
    maps[:, 0, 1, 0, 0] = maps[0, 1, 1, 3, 3] = 1  # one of two models misses in the second image
    found = pointing_games(maps, known, np.array(["p", "q"]), ["Edema", "Mass", "No Finding"], 0.95)
    assert found.keys() == {"Mass"}
    assert (found["Mass"]["images"], found["Mass"]["patients"], found["Mass"]["hits"]) == (2, 2, 0.75)
    alone = pointing_game(maps[:, :, 1], known[:, 1], ["p", "q"], 0.95)
    assert found["Mass"]["low"] == round(alone["low"], 4)
