"""Where the files between stages lie."""

from pathlib import Path

from cxrlt_core.params.schema import Image


def set_path(name: str) -> str:
    """Return where a set lies."""
    return f"data/sets/{name}.parquet"


def text_path(name: str) -> str:
    """Return where the embeddings of a text encoder lie."""
    return f"data/text/{name}.safetensors"


def text_environment_path(name: str) -> str:
    """Return where it is said what computed the embeddings of a text encoder."""
    return f"data/text/{name}.json"


def model_folder(variant: str, seed: int) -> Path:
    """Return where a model lies."""
    return Path("models") / variant / str(seed)


def weights_path(variant: str, seed: int) -> Path:
    """Return where the weights of a model lie."""
    return model_folder(variant, seed) / "model.safetensors"


def trained_path(variant: str) -> str:
    """Return where the models of a variant are named by content; of ``none``, no variant, an empty file."""
    return f"data/trained/{variant}.json"


def pixels_path(variant: str) -> str:
    """Return where the images that a variant sees are named by content."""
    return f"data/pixels/{variant}.json"


def ensemble_folder(row: str, seed: int) -> Path:
    """Return where an ensemble lies that can be used."""
    return Path("ensembles") / row / str(seed)


def dev_path(variant: str, seed: int) -> str:
    """Return where the development predictions without TTA lie."""
    return f"predictions/dev/{variant}/{seed}.parquet"


def metrics_path(variant: str) -> str:
    """Return where the development metrics of a variant lie."""
    return f"metrics/dev/{variant}.json"


def seconds_path(variant: str) -> str:
    """Return where the seconds stand that predicting the development set took; no other number varies."""
    return f"metrics/seconds/{variant}.json"


def tta_path(variant: str, seed: int, split: str) -> str:
    """Return where the predictions with TTA lie; ``split`` is dev or test."""
    return f"predictions/tta/{variant}/{seed}/{split}.parquet"


def ensemble_path(row: str, seed: int) -> str:
    """Return where the test predictions of an ensemble lie."""
    return f"predictions/ensemble/{row}/{seed}.parquet"


def array_path(image: Image, source: str) -> Path:
    """Return where the packed images of a source lie."""
    return Path(image.store) / f"{source}-{geometry_name(image)}.npy"


def index_path(source: str, geometry: str | None = None) -> str:
    """Return where the index of packed images lies: in the study's size and fit, or in another."""
    return (
        f"data/packed/{source}.parquet" if geometry is None else f"data/resized/{source}/{geometry}.parquet"
    )


def geometry_name(image: Image) -> str:
    """Name how images are packed."""
    return f"{image.size}-{image.fit}"


def external_path(name: str, file: str = "set.parquet") -> str:
    """Return where an external set lies, or what belongs to it: counts.json, and indexes by geometry."""
    return f"data/external/{name}/{file}"


def external_predictions(name: str, kind: str, row: str, seed: int) -> str:
    """Return where predictions of an external set lie; ``kind`` is models or ensembles."""
    return f"predictions/external/{name}/{kind}/{row}/{seed}.parquet"


def external_metrics(name: str) -> str:
    """Return where the scores on an external set lie."""
    return f"metrics/external/{name}.json"


def zero_shot_metrics(variant: str) -> str:
    """Return where the scores of classes lie that trainings of a variant did not know."""
    return f"metrics/zero_shot/{variant}.json"


def watched_path(source: str) -> Path:
    """Return where the list of a source's image files lies."""
    return Path(f"data/watched/{source}.parquet")
