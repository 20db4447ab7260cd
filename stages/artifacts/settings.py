"""The parameters that a kind of stage depends on: everything, less what is known to be harmless to it.

So a parameter that is new counts until somebody says, here and with a reason, why it does not.
"""

from collections.abc import Iterable
from typing import Any

from cxrlt_core.params.schema import Params

#: Kind of stage to the keys of params.yaml that change nothing there, and why.
HARMLESS: dict[str, dict[str, str]] = {
    "pretrained": {
        "bootstrap": "names no file",
        "compute": "names no file",
        "data": "names no encoder",
        "demo": "makes encoders, which count by content",
        "ensemble": "names no file",
        "evidence": "names no file",
        "image": "names no encoder",
        "launch": "names no file",
        "losses": "name no file",
        "mixup": "names no file",
        "query": "names no file",
        "report": "names no file",
        "reweight": "names no file",
        "study": "names no file",
        "table1": "names no encoder",
        "table2": "names no encoder",
        "train": "names no file",
        "tta": "names no file",
        "variants": "name encoders, used or not",
    },
    "description": {
        "bootstrap": "comes after the data",
        "compute": "comes after the data",
        "data.groups": "reach the page through the file of classes",
        "data.splits": "reach the page through the files of counts",
        "demo.images": "reach the page through the files of counts",
        "demo.seed": "reaches the page through the files of counts",
        "demo.size": "of pixels, which are not described",
        "ensemble": "comes after the data",
        "evidence": "comes after the data",
        "image": "of pixels, which are not described",
        "image_encoders": "come after the data",
        "launch": "how processes are started",
        "losses": "come after the data",
        "mixup": "comes after the data",
        "query": "comes after the data",
        "report.show_images": "there are none on the page",
        "reweight": "comes after the data",
        "study": "comes after the data",
        "table1": "comes after the data",
        "table2": "comes after the data",
        "text_encoders": "come after the data",
        "train": "comes after the data",
        "tta": "comes after the data",
        "variants": "come after the data",
    },
    "training": {
        "bootstrap": "comes after training",
        "compute.batch_size": "of inference",
        "data": "reaches training through the files of its sets",
        "demo": "reaches training through the files of its sets",
        "ensemble": "comes after training",
        "evidence": "comes after training",
        "image_encoders": "reach training through the file that describes them",
        "image.max_rejects": "reaches training through the files of its sets",
        "image.store": "where arrays lie, which are known by content",
        "launch": "how processes are started; their number counts on its own",
        "losses": "a training has one, which counts on its own",
        "report": "comes after training",
        "reweight": "reaches training through the file of its weights",
        "study": "comes after training",
        "table1": "comes after training",
        "table2": "comes after training",
        "text_encoders": "reach training through the file of their embeddings",
        "train.checkpoint_minutes": "when a state is saved",
        "train.monitor": "what is logged on the way",
        "train.resident": "where images lie",
        "train.seeds": "a training has one, which counts on its own",
        "tta": "comes after training",
        "variants": "a training has one, which counts on its own",
    },
    "prediction": {
        "bootstrap": "comes after prediction",
        "data": "reaches prediction through the files of its sets",
        "demo": "reaches prediction through the files of its sets",
        "ensemble": "comes after prediction",
        "evidence": "comes after prediction",
        "image": "reaches prediction through models and sets",
        "image_encoders": "reach prediction through models",
        "launch": "how processes are started",
        "losses": "reach prediction through models",
        "mixup": "reaches prediction through models",
        "query": "reaches prediction through models",
        "report": "comes after prediction",
        "reweight": "reaches prediction through models",
        "study": "enters where predictions are scored, and counts there on its own",
        "table1": "comes after prediction",
        "table2": "comes after prediction",
        "text_encoders": "reach prediction through models",
        "train": "reaches prediction through models; precision and seeds count on their own",
        "tta": "of a stage of its own, and counts there on its own",
        "variants": "reach prediction through models",
    },
    "ensemble": {
        "compute.batch_size": "of inference",
        "data": "reaches ensembles through the files of its sets",
        "demo": "reaches ensembles through the files of its sets",
        "image": "reaches ensembles through predictions",
        "image_encoders": "reach ensembles through predictions",
        "launch": "how processes are started",
        "losses": "reach ensembles through predictions",
        "mixup": "reaches ensembles through predictions",
        "query": "reaches ensembles through predictions",
        "report": "comes after ensembles",
        "reweight": "reaches ensembles through predictions",
        "table1": "names the members where nobody else does; they count on their own",
        "text_encoders": "reach ensembles through predictions",
        "train": "reaches ensembles through predictions; seeds count on their own",
        "tta": "reaches ensembles through predictions",
    },
    "row": {  # of a table, for its record
        "evidence": "how contrasts of rows are judged",
        "image.store": "where arrays lie, which are known by content",
        "launch": "how processes are started; provenance names their number",
        "report": "what is shown",
        "table1": "the other rows, and published figures",
        "table2": "the other rows, and published figures",
        "train.checkpoint_minutes": "when a state is saved",
        "train.monitor": "what is logged on the way",
        "train.resident": "where images lie",
    },
    "report": {},
}
HARMLESS["tta"] = {key: why for key, why in HARMLESS["prediction"].items() if key != "tta"}


def settings_of(params: Params, kind: str) -> dict[str, Any]:
    """Return the parameters that a kind of stage depends on."""
    content = without(params.model_dump(mode="json"), HARMLESS[kind])
    return {**content, "members": params.members} if kind == "ensemble" else content


def without(content: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return parameters less some keys, such as ``tta`` and ``train.resident``."""
    kept = dict(content)
    for key in keys:
        section, _, name = key.partition(".")
        if name:
            kept[section] = {k: v for k, v in kept[section].items() if k != name}
        else:
            del kept[section]
    return kept
