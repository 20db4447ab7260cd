"""What defines a training run, and what it took."""

from cxrlt_core.batches.images import Images
from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.params.schema import Params
from cxrlt_core.system.device import describe_device
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.schedule import Schedule
from cxrlt_core.training.state import State
from stages.artifacts.border import file_hash, loaded_code
from stages.artifacts.sets import set_path

#: Settings that change where and when, but no number: a run may go on under others.
NO_NUMBERS = {"train": {"resident", "checkpoint_minutes", "seeds"}, "compute": {"batch_size"}}


def cost(state: State, schedule: Schedule, images: Images, ranks: Ranks) -> dict:
    """Say what a finished training took; each epoch shows every image once, the primary ones included."""
    passes = schedule.passes
    return {
        "seconds": round(state.seconds, 1),
        "device": describe_device(ranks.device),
        "processes": ranks.size,
        "steps": schedule.steps,
        "images": len(images),
        "passes": int(passes) if passes == int(passes) else round(passes, 2),
        "resident": not isinstance(images, StreamedImages),
        "images_per_second": round(len(images) * passes / state.seconds, 1),
        "peak_memory_mib": state.peak_memory,
    }


def definition(params: Params, name: str, seed: int) -> dict:
    """Name all that decides how a training goes, so that only the same training is resumed."""
    variant = params.variants[name]
    files = [
        set_path(f"train_{variant.data}"),
        f"data/text/{variant.text}.safetensors",
        f"weights/{variant.weights}.json",
    ]
    sections = params.model_dump(include={"train", "mixup", "query", "compute", "image"}, exclude=NO_NUMBERS)
    encoder = params.image_encoders[variant.image].model_dump()
    loss = params.loss_of(name).model_dump()
    hashes = [file_hash(file) for file in files + loaded_code()]
    return {
        "seed": seed,
        "variant": variant.model_dump(),
        **sections,
        "loss": loss,
        "encoder": encoder,
        "files": hashes,
    }
