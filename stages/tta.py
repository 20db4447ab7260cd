"""Predict development and test images of one variant with test-time augmentation, once per training seed.

Usage: python -m stages.tta <variant>
"""

from collections.abc import Iterator

import numpy as np

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.designs import PREDICTION
from cxrlt_core.designs.tta import average_views, contents_of, draw_views
from cxrlt_core.params.schema import Params
from cxrlt_core.prediction.inference import Scorer, posthoc, predict
from cxrlt_core.study.variants import designs_of, resolved
from cxrlt_core.system.device import open_device
from cxrlt_core.system.distributed import Ranks, open_ranks
from cxrlt_core.system.progress import task
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.models import load_trained
from stages.artifacts.paths import tta_path
from stages.artifacts.predictions import write_predictions
from stages.artifacts.sets import LabelledSet, read_set
from stages.artifacts.trained import trained_marks


def main(params: Params, name: str) -> None:
    """Write predictions/tta/<variant>/<seed>/dev.parquet and test.parquet."""
    with open_ranks(open_device(params.compute.device, params.compute.threads)) as ranks:
        for split in ("dev", "test"):
            data = read_set(split)
            images = open_images(data, params, resolved(params, name).image)
            for seed, marks, probabilities in predict_views(params, name, data, images, ranks):
                if ranks.is_main:
                    write_predictions(tta_path(name, seed, split), data, probabilities, marks)
        if ranks.is_main:
            print(f"{name}: dev and test predicted in {params.tta.views} views", flush=True)


def predict_views(
    params: Params, name: str, data: LabelledSet, images: PackedImages, ranks: Ranks
) -> Iterator[tuple[int, dict[str, str] | None, np.ndarray]]:
    """Yield each training seed, marks of its model, and probabilities of a set, averaged over all views.

    They are float32 (N, C), on every rank; models of one image size see the same views.
    """
    views, designs = draw_views(contents_of(images), params.tta), designs_of(params, name, PREDICTION)
    for seed in params.train.seeds:
        marks, model = trained_marks(name, seed), load_trained(name, seed)
        with task(f"{name}, seed {seed}, {data.name}"):
            scorer, size = Scorer.of(model), params.compute.batch_size
            probabilities = predict(scorer, images, ranks.device, size, views, ranks)
        yield seed, marks, posthoc(designs, data.classes, average_views(probabilities))


if __name__ == "__main__":
    run_stage(main, launcher="evaluate")
