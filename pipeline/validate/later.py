"""Modules that a library loads at its start and hardly ever uses, loaded when they are used.

What stands in for one is no stub: the first name asked of it loads the module itself. So nothing a library answers
can change, and one that comes to need the module at its start only starts as slowly as before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


class _Later(ModuleType):
    """A module that is not loaded yet, in the hands of whoever imported it meanwhile."""

    def __getattr__(self, name: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def later(*names: str) -> Iterator[None]:
    """What is imported inside gets the named modules unloaded; outside everybody gets the modules themselves."""
    standing = {name: _Later(name) for name in names if name not in sys.modules}
    sys.modules.update(standing)
    try:
        yield
    finally:
        for name, module in standing.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
