"""What the packed pixels of a study give, the files give too."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from served import SIZE, TTA, write_images, write_model, write_pair

from cxrlt_core import load_model
from cxrlt_core.batches.images import PackedImages
from cxrlt_core.designs.tta import Tta, average_views, contents_of, draw_views
from cxrlt_core.model.folder import model_marks, read_model
from cxrlt_core.packing.decode import Geometry
from cxrlt_core.packing.files import ImageFiles
from cxrlt_core.packing.pack import pack_images
from cxrlt_core.prediction.inference import Scorer, predict
from cxrlt_core.serving.ensemble_folder import read_ensemble, write_ensemble

CPU = torch.device("cpu")


def packed(paths, folder, fit):
    """The images of a study: an array, as the stage `pack` writes it."""
    names = [path.name for path in paths]
    array = folder / "array.npy"
    pack_images(ImageFiles(names, names, paths[0].parent, ("",)), array, Geometry(SIZE, fit), workers=1)
    return PackedImages({"s": np.load(array)}, ["s"] * len(paths), range(len(paths)))


def in_study(folder, images, views=(None,)):
    return predict(Scorer.of(read_model(folder)), images, CPU, 64, views)


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
def test_a_file_gets_the_number_of_its_packed_pixels(fit, tmp_path):
    paths = write_images(tmp_path / "images", 6)
    write_model(tmp_path / "model", image_fit=fit)
    [expected] = in_study(tmp_path / "model", packed(paths, tmp_path, fit))
    result = load_model(tmp_path / "model", "cpu").predict(paths)
    np.testing.assert_array_equal(result.probabilities, expected)
    assert result.paths == paths and result.probabilities.dtype == np.float32
    assert np.ptp(result.probabilities, axis=0).max() > 0.01  # images differ


def test_an_ensemble_is_the_weighted_mean_class_by_class(tmp_path):
    weights, paths = write_pair(tmp_path), write_images(tmp_path / "images")
    folders = ("models/one/0", "models/two/0", "ensembles/both/0")
    one, two, both = (load_model(tmp_path / name, "cpu").predict(paths).probabilities for name in folders)
    np.testing.assert_allclose(both, weights[0] * one + weights[1] * two, rtol=1e-6)


def test_with_the_views_of_a_study_come_its_numbers(tmp_path):
    weights, paths = write_pair(tmp_path), write_images(tmp_path / "images", 6)
    images = packed(paths, tmp_path, "squash")
    views = draw_views(contents_of(images), Tta(**TTA))
    members = [average_views(in_study(tmp_path / f"models/{n}/0", images, views)) for n in ("one", "two")]
    expected = np.einsum("mnc,mc->nc", np.stack(members), weights).astype(np.float32)
    ensemble = load_model(tmp_path / "ensembles/both/0", "cpu")
    result = ensemble.predict(paths, len(views)).probabilities
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_an_image_does_not_depend_on_the_others(tmp_path):
    write_pair(tmp_path)
    paths = write_images(tmp_path / "images", 6)
    ensemble = load_model(tmp_path / "ensembles/both/0", "cpu")
    for views in (0, 3):
        together = ensemble.predict(paths, views).probabilities
        alone = ensemble.predict(paths[4:5], views).probabilities
        np.testing.assert_allclose(alone[0], together[4], atol=1e-6)
        small = ensemble.predict(paths, views, batch_size=2, threads=3).probabilities
        np.testing.assert_allclose(small, together, atol=1e-6)
    assert np.abs(ensemble.predict(paths).probabilities - together).max() > 1e-3


def test_what_cannot_be_read_is_named_and_left_out(tmp_path):
    write_model(tmp_path / "model")
    paths = write_images(tmp_path / "images", 4)
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    paths[3].write_text("no image")
    result = load_model(tmp_path / "model", "cpu").predict(paths, batch_size=2)
    assert result.paths == [paths[0], paths[2]] and len(result.probabilities) == 2
    assert result.rejected == {paths[1]: "truncated", paths[3]: "not a JPEG, PNG or DICOM image"}
    assert len(load_model(tmp_path / "model", "cpu").predict(paths[3:]).table()) == 0


def test_the_table_has_a_row_an_image_and_finding(tmp_path):
    write_pair(tmp_path)
    paths = write_images(tmp_path / "images", 2)
    result = load_model(tmp_path / "ensembles/both/0", "cpu").predict(paths)
    table = result.table()
    assert list(table) == ["image", "finding", "probability", "calibrated", "threshold", "present"]
    assert len(table) == 52 and table["image"].tolist() == [str(paths[0])] * 26 + [str(paths[1])] * 26
    wide = table.pivot(index="image", columns="finding", values="probability")[list(result.classes)]
    np.testing.assert_array_equal(wide.to_numpy(), result.probabilities)
    hernia = table[table["finding"] == "Hernia"]
    assert hernia["threshold"].isna().all() and set(hernia["present"]) == {""}
    others = table[table["finding"] != "Hernia"]
    assert ((others["present"] == "yes") == (others["probability"] >= 0.5)).all()
    odds = others["probability"] / (1 - others["probability"])  # a temperature of 2 is a root of the odds
    np.testing.assert_allclose(others["calibrated"] / (1 - others["calibrated"]), odds**0.5, rtol=1e-4)


def test_attention_of_an_ensemble_is_the_weighted_mean_on_the_finest_grid(tmp_path):
    weights = write_pair(tmp_path)
    images = torch.randint(0, 256, (3, 1, 64, 64), dtype=torch.uint8)
    one, two = (load_model(tmp_path / f"models/{n}/0", "cpu").attention([images]) for n in ("one", "two"))
    assert one.shape == (3, 26, 2, 2)
    found = load_model(tmp_path / "ensembles/both/0", "cpu").attention([images])
    expected = weights[0][:, None, None] * one + weights[1][:, None, None] * two
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum((2, 3)), 1, atol=1e-5)


def test_members_may_see_images_in_sizes_of_their_own(tmp_path):
    """Each member gets the pixels, and the views, that it has alone."""
    weights, paths = write_pair(tmp_path), write_images(tmp_path / "images")
    write_model(tmp_path / "models/two/0", 1, image_size=64, image_fit="pad")
    path = tmp_path / "ensembles/both/0"
    config = read_ensemble(path)
    members = [replace(m, sha256=model_marks(path / m.folder)) for m in config.members]
    write_ensemble(path, replace(config, members=members))
    for views in (0, 2):
        alone = []
        for name in ("one", "two"):
            model = load_model(tmp_path / f"models/{name}/0", "cpu")
            alone.append(replace(model, tta=Tta(**TTA)).predict(paths, views).probabilities)
        both = load_model(path, "cpu")
        assert [square.size for square in both.geometries] == [32, 64]
        expected = weights[0] * alone[0] + weights[1] * alone[1]
        np.testing.assert_allclose(both.predict(paths, views).probabilities, expected, atol=1e-6)
    squares = [torch.zeros(2, 1, size, size, dtype=torch.uint8) for size in (32, 64)]
    assert both.attention(squares).shape == (2, 26, 2, 2)
