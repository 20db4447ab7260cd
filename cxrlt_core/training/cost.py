"""What a training took."""

from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.system.device import describe_device
from cxrlt_core.training.loop import Training


def cost(training: Training) -> dict[str, str | int | float | bool]:
    """Say what a finished training took; each epoch shows every image once, the primary ones included."""
    images, passes, seconds = len(training.images), training.schedule.passes, training.state.seconds
    return {
        "seconds": round(seconds, 1),
        "device": describe_device(training.ranks.device),
        "processes": training.ranks.size,
        "steps": training.schedule.steps,
        "images": images,
        "passes": int(passes) if passes == int(passes) else round(passes, 2),
        "resident": not isinstance(training.images, StreamedImages),
        "images_per_second": round(images * passes / seconds, 1),
        "peak_memory_mib": training.state.peak_memory,
    }
