"""A model or an ensemble, ready to be asked about image files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from cxrlt_core.packing.decoder import decoder
from cxrlt_core.prediction.inference import Scorer, posthoc, prepare
from cxrlt_core.serving.image_files import decoded, find_images
from cxrlt_core.system.device import explain_out_of_memory, upload
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.progress import progress

if TYPE_CHECKING:
    import pandas as pd

#: What must stand beside numbers of models that have seen images of the demo.
DRAWN = "trained on drawn images ({}): says nothing about patients"

#: The same of a label without training, and of how much of it the trained ones express.
ZERO_SHOT = "{} is zero-shot: never trained on, trained labels express {:.0%} of its name (‖c‖² {:.4f})"

#: How a cell starts that a spreadsheet takes for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: What looks on: files of a batch, their pixels in each geometry uint8 (b, 1, H, W), probabilities (b, C).
Watcher = Callable[[Sequence[Path], Sequence[np.ndarray], np.ndarray], None]


@dataclass(frozen=True)
class Predictions:
    """What was found in N image files."""

    paths: list[Path]  # of the files that could be read
    classes: Sequence[str]  # names of the findings
    probabilities: np.ndarray  # float32 (N, C)
    calibration: Calibration  # how to read them
    rejected: dict[Path, str]  # file to the reason why it could not be read
    note: str  # that must stand beside every number; empty if nothing must
    zero_shot: Mapping[str, float] = field(default_factory=dict)  # as of the :class:`Predictor`

    def table(self) -> "pd.DataFrame":
        """Return a row an image and finding.

        Columns: ``image``, ``finding``, ``probability``, ``calibrated`` (after temperature scaling),
        ``threshold`` (of the probability) and ``present``: yes, no, or nothing without a threshold; where
        labels are zero-shot ``zero_shot``, their ‖c‖², and nothing of the others; and ``note``, if there is
        one.
        """
        import pandas as pd

        shape = len(self.paths), len(self.classes)
        shares = np.array([self.zero_shot.get(name, np.nan) for name in self.classes])
        scaled = scale(self.probabilities, self.calibration.temperature).astype(np.float32)
        columns = {
            "image": np.array(list(map(_spelt, self.paths)), object)[:, None],
            "finding": np.array(self.classes, object),
            "probability": self.probabilities,
            "calibrated": np.where(np.isnan(shares), scaled, np.float32(np.nan)),
            "threshold": self.calibration.thresholds,
            "present": self.calibration.present(self.probabilities),
        }
        columns |= {"zero_shot": shares} if self.zero_shot else {}
        columns |= {"note": self.note} if self.note else {}
        return pd.DataFrame({name: np.broadcast_to(x, shape).ravel() for name, x in columns.items()})

    def wide(self) -> "pd.DataFrame":
        """Return a row an image: ``image``, the probability of each class, and ``note``, if there is one.

        The column of a zero-shot label says so: ``hiatal hernia (zero-shot)``.
        """
        import pandas as pd

        names = [f"{name} (zero-shot)" if name in self.zero_shot else name for name in self.classes]
        table = pd.DataFrame(self.probabilities, columns=names)
        table.insert(0, "image", list(map(_spelt, self.paths)))
        return table.assign(note=self.note) if self.note else table


@dataclass(frozen=True)
class Predictor:
    """Models whose probabilities are averaged class by class; a model alone is one of one."""

    members: Sequence[TrainedModel]  # M models
    weights: np.ndarray  # of each for each class, float64 (M, C)
    calibration: Calibration  # how to read the probabilities
    tta: Tta  # the random views that the study used; of a model, its transforms in training
    device: torch.device = field(compare=False)  # where the models are
    # labels that the model was never trained on, to the share of each that the trained ones express, ‖c‖²
    zero_shot: Mapping[str, float] = field(default_factory=dict)

    @property
    def classes(self) -> Sequence[str]:
        """Names of the C findings."""
        return self.members[0].config.classes

    @property
    def note(self) -> str:
        """What must stand beside every number, of drawings and zero-shot labels; empty if nothing must."""
        drawn = dict.fromkeys(name for member in self.members for name in member.config.drawn)
        notes = [DRAWN.format(", ".join(drawn))] if drawn else []
        return "; ".join([*notes, *self.zero_shot_notes])

    @property
    def zero_shot_notes(self) -> list[str]:
        """What must be said of each zero-shot label."""
        return [ZERO_SHOT.format(name, share, share) for name, share in self.zero_shot.items()]

    @property
    def geometries(self) -> list[Geometry]:
        """The squares that the models see, each once."""
        return list(dict.fromkeys(map(geometry_of, self.members)))

    @property
    def other_decoders(self) -> list[str]:
        """What decoded the images of the study, and what does here, for each that is another one."""
        marks = {model.config.decoder for model in self.members} - {None, decoder()}
        return [f"{mark}; here {decoder()}" for mark in sorted(marks)]

    def predict(
        self,
        images: Sequence[Path | str],
        views: int = 0,
        batch_size: int = 64,
        threads: int | None = None,
        watch: Watcher | None = None,
    ) -> Predictions:
        """Predict the PNG, JPEG and DICOM files that files, folders and glob patterns name, each file once.

        The rest as in :meth:`predict_files`; StudyError, too, when there is no such file.
        """
        return self.predict_files(find_images(images), views, batch_size, threads, watch)

    def predict_files(
        self,
        paths: Sequence[Path],
        views: int = 0,
        batch_size: int = 64,
        threads: int | None = None,
        watch: Watcher | None = None,
    ) -> Predictions:
        """Predict files, in their order; those that cannot be read are named in the result.

        ``views`` random views an image are averaged; 0 is the image as it is. They follow from its pixels,
        so that the result of one image does not depend on the others. Threads decode, as many as PyTorch
        uses if absent; ``watch`` is shown every batch. StudyError when there is too little memory.
        """
        threads = threads or torch.get_num_threads()
        tta = self.tta.model_copy(update={"views": views})
        rejected: dict[Path, str] = {}
        kept: list[Path] = []
        outputs = [np.zeros((0, len(self.classes)), np.float32)]
        advice = "take a smaller batch size"
        with progress(len(paths), "image", "predict") as bar, explain_out_of_memory(advice):
            squares = zip(*(decoded(paths, geometry, threads) for geometry in self.geometries), strict=True)
            readable = _readable(zip(paths, squares, strict=True), rejected, bar.update)
            while batch := list(islice(readable, batch_size)):
                names = [path for path, _ in batch]
                pixels = [np.stack(images)[:, None] for images in zip(*(i for _, i in batch), strict=True)]
                drawn = [draw_views(contents_of(images), tta) if views else [None] for images in pixels]
                outputs.append(self.probabilities(list(map(torch.from_numpy, pixels)), drawn))
                kept += names
                if watch is not None:
                    watch(names, pixels, outputs[-1])
        probabilities = np.concatenate(outputs)
        read = self.calibration, rejected, self.note, self.zero_shot
        return Predictions(kept, self.classes, probabilities, *read)

    @torch.inference_mode()
    def probabilities(
        self, images: Sequence[Tensor], views: Sequence[Sequence[Transforms | None]] | None = None
    ) -> np.ndarray:
        """Return the mean over the views, weighted over the models, float32 (b, C).

        ``images`` are the same in each of :attr:`geometries`, uint8 (b, 1, H, W); so are their views.
        """
        views = views or [[None]] * len(images)
        images = [upload(pixels, self.device) for pixels in images]
        views = [[view and view.to(self.device) for view in drawn] for drawn in views]
        probabilities = []
        for model in self.members:
            number, scorer = self.geometries.index(geometry_of(model)), Scorer.of(model)
            averaged = average_views([scorer(images[number], view).cpu().numpy() for view in views[number]])
            probabilities.append(posthoc(model.config.design_settings, self.classes, averaged))
        return ensemble(np.stack(probabilities), self.weights).astype(np.float32)

    @torch.inference_mode()
    def attention(self, images: Sequence[Tensor]) -> np.ndarray:
        """Return where the models look for each finding, float32 (b, C, h, w); images as in probabilities.

        The cells of a map add up to 1. Maps of several models are brought to the finest grid and weighted.
        """
        maps = []
        for model in self.members:
            pixels = upload(images[self.geometries.index(geometry_of(model))], self.device)
            maps.append(model.network.attention(prepare(pixels, model.config.pixels)))
        side = max(attention.shape[-1] for attention in maps)
        total = torch.zeros(())
        for weights, attention in zip(self.weights, maps, strict=True):
            fine = F.interpolate(attention, size=side, mode="bilinear", align_corners=False).cpu()
            share = fine / fine.sum((-2, -1), keepdim=True)
            total = total + torch.from_numpy(weights.astype(np.float32))[:, None, None] * share
        return total.numpy()


def geometry_of(model: TrainedModel) -> Geometry:
    """Return the square that a model sees."""
    return Geometry(model.config.image_size, model.config.image_fit)


def _spelt(path: Path) -> str:
    """Return the name of a file that no spreadsheet takes for a formula: ``./=1.png`` is ``=1.png``."""
    name = str(path)
    return f"./{name}" if name.startswith(FORMULA) else name


Squares = tuple[np.ndarray | StudyError, ...]


def _readable(
    images: Iterable[tuple[Path, Squares]], rejected: dict[Path, str], count: Callable
) -> Iterator[tuple[Path, Squares]]:
    """Pass on what could be read, and note what could not."""
    for path, squares in images:
        count()
        if isinstance(squares[0], StudyError):
            rejected[path] = str(squares[0])
        else:
            yield path, squares
