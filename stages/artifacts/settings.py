"""The parameters that a stage depends on, as files: of each key it is said where it enters.

What is not in the table enters everywhere: so a parameter that is new counts until somebody says otherwise.
"""

from collections.abc import Collection
from typing import Any

from cxrlt_core.designs import PREDICTION
from cxrlt_core.params.schema import Params
from cxrlt_core.study.recipes import geometries, resolved
from cxrlt_core.study.variants import designs_of, loss_of, members, sizes_of

DESCRIPTION, TRAINING, PREDICTING, VIEWS, ENSEMBLE = (
    "description",
    "training",
    "prediction",
    "tta",
    "ensemble",
)
RUNNING = (TRAINING, PREDICTING, VIEWS, ENSEMBLE)
BY_FILES = ()  # through the files that another stage makes of it, and through nothing else

#: Key of params.yaml to the kinds of stages that it enters by itself. The report depends on all of them.
ENTERS: dict[str, tuple[str, ...]] = {
    "bootstrap": (ENSEMBLE,),
    "compute": RUNNING,
    "compute.batch_size": (PREDICTING, VIEWS),
    "data": (DESCRIPTION,),
    "data.groups": BY_FILES,
    "data.splits": BY_FILES,
    "demo": (DESCRIPTION,),
    "demo.images": BY_FILES,
    "demo.seed": BY_FILES,
    "demo.size": BY_FILES,
    "designs": BY_FILES,  # a variant has those that it names
    "ensemble": (ENSEMBLE,),
    "evidence": (ENSEMBLE,),
    "image": (TRAINING,),
    "image.max_rejects": BY_FILES,
    "image.store": BY_FILES,  # where arrays lie, which are known by content
    "image_encoders": BY_FILES,
    "launch": (),  # how processes are started; their number counts on its own
    "losses": BY_FILES,  # a training has one, which is added below
    "query": (TRAINING,),
    "recipes": BY_FILES,  # a variant has one, which is applied
    "report": (DESCRIPTION,),
    "report.show_images": (),
    "reweight": BY_FILES,
    "study": (ENSEMBLE,),  # evaluate depends on it by itself
    "table1": (),
    "table2": (ENSEMBLE,),
    "text_encoders": BY_FILES,
    "train": (TRAINING,),
    "train.checkpoint_minutes": (),
    "train.monitor": (),
    "train.resident": (),
    "train.seeds": (),  # a training has one, which counts on its own; stages depend on them by themselves
    "tta": (VIEWS,),
    "variants": (ENSEMBLE,),  # a training has one, which is added below
}
#: Keys that are no part of what a row of a table is.
UNTRACKED_PARAMS = {
    "evidence": "how contrasts of rows are judged",
    "image.store": "where arrays lie, which are known by content",
    "launch": "how processes are started; provenance names their number",
    "report": "what is shown",
    "table1": "the other rows, and published figures",
    "table2": "the other rows, and published figures",
    "train.checkpoint_minutes": "when a state is saved",
    "train.monitor": "what is logged on the way",
    "train.resident": "where images lie",
}


def entering(params: Params, kind: str) -> dict[str, Any]:
    """Return the parameters that enter a kind of stage."""
    others = [key for key, kinds in ENTERS.items() if kind not in kinds]
    return without(params.model_dump(mode="json"), others)


def without(content: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return parameters less some keys, such as ``tta`` and ``train.resident``."""
    kept = {key: value for key, value in content.items() if key not in keys}
    for key in keys:
        section, _, name = key.partition(".")
        if name and section in kept:
            kept[section] = {k: v for k, v in kept[section].items() if k != name}
    return kept


def training_settings(params: Params, variant: str) -> dict[str, Any]:
    """Return the parameters of a training, with the recipe of its variant and those designs that train."""
    return {
        **entering(resolved(params, variant), TRAINING),
        "variant": params.variants[variant].model_dump(mode="json", exclude={"recipe", "designs"}),
        "loss": loss_of(params, variant).model_dump(mode="json"),
        "designs": dumped(designs_of(params, variant)),
    }


def prediction_settings(params: Params, variant: str, kind: str) -> dict[str, Any]:
    """Return the parameters of predictions of a variant, without or with test-time augmentation."""
    return {**entering(params, kind), "designs": dumped(designs_of(params, variant, PREDICTION))}


def settings_files(params: Params) -> dict[str, Any]:
    """Return the content of data/settings, by file."""
    files = {
        "pretrained": params.model_dump(mode="json", include={"image_encoders", "text_encoders"}),
        DESCRIPTION: entering(params, DESCRIPTION),
        ENSEMBLE: {**entering(params, ENSEMBLE), "members": members(params)},
        "report": params.model_dump(mode="json"),
    }
    sizes = {variant: f"{image.size}-{image.fit}" for variant, image in geometries(params).items()}
    files |= {"pixels": sizes, "packing": sorted(set(sizes.values()))}
    files |= {f"encoders/{name}": sizes_of(params, name) for name in params.image_encoders}
    for variant in params.variants:
        saved = dumped(designs_of(params, variant, PREDICTION))  # with the model, for those who use it
        files[f"{TRAINING}/{variant}"] = {**training_settings(params, variant), "saved": saved}
        for kind in (PREDICTING, VIEWS):
            files[f"{kind}/{variant}"] = prediction_settings(params, variant, kind)
    return files


def dumped(designs: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of designs as JSON has them."""
    return {name: settings.model_dump(mode="json") for name, settings in designs.items()}
