from pathlib import Path

import numpy as np
from PIL import Image

from cxrlt_core.serving.overlay import ORANGE, SHOWN, overlay, write_overlay


def test_colour_is_where_the_weight_is():
    image = np.full((32, 32), 100, np.uint8)
    picture = np.asarray(overlay(image, np.array([[0.0, 0.0], [0.0, 0.3]])), float)
    assert picture.shape == (SHOWN, SHOWN, 3)
    np.testing.assert_allclose(picture[5, 5], 100, atol=1)
    strongest = picture[-5, -5]
    np.testing.assert_allclose(strongest, 0.35 * 100 + 0.65 * ORANGE, atol=1)
    image = np.random.default_rng(0).integers(0, 256, (SHOWN, SHOWN), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(overlay(image, np.zeros((3, 3))))[..., 1], image)


def test_names_tell_images_and_findings_apart(tmp_path):
    picture = Image.new("RGB", (4, 4))
    paths = {
        write_overlay(tmp_path, Path(image), finding, picture).name
        for image in ("../a/1.png", "../b/1.png")
        for finding in ("Lung Lesion", "/../Mass")
    }
    assert paths == {"a_1-Lung_Lesion.png", "a_1-Mass.png", "b_1-Lung_Lesion.png", "b_1-Mass.png"}
    assert {path.name for path in tmp_path.iterdir()} == paths
