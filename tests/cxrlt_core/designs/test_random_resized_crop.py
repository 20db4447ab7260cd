import torch
from runs import run, same

from cxrlt_core.designs import conflicts, ordered
from cxrlt_core.designs.random_resized_crop import Settings, inputs


def test_each_image_shows_a_rectangle_of_itself_of_random_share_and_sides():
    """Pixels of a picture that say where they are tell where those of its crop come from."""
    torch.manual_seed(0)
    place = (torch.arange(64) + 0.5) / 64
    crop = inputs(Settings(area=0.3), None)
    columns, rows = place.expand(500, 1, 64, 64), place[:, None].expand(500, 1, 64, 64)
    state = torch.get_rng_state()
    across = crop(columns, None, {})
    torch.set_rng_state(state)
    down = crop(rows, None, {})
    width, left = (across[:, 0, 0, 40] - across[:, 0, 0, 20]) * 64 / 20, across[:, 0, 0, 1]
    height, top = (down[:, 0, 40, 0] - down[:, 0, 20, 0]) * 64 / 20, down[:, 0, 1, 0]
    inner = slice(2, -2)  # beside the edge, where a picture goes on as it ends
    start = across[:, 0, 0, 32] - width * 32.5 / 64
    expected = start[:, None] + width[:, None] * place
    torch.testing.assert_close(across[:, 0, 0, inner], expected[:, inner], atol=2e-3, rtol=0)
    assert (across[:, 0] - across[:, 0, :1]).abs().max() < 1e-5  # a rectangle: columns stay columns
    for edge, side in ((left, width), (top, height)):
        assert edge.min() >= 0 and (edge + side).max() < 1.05 and side.max() <= 1.001
    area, aspect = width * height, width / height
    assert abs(area.min() - 0.3) < 0.01 and abs(area.mean() - 0.65) < 0.03 and area.max() > 0.97
    assert 0.74 < aspect.min() < 0.8 and 1.25 < aspect.max() < 1.35
    assert abs((start / (1 - width).clamp(min=1e-3))[width < 0.9].mean() - 0.5) < 0.05


def test_it_acts_in_a_training_the_same_each_time_and_after_blends(training, plain, tmp_path):
    def trained(name: str, **designs) -> dict:
        return run(training(epochs=1, model=plain(), designs=designs), tmp_path, name)

    first = trained("first", random_resized_crop=Settings(area=0.3))
    assert same(first, trained("second", random_resized_crop=Settings(area=0.3)))
    assert not same(first, trained("plain"))
    assert ordered(["mixup", "random_resized_crop"]) == ["mixup", "random_resized_crop"]
    assert ordered(["balanced_mixup", "random_resized_crop"])[-1] == "random_resized_crop"
    [line] = conflicts(["cutmix", "random_resized_crop"])
    assert "areas" in line
