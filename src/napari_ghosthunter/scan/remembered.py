"""What was measured of a scan, kept while somebody works on it, so that no two stages read the same patterns for it.

Nothing is kept unless it is asked for: the array of a scan from memory may be changed by its owner between two uses.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from napari_ghosthunter.scan.scan import Scan

_T = TypeVar("_T")
_KEPT: WeakKeyDictionary[Scan, dict[Hashable, Any]] = WeakKeyDictionary()


def remember(scan: Scan) -> None:
    """Keep from now on what `once` measures of a scan, as long as the scan lives or until `forget`."""
    _KEPT.setdefault(scan, {})


def forget(scan: Scan) -> None:
    """Drop what is kept of a scan; it is measured anew by whoever asks next."""
    _KEPT.pop(scan, None)


def once(scan: Scan, what: Hashable, measure: Callable[[], _T]) -> _T:
    """Give what `measure` makes of a scan, or made when it was called for the same `what` since `remember`."""
    kept = _KEPT.get(scan)
    if kept is None:
        return measure()
    if what not in kept:
        kept[what] = measure()
    found: _T = kept[what]
    return found
