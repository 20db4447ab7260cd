"""What a training took, and what computed it."""

from typing import Any

from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.training.loop import Training


def cost(training: Training) -> dict[str, Any]:
    """Say what a finished training took, and where; each epoch shows every image once, primary ones included.

    ``environments`` are those of its steps, in their order: a training that is restored keeps its own.
    """
    images, passes, seconds = len(training.images), training.schedule.passes, training.state.seconds
    return {
        "seconds": round(seconds, 1),
        "device": " and ".join(dict.fromkeys(one["device"] for one in training.state.environments)),
        "processes": training.ranks.size,
        "steps": training.schedule.steps,
        "images": images,
        "passes": int(passes) if passes == int(passes) else round(passes, 2),
        "resident": not isinstance(training.images, StreamedImages),
        "images_per_second": round(images * passes / seconds, 1),
        "peak_memory_mib": training.state.peak_memory,
        "environments": training.state.environments,
    }
