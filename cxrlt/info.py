"""Describe a model or an ensemble."""

import argparse
from pathlib import Path

from cxrlt.options import add_model, folder_of
from cxrlt.study import StudyFolder
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.text import number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_model(parser)


def run(options: argparse.Namespace) -> int:
    """Print a line a fact."""
    folder = folder_of(options)
    describe = ensemble_facts if StudyFolder(folder).is_ensemble else model_facts
    for name, value in describe(folder).items():
        print(f"{name:<12}{value}")
    return 0


def model_facts(folder: Path) -> dict[str, str]:
    """Say what a model is; its config.json is read, not its weights."""
    from cxrlt_core.model.folder import model_marks, read_config

    config, study = read_config(folder), StudyFolder(folder)
    mean, deviation = config.pixels
    query = config.query
    thresholds = study.calibration() or (folder / "calibration.json").exists()
    return {
        "model": str(folder),
        "sha256": model_marks(folder)["model.safetensors"],
        "image": f"{config.image_model} on {config.image_size} pixels, other shapes: {config.image_fit}",
        "pixels": f"mean {mean:.4f}, deviation {deviation:.4f}, of 0 to 1",
        "text": config.text,
        "query": f"{query['layers']} layer(s) of width {query['width']}, {query['heads']} heads",
        "designs": ", ".join(config.designs) or "none",
        "precision": config.precision,
        "training": f"drawn images ({', '.join(config.drawn)})" if config.drawn else "real images",
        "findings": f"{len(config.classes)}: {', '.join(config.classes)}",
        "thresholds": "known" if thresholds else "not known",
    } | scores_of(study)


def ensemble_facts(folder: Path) -> dict[str, str]:
    """Say what an ensemble is."""
    from cxrlt_core.serving.ensemble_folder import read_ensemble

    config, study = read_ensemble(folder), StudyFolder(folder)
    facts = {
        "ensemble": str(folder),
        "views": f"{config.tta['views']} of test-time augmentation",
        "temperature": f"{config.calibration['temperature']:.4g}",
        "aggregate": config.aggregate,
        "findings": f"{len(config.classes)}: {', '.join(config.classes)}",
    } | scores_of(study)
    for i, member in enumerate(config.members):
        shares = [config.weights[name][i] for name in config.classes]
        used = sum(share > 0 for share in shares)
        mean = sum(shares) / len(shares)
        facts[f"member {i}"] = f"{member.folder}: weight {mean:.3f} on average, in {used} of {len(shares)}"
    return facts


def scores_of(study: StudyFolder) -> dict[str, str]:
    """Return its mAP in the tables of its study."""
    on, note = "test" if study.is_ensemble else "development", study.note()
    try:
        scores = {
            f"mAP{' TTA' if row.get('TTA') else ''}": (
                f"{number(row['mAP'])} [{number(row['mAP_low'])}, {number(row['mAP_high'])}] on the {on} set"
            )
            for row in study.rows()
        }
    except KeyError as error:
        raise StudyError(f"reports/table*.csv: no column {error}") from None
    return scores | ({"note": note} if scores and note else {})
