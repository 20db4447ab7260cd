"""Hide each class from one of several trainings of a variant, then ask for it by name, on development data.

A training knows nothing of its hidden classes: no label, name, prior or weight; of classes that tell of them
it knows the names alone. Prompts are those of the text encoder, and nothing is chosen here.

Usage: python -m stages.zero_shot <variant>
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from cxrlt_core.evidence.zero_shot import Asked, ZeroShotResults, compare_hidden
from cxrlt_core.model.folder import TrainedModel
from cxrlt_core.model.zero_shot import ZeroShotClassifier, nearest_trained, nystrom_coordinates
from cxrlt_core.params.schema import Params
from cxrlt_core.prediction.inference import Scorer, posthoc, predict
from cxrlt_core.splits.hidden_classes import Fold, folds_of, hide
from cxrlt_core.system.device import explain_out_of_memory, open_device
from cxrlt_core.system.distributed import Ranks, open_ranks
from cxrlt_core.system.files import write_json
from cxrlt_core.system.progress import score_text, task
from cxrlt_core.system.records import to_json
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.loop import ADVICE
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.code import fingerprint, stage_code
from stages.artifacts.identity import training_identity
from stages.artifacts.models import read_embeddings
from stages.artifacts.paths import zero_shot_metrics
from stages.artifacts.predictions import by_study
from stages.artifacts.scoring import evaluation_set
from stages.artifacts.sets import LabelledSet, read_set
from stages.train import gather_material, prepare


def main(params: Params, name: str) -> None:
    """Write metrics/zero_shot/<variant>.json."""
    device, dev = open_device(params.compute.device, params.compute.threads), read_set("dev")
    folds = folds_of(dev.classes, params.label_space, params.zero_shot[name].folds)
    asked: dict[str, Asked] = {}
    with open_ranks(device) as ranks, explain_out_of_memory(ADVICE):
        for number, fold in enumerate(folds, 1):
            with task(f"{name}, fold {number} of {len(folds)}"):
                model = train_fold(params, name, fold, ranks)
                asked |= ask(params, model, fold, dev, ranks, number)
        if ranks.is_main:
            results = score(params, name, dev, folds, asked, device)
            write_json(zero_shot_metrics(name), to_json(results))
            print(f"{name}: {in_a_line(results)}", flush=True)


def train_fold(params: Params, name: str, fold: Fold, ranks: Ranks) -> TrainedModel:
    """Train the variant, with the first seed, without the hidden classes."""
    seed, data = params.train.seeds[0], read_set(f"train_{params.variants[name].data}")
    material = gather_material(params, name, without_hidden(data, fold), ranks)
    training = prepare(params, name, seed, material, ranks)
    identity = training_identity(params, name, seed) | {"hides": vars(fold)}
    identity |= {"hiding": fingerprint(stage_code("zero_shot"))}
    training.run(Checkpoint(Path("checkpoints"), **identity, processes=ranks.size))
    return TrainedModel(training.state.model, material.config)


def without_hidden(data: LabelledSet, fold: Fold) -> LabelledSet:
    """Return a set as a training sees it that does not know the hidden classes."""
    targets, classes = hide(data.targets, data.classes, fold)
    return replace(data, targets=targets, classes=classes, table=data.table.drop(columns=fold.hidden))


def ask(
    params: Params, model: TrainedModel, fold: Fold, dev: LabelledSet, ranks: Ranks, number: int
) -> dict[str, Asked]:
    """Return what a training says of each class that it does not know, and of the nearest that it knows."""
    config, classes = model.config, list(model.config.classes)
    own, new = (read_embeddings(config.text, names) for names in (classes, fold.hidden))
    coordinates, expressed = nystrom_coordinates(new, own)
    nearest, cosines = nearest_trained(new, own, ~np.isin(classes, fold.unknown))
    scorer = Scorer(ZeroShotClassifier(model.network, coordinates), config.pixels, config.precision)
    image = params.image.model_copy(update={"size": config.image_size, "fit": config.image_fit})
    images = open_images(dev, params, image)
    [scores] = predict(scorer, images, ranks.device, params.compute.batch_size, ranks=ranks)
    scores = posthoc(config.design_settings, [*classes, *fold.hidden], scores)
    scores = by_study(dev, scores, params.study.aggregate)
    return {
        name: Asked(
            number,
            float(expressed[i]),
            classes[nearest[i]],
            float(cosines[i]),
            scores[:, len(classes) + i],
            scores[:, nearest[i]],
        )
        for i, name in enumerate(fold.hidden)
    }


def score(
    params: Params,
    name: str,
    dev: LabelledSet,
    folds: list[Fold],
    asked: dict[str, Asked],
    device: torch.device,
) -> ZeroShotResults:
    """Score all classes that were hidden, on the patients of the development set."""
    names = [label for label in dev.classes if label in asked]
    hidden = replace(dev, classes=names, targets=dev.targets[:, np.isin(dev.classes, names)])
    data = evaluation_set(params, hidden, device)
    counted, mean, classes = compare_hidden(data, asked, params.bootstrap.level)
    return ZeroShotResults(
        seed=params.train.seeds[0],
        prompt=params.text_encoders[params.variants[name].text].prompt,
        images=len(dev.table),
        patients=dev.table["patient_id"].nunique(),
        hidden=[fold.hidden for fold in folds],
        unknown=[fold.unknown for fold in folds],
        apart=[label for label in dev.classes if label not in asked],
        counted=counted,
        mean=mean,
        classes=classes,
    )


def in_a_line(results: ZeroShotResults) -> str:
    """Say how well hidden classes are ranked in the mean, beside the nearest label and chance."""
    mean = results.mean
    ap = score_text(mean.zero_shot["AP"].point), score_text(mean.nearest["AP"].point)
    chance = score_text(mean.chance["AP"])
    return f"hidden classes: AP {ap[0]}, of the nearest label {ap[1]}, by chance {chance}"


if __name__ == "__main__":
    run_stage(main, launcher="train")
