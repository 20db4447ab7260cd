"""Designs: the tricks of a study, one module each, found by name. docs/add-a-design.md walks through one.

A design is a module of this package. It states

- ``TITLE``, what tables call it, and ``SOURCE``, the paper that it follows;
- ``Settings``, its keys in a variant, and ``cell(settings)``, the text of its cell in a table;
- ``classes(settings)``, where settings name classes: key to names, which are checked before anything trains;
- ``EXCLUDES``, designs that it cannot act together with, and why; ``AFTER`` and ``BEFORE``, those between
  which it acts;
- its hooks: functions with the names of :data:`HOOKS`. A hook gets the design's settings and what it may
  know, and returns what acts; :mod:`cxrlt_core.designs.hooks` has the types. What is not used costs nothing.

A design that a key of its own in params.yaml chooses (the text encoder by ``text``, say) states that key as
``FIELD`` in place of ``Settings``. Every stage reads settings, so torch is imported where a design acts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from cxrlt_core.system.errors import StudyError, reason

#: The hooks in the order in which data meet them, and what each returns.
HOOKS = {
    "training_set": "which images of the training set are shown, and with which labels",
    "order": "the images of an epoch, in the order of their batches",
    "draw": "random numbers of a batch, and images that it is blended with",
    "inputs": "the images that the network sees, from those of the batch and what was drawn",
    "encoder": "the image encoder, from the one that params.yaml names",
    "head": "the network from image tokens to logits, in place of label queries and classifier",
    "classifier": "the last layer, from label features to logits",
    "forward": "how the network is called: several passes, mixed features",
    "class_weights": "the weights of the classes in an epoch",
    "loss": "the loss of a batch, from the loss of its labels",
    "learning_rate": "the learning rate of a parameter, as a factor; 0 freezes it",
    "step": "how gradients become an update",
    "average": "the average of the weights that is kept and saved",
    "probabilities": "predicted probabilities, from those of the network",
    "views": "the views of an image that a prediction averages",
    "combine": "the weights of the models of an ensemble",
}
#: Hooks that only one design of a variant can use: each replaces what is there.
ALONE = ("training_set", "order", "draw", "encoder", "head", "classifier", "forward", "step", "average")
NETWORK = ("encoder", "head", "classifier")
#: What reaches the weights of a model, and what reaches its predictions.
TRAINING = (*list(HOOKS)[: list(HOOKS).index("probabilities")],)
PREDICTION = (*NETWORK, "probabilities")


def names() -> list[str]:
    """Return the names of all designs."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "hooks")


@cache
def find_design(name: str) -> ModuleType:
    """Return the module of a design; StudyError when there is none of that name."""
    if name not in names():
        raise StudyError(f"unknown design {name!r}, expected {', '.join(names())}")
    try:
        module = import_module(f"{__name__}.{name}")
    except Exception as error:  # whatever is wrong in a file of the user's
        raise StudyError(f"cxrlt_core/designs/{name}.py: cannot be imported: {reason(error)}") from None
    if problem := _wrong(module):
        raise StudyError(f"cxrlt_core/designs/{name}.py: {problem}")
    return module


def _wrong(module: ModuleType) -> str | None:
    """Say why a design would not do what it says."""
    acts = any(hasattr(module, hook) for hook in (*TRAINING, "probabilities"))
    if hasattr(module, "Settings") and (not acts or hasattr(module, "views")):
        return f"expected a function named {', '.join(TRAINING)} or probabilities, which variants can use"
    if not isinstance(getattr(module, "EXCLUDES", {}), dict):
        return "EXCLUDES: expected a mapping of names of designs to reasons"
    if any(isinstance(getattr(module, key, ()), str) for key in ("AFTER", "BEFORE")):
        return "AFTER and BEFORE: expected a tuple of names of designs"
    return None


def of_variants() -> list[str]:
    """Return the designs that a variant may name as a key, those with settings."""
    return [name for name in names() if hasattr(find_design(name), "Settings")]


def by_field() -> dict[str, ModuleType]:
    """Return the designs that a key of every variant chooses, by that key."""
    modules = map(find_design, names())
    return {module.FIELD: module for module in modules if hasattr(module, "FIELD")}


def methods() -> list[str]:
    """Return what combines the models of an ensemble: the methods of Table 2."""
    return [name for name in names() if hasattr(find_design(name), "combine")]


def hooks_of(name: str) -> list[str]:
    """Return the hooks that a design uses, in the order of :data:`HOOKS`."""
    return [hook for hook in HOOKS if hasattr(find_design(name), hook)]


def using(designs: Iterable[str], hooks: Collection[str]) -> list[str]:
    """Return those of some designs that use any of some hooks, in the order in which they act."""
    return [name for name in ordered(designs) if set(hooks) & set(hooks_of(name))]


def ordered(designs: Iterable[str]) -> list[str]:
    """Return designs in the order in which they act: by name, but for what they say in AFTER and BEFORE.

    Of designs with one hook the first is the innermost: its images, or its loss, are what the next one gets.
    """
    given = sorted(designs)
    graph = {
        name: {d for d in given if name in _says(d, "BEFORE") or d in _says(name, "AFTER")} for name in given
    }
    try:
        return _by_name(TopologicalSorter(graph))
    except CycleError as error:
        raise StudyError(f"designs {' and '.join(error.args[1][1:])} each act after the other") from None


def _says(name: str, key: str) -> Mapping[str, str]:
    """Return other designs that a design names, and why."""
    named = getattr(find_design(name), key, {})
    return named if isinstance(named, dict) else dict.fromkeys(named, "")


def _by_name(sorter: TopologicalSorter[str]) -> list[str]:
    sorter.prepare()
    result: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        result.append(ready.pop(0))
        sorter.done(result[-1])
    return result


def conflicts(designs: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each two designs that cannot act together."""
    given = sorted(designs)
    for position, first in enumerate(given):
        for second in given[position + 1 :]:
            shared = [h for h in ALONE if h in hooks_of(first) and h in hooks_of(second)]
            reasons = [_says(a, "EXCLUDES").get(b) for a, b in ((first, second), (second, first))]
            reasons += [f"both decide {HOOKS[hook]}" for hook in shared]
            if reason := next(filter(None, reasons), None):
                yield f"{first} and {second} cannot act together: {reason}"


def results(designs: Mapping[str, Any], hook: str, *known: Any) -> list[Any]:
    """Return what a hook of each design that uses it returns, in the order in which they act.

    Args:
        designs: name to settings.
        hook: one of :data:`HOOKS`.
        known: what the hook gets besides the settings.
    """
    return [getattr(find_design(name), hook)(designs[name], *known) for name in using(designs, [hook])]


def result(designs: Mapping[str, Any], hook: str, *known: Any) -> Any | None:
    """Return what the one design that uses a hook returns; None where none does."""
    return next(iter(results(designs, hook, *known)), None)
