"""The parameters that a stage depends on, as files: of each key it is said where it enters.

What is not in the table enters everywhere: so a parameter that is new counts until somebody says otherwise.
"""

from collections.abc import Collection
from typing import Any

from cxrlt_core.designs import PREDICTION
from cxrlt_core.params.schema import Params
from cxrlt_core.study.recipes import geometries, resolved
from cxrlt_core.study.variants import (
    designs_of,
    drawn_sources,
    loss_of,
    members,
    sizes_of,
)

# Kinds of stages, by the names of their files in data/settings/.
ATTENTION, DESCRIPTION, DRAWING, ENSEMBLE = "attention", "description", "synthesize", "ensemble"
EVALUATION, EXTERNAL, REWEIGHTING, SPLITTING = "evaluation", "external", "reweight", "split"
STANDINS, TRAINING, VIEWS, ZERO_SHOT = "synthesize_text", "training", "tta", "zero_shot"
OF_THE_STUDY = (DESCRIPTION, DRAWING, REWEIGHTING, SPLITTING, STANDINS)  # one stage each, and no more in it
RUNNING = (ATTENTION, ENSEMBLE, EVALUATION, EXTERNAL, TRAINING, VIEWS, ZERO_SHOT)
BY_FILES = ()  # through the files that another stage makes of it, and through nothing else

#: Key of params.yaml to the kinds of stages that it enters by itself. The report depends on all of them.
ENTERS: dict[str, tuple[str, ...]] = {
    "bootstrap": (ENSEMBLE, EXTERNAL, ZERO_SHOT),
    "bootstrap.level": (ATTENTION, ENSEMBLE, EXTERNAL, ZERO_SHOT),
    "compute": RUNNING,
    "compute.batch_size": (ATTENTION, EVALUATION, EXTERNAL, VIEWS, ZERO_SHOT),
    "data": (DESCRIPTION,),
    "data.external": BY_FILES,  # each by its own
    "data.extra": (DESCRIPTION, EXTERNAL, SPLITTING),
    "data.groups": (SPLITTING,),
    "data.leaks": (DESCRIPTION, SPLITTING),
    "data.primary": (ATTENTION, DESCRIPTION, EXTERNAL, SPLITTING),
    "data.splits": (SPLITTING,),
    "demo": (ATTENTION, DESCRIPTION),
    "demo.images": (ATTENTION, DRAWING),
    "demo.seed": (ATTENTION, DRAWING, STANDINS),
    "demo.size": (ATTENTION, DRAWING),
    "designs": BY_FILES,  # a variant has those that it names
    "ensemble": (ENSEMBLE,),
    "evidence": (ENSEMBLE,),
    "evidence.looks": (),
    "evidence.margin": (),
    "evidence.min_positives": (ENSEMBLE, ZERO_SHOT),
    "image": (TRAINING,),
    "image.max_rejects": BY_FILES,
    "image.store": BY_FILES,  # where arrays lie, which are known by content
    "image_encoders": BY_FILES,
    "label_space": BY_FILES,  # which have its classes
    "label_space.normal": (ATTENTION,),
    "launch": (),  # how processes are started; their number counts on its own
    "losses": BY_FILES,  # a training has one, which is added below
    "query": (TRAINING,),
    "recipes": BY_FILES,  # a variant has one, which is applied
    "report": (DESCRIPTION,),
    "report.show_images": (),
    "reweight": (REWEIGHTING,),
    "reweight.base": (ATTENTION, REWEIGHTING),
    "reweight.more": BY_FILES,
    "seen": (),  # the report counts it
    "study": (ENSEMBLE, EVALUATION, EXTERNAL, ZERO_SHOT),
    "table1": (),
    "table2": (ENSEMBLE, EXTERNAL),
    "text_encoders": BY_FILES,
    "train": (TRAINING,),
    "train.checkpoint_minutes": (),
    "train.monitor": (),
    "train.resident": (),
    # a training has one, which counts on its own
    "train.seeds": (ATTENTION, ENSEMBLE, EVALUATION, EXTERNAL, VIEWS),
    "tta": (EXTERNAL, VIEWS),
    "variants": (ENSEMBLE, EXTERNAL),  # a training has one, which is added below
    "zero_shot": BY_FILES,  # each by its own
}
#: Keys that are no part of what a row of a table is.
UNTRACKED_PARAMS = {
    "data.external": "other sets that the row is scored on",
    "evidence": "how contrasts of rows are judged",
    "image.store": "where arrays lie, which are known by content",
    "launch": "how processes are started; provenance names their number",
    "report": "what is shown",
    "seen": "what encoders have seen of the test set",
    "table1": "the other rows, and published figures",
    "table2": "the other rows, and published figures",
    "train.checkpoint_minutes": "when a state is saved",
    "train.monitor": "what is logged on the way",
    "train.resident": "where images lie",
    "zero_shot": "trainings of their own, of which no row is made",
}


def entering(params: Params, kind: str) -> dict[str, Any]:
    """Return the parameters that enter a kind of stage."""
    content: dict[str, Any] = {}
    for section, values in params.model_dump(mode="json").items():
        if any(key.startswith(f"{section}.") for key in ENTERS):
            values = {name: value for name, value in values.items() if enters(f"{section}.{name}", kind)}
            content |= {section: values} if values else {}
        elif enters(section, kind):
            content[section] = values
    return content


def enters(key: str, kind: str) -> bool:
    """Whether a key enters a kind of stages: by what the table says of it, or else of its section."""
    section = key.partition(".")[0]
    return kind in ENTERS.get(key, ENTERS.get(section, (kind,)))


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
    """Return the content of data/settings, by file; ``params`` is all that is, and what stages read."""
    files = {
        "params": params.model_dump(mode="json"),
        "pretrained": params.model_dump(mode="json", include={"image_encoders", "text_encoders"}),
        ENSEMBLE: {**entering(params, ENSEMBLE), "members": members(params)},
        **{kind: entering(params, kind) for kind in OF_THE_STUDY},
        **_of_entries(params),
    }
    files["pixels"] = {name: f"{image.size}-{image.fit}" for name, image in geometries(params).items()}
    for variant in params.variants:
        own = {
            "seeds": params.train.seeds,
            "saved": dumped(designs_of(params, variant, PREDICTION)),  # with the model, for those who use it
            "drawn": drawn_sources(params, variant),  # with the model, too
        }
        files[f"{TRAINING}/{variant}"] = {**training_settings(params, variant), **own}
        for kind in (EVALUATION, VIEWS):
            files[f"{kind}/{variant}"] = prediction_settings(params, variant, kind)
    files[ATTENTION] = prediction_settings(params, params.reweight.base, ATTENTION)
    return files


def _of_entries(params: Params) -> dict[str, Any]:
    """Return what stages depend on that make something of one entry of params.yaml, by file."""
    files: dict[str, Any] = {}
    sizes = sorted({f"{image.size}-{image.fit}" for image in geometries(params).values()})
    space = params.label_space.model_dump(mode="json", exclude={"counts", "groups", "title", "unseen"})
    for name, source in params.data.sources.items():
        entry = source.model_dump(mode="json")
        files[f"labels/{name}"] = {**without(entry, ["images"]), "label_space": space}
        packed = {"image": params.image.model_dump(mode="json"), "images": source.images, "sizes": sizes}
        files[f"packing/{name}"] = packed
    for name, external in params.data.external.items():
        entry = external.model_dump(mode="json", exclude={"human", "published"})
        pixels = {"image": params.image.model_dump(mode="json"), "sizes": sizes}
        files[f"external_images/{name}"] = {**entry, **pixels, "label_space": space}
        told = {"hospital": external.hospital, "human": external.human}
        files[f"{EXTERNAL}/{name}"] = {**entering(params, EXTERNAL), **told}
    relations = {"aliases", "normal", "relations"}
    for name, hidden in params.zero_shot.items():
        files[f"{ZERO_SHOT}/{name}"] = {
            **training_settings(params, name),
            **entering(params, ZERO_SHOT),
            "folds": hidden.folds,
            "label_space": params.label_space.model_dump(mode="json", include=relations),
            "saved": dumped(designs_of(params, name, PREDICTION)),
            "seed": params.train.seeds[0],
        }
    for name, text in params.text_encoders.items():
        files[f"text/{name}"] = {**text.model_dump(mode="json"), "labels": params.label_space.classes}
    for name, image in params.image_encoders.items():
        built = {"size": params.image.size, "sizes": sizes_of(params, name)}
        files[f"encoders/{name}"] = {**image.model_dump(mode="json"), **built}
    for name, rule in params.reweight.more.items():
        files[f"{REWEIGHTING}/{name}"] = {**rule.model_dump(mode="json"), "base": params.reweight.base}
    return files


def dumped(designs: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of designs as JSON has them."""
    return {name: settings.model_dump(mode="json") for name, settings in designs.items()}
