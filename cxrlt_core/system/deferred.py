"""Packages whose own code waits until something in them is used.

``import torchvision.ops.misc`` first runs ``torchvision`` and ``torchvision.ops``: every data set, network
and operator, and the compiler, a second of CPU for one small class. A deferred package has its place, so that
its submodules are found, and runs once it is asked for anything that it lacks. Nothing is replaced: what runs
then is the package itself, in place. (``importlib.util.LazyLoader`` does so for modules; a package it wakes
as soon as a submodule is imported.)
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType


class _Deferred(ModuleType):
    """A package that is found but has not run."""

    def __getattribute__(self, name: str) -> object:
        """Run the package if all that it holds is asked for, as ``dir`` and ``vars`` do."""
        if name == "__dict__":
            wake(self)
        return ModuleType.__getattribute__(self, name)  # it is a plain module by now

    def __getattr__(self, name: str) -> object:
        """Run the package if it lacks what is asked for."""
        wake(self)
        return getattr(self, name)


def defer(*packages: str) -> None:
    """Let packages wait until something in them is used; those loaded already, or not installed, are left.

    A package that is imported for a side effect alone stays asleep, so defer none of that kind.

    Args:
        packages: their names, an outer one before an inner one.
    """
    for package in packages:
        outer, _, name = package.rpartition(".")
        if package in sys.modules or (outer and outer not in sys.modules):
            continue
        spec = PathFinder.find_spec(package, sys.modules[outer].__path__ if outer else None)
        if spec is None:
            continue
        sys.modules[package] = module = module_from_spec(spec)
        module.__class__ = _Deferred
        if outer:
            setattr(sys.modules[outer], name, module)


def wake(module: ModuleType) -> None:
    """Turn a deferred package into what its import would have made; it stays deferred if that fails."""
    if type(module) is not _Deferred:
        return
    module.__class__ = ModuleType
    try:
        module.__spec__.loader.exec_module(module)
    except BaseException:
        module.__class__ = _Deferred
        raise
