import numpy as np
import pandas as pd
import pytest

from cxrlt_core.demo import phantom
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.lesions import PAINTERS
from cxrlt_core.demo.phantom import STYLES, Style, render_images
from cxrlt_core.demo.population import Population

QUIET = Style((1.0, 1.0), (0.0, 0.0), (0.0, 0.0), 0.0, None)
#: Findings that move landmarks and paint nothing.
ANATOMICAL = {"Cardiomegaly", "Enlarged Cardiomediastinum"}


def population(views: list[str], findings: tuple[str, ...] = (), one_patient: bool = False):
    count = len(views)
    number = np.zeros(count, dtype=int) if one_patient else np.arange(count)
    images = pd.DataFrame({"patient": number, "study": number, "view": views})
    table = np.zeros((count, len(CLASSES)), dtype=bool)
    table[:, [CLASSES.index(name) for name in findings]] = True
    return Population(images, table, table)


def pictures(people: Population, size: int = 64, style: Style = QUIET, seed: int = 0):
    return np.stack(
        [picture for picture, _ in render_images(people, size, style, np.random.default_rng(seed))]
    )


def test_sizes_show_the_same_picture_over_the_whole_range():
    for size in (32, 64, 100, 256):
        images = pictures(population(["PA", "AP", "LATERAL"]), size)
        assert images.shape == (3, size, size) and images.dtype == np.uint8
        assert (images.min(axis=(1, 2)) < 30).all() and (images.max(axis=(1, 2)) > 180).all()
    people = population(["PA", "LATERAL"], ("Mass", "Pneumothorax"))
    small, large = pictures(people, 64), pictures(people, 256)
    shrunk = large.reshape(2, 64, 4, 64, 4).mean(axis=(2, 4))
    assert np.abs(shrunk - small).mean() < 4


def test_lungs_are_darker_than_the_mediastinum_and_the_abdomen():
    images = pictures(population(["PA"] * 20)).astype(float)
    lung = images[:, 20:32, [*range(14, 22), *range(44, 50)]].mean(axis=(1, 2))
    assert (images[:, 20:32, 30:34].mean(axis=(1, 2)) > lung + 30).all()
    assert (images[:, 56:62, 20:30].mean(axis=(1, 2)) > lung + 30).all()


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "No Finding"])
def test_every_finding_is_visible_in_every_projection(name):
    views = ["PA"] * 6 + ["AP"] * 6 + ["LATERAL"] * 6
    without, shown = pictures(population(views)), pictures(population(views, (name,)))
    changed = np.abs(shown.astype(int) - without) > 2
    assert (changed.sum(axis=(1, 2)) >= 8).mean() > 0.9


def test_no_finding_draws_nothing_and_findings_do_not_touch_other_images():
    without, shown = (pictures(population(["PA"] * 3, f)) for f in ((), ("No Finding",)))
    assert (without == shown).all()
    assert set(PAINTERS) | ANATOMICAL | {"No Finding"} == set(CLASSES)
    people = population(["PA", "PA"], ("Mass",))
    people.findings[1] = False
    mixed, plain = pictures(people), pictures(population(["PA", "PA"]))
    assert (mixed[1] == plain[1]).all()
    assert (mixed[0] != plain[0]).any()


def test_cardiomegaly_and_ap_widen_the_heart():
    people = (population(["PA"] * 20), population(["AP"] * 20), population(["PA"] * 20, ("Cardiomegaly",)))
    normal, ap, enlarged = ((pictures(p)[:, 34:40, 33:48] > 150).sum(axis=(1, 2)) for p in people)
    assert (enlarged > normal).mean() > 0.9 and ap.mean() > normal.mean()


def test_anatomy_belongs_to_the_patient():
    same = pictures(population(["PA"] * 8, one_patient=True)).astype(float)
    others = pictures(population(["PA"] * 8)).astype(float)
    assert same.std(axis=0).mean() < 0.6 * others.std(axis=0).mean()
    assert (same[0] != same[1]).any()


def test_institutions_differ():
    people = population(["PA"] * 40)
    mimic, nih, chexpert = (pictures(people, style=STYLES[name]) for name in STYLES)
    assert (nih[:, 0] == 0).mean() > (mimic[:, 0] == 0).mean()
    assert (chexpert[:, 1, 1] > 200).mean() > 0.7
    assert (mimic[:, 1, 1] > 200).mean() < 0.1
    noise = [np.diff(images[:, -4:, 16:48].astype(int)).std() for images in (mimic, chexpert)]
    assert noise[0] > 1.3 * noise[1]


def test_the_seed_decides_and_chunks_hide_nothing(monkeypatch):
    people = population(["PA"] * 5, ("Nodule",))
    one, same, other = (pictures(people, style=STYLES["mimic"], seed=s) for s in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()
    monkeypatch.setattr(phantom, "CHUNK_PIXELS", 2 * 64 * 64)
    assert pictures(people).shape == (5, 64, 64)
