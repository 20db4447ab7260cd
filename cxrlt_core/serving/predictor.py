"""A model or an ensemble, ready to be asked about image files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cxrlt_core.batches.transforms import Transforms
from cxrlt_core.designs.ensemble import ensemble
from cxrlt_core.designs.tta import Tta, average_views, contents_of, draw_views
from cxrlt_core.metrics.calibration import Calibration, scale
from cxrlt_core.model.folder import TrainedModel
from cxrlt_core.packing.decode import Geometry
from cxrlt_core.prediction.inference import Scorer, posthoc, prepare
from cxrlt_core.serving.image_files import decoded, find_images
from cxrlt_core.system.device import explain_out_of_memory, upload
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.progress import progress

if TYPE_CHECKING:
    import pandas as pd

#: What looks on: files of a batch, their pixels uint8 (b, 1, H, W), their probabilities (b, C).
Watcher = Callable[[Sequence[Path], np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Predictions:
    """What was found in N image files."""

    paths: list[Path]  # of the files that could be read
    classes: Sequence[str]  # names of the findings
    probabilities: np.ndarray  # float32 (N, C)
    calibration: Calibration  # how to read them
    rejected: dict[Path, str]  # file to the reason why it could not be read

    def table(self) -> "pd.DataFrame":
        """Return a row an image and finding.

        Columns: ``image``, ``finding``, ``probability``, ``calibrated`` (after temperature scaling),
        ``threshold`` (of the probability) and ``present``: yes, no, or nothing without a threshold.
        """
        import pandas as pd

        shape = len(self.paths), len(self.classes)
        columns = {
            "image": np.array([str(path) for path in self.paths], object)[:, None],
            "finding": np.array(self.classes, object),
            "probability": self.probabilities,
            "calibrated": scale(self.probabilities, self.calibration.temperature).astype(np.float32),
            "threshold": self.calibration.thresholds,
            "present": self.calibration.present(self.probabilities),
        }
        return pd.DataFrame({name: np.broadcast_to(x, shape).ravel() for name, x in columns.items()})


@dataclass(frozen=True)
class Predictor:
    """Models whose probabilities are averaged class by class; a model alone is one of one."""

    members: Sequence[TrainedModel]  # M models
    weights: np.ndarray  # of each for each class, float64 (M, C)
    calibration: Calibration  # how to read the probabilities
    tta: Tta  # the random views that the study used; of a model, its transforms in training
    device: torch.device = field(compare=False)  # where the models are

    @property
    def classes(self) -> Sequence[str]:
        """Names of the C findings."""
        return self.members[0].config.classes

    @property
    def geometry(self) -> Geometry:
        """The square that the models see."""
        config = self.members[0].config
        return Geometry(config.image_size, config.image_fit)

    def predict(
        self,
        images: Sequence[Path | str],
        views: int = 0,
        batch_size: int = 64,
        threads: int | None = None,
        watch: Watcher | None = None,
    ) -> Predictions:
        """Predict PNG, JPEG and DICOM files; files that cannot be read are named in the result.

        ``images`` are files, folders and glob patterns. ``views`` random views an image are averaged; 0 is
        the image as it is. They follow from its pixels, so that the result of one image does not depend on
        the others. Threads decode, as many as PyTorch uses if absent; ``watch`` is shown every batch.
        StudyError when there is no such file, or too little memory.
        """
        paths, threads = find_images(images), threads or torch.get_num_threads()
        tta = self.tta.model_copy(update={"views": views})
        rejected: dict[Path, str] = {}
        kept: list[Path] = []
        outputs = [np.zeros((0, len(self.classes)), np.float32)]
        advice = "take a smaller batch size"
        with progress(len(paths), "image", "predict") as bar, explain_out_of_memory(advice):
            images = zip(paths, decoded(paths, self.geometry, threads), strict=True)
            readable = _readable(images, rejected, bar.update)
            while batch := list(islice(readable, batch_size)):
                names, pixels = [path for path, _ in batch], np.stack([image for _, image in batch])[:, None]
                transforms = draw_views(contents_of(pixels), tta) if views else [None]
                outputs.append(self.probabilities(torch.from_numpy(pixels), transforms))
                kept += names
                if watch is not None:
                    watch(names, pixels, outputs[-1])
        return Predictions(kept, self.classes, np.concatenate(outputs), self.calibration, rejected)

    @torch.inference_mode()
    def probabilities(self, images: Tensor, views: Sequence[Transforms | None] = (None,)) -> np.ndarray:
        """Return the mean over the views, weighted over the models; uint8 (b, 1, H, W) to float32 (b, C)."""
        images = upload(images, self.device)
        views = [None if view is None else view.to(self.device) for view in views]
        probabilities = []
        for model in self.members:
            averaged = average_views([Scorer.of(model)(images, view).cpu().numpy() for view in views])
            probabilities.append(posthoc(model.config.design_settings, self.classes, averaged))
        return ensemble(np.stack(probabilities), self.weights).astype(np.float32)

    @torch.inference_mode()
    def attention(self, images: Tensor) -> np.ndarray:
        """Return where the models look for each finding; uint8 (b, 1, H, W) to float32 (b, C, h, w).

        The cells of a map add up to 1. Maps of several models are brought to the finest grid and weighted.
        """
        images = upload(images, self.device)
        maps = [model.network.attention(prepare(images, model.config.pixels)) for model in self.members]
        side = max(attention.shape[-1] for attention in maps)
        total = torch.zeros(())
        for weights, attention in zip(self.weights, maps, strict=True):
            fine = F.interpolate(attention, size=side, mode="bilinear", align_corners=False).cpu()
            share = fine / fine.sum((-2, -1), keepdim=True)
            total = total + torch.from_numpy(weights.astype(np.float32))[:, None, None] * share
        return total.numpy()


def _readable(
    images: Iterable[tuple[Path, np.ndarray | StudyError]], rejected: dict[Path, str], count: Callable
) -> Iterator[tuple[Path, np.ndarray]]:
    """Pass on what could be read, and note what could not."""
    for path, image in images:
        count()
        if isinstance(image, StudyError):
            rejected[path] = str(image)
        else:
            yield path, image
