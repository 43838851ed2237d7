"""Versions of this package and of what decides its results, for the files that it writes."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

PACKAGES = ("napari-ghosthunter", "numpy", "torch")


@cache
def versions() -> dict[str, str]:
    """Installed versions by package name."""
    return {name: version(name) for name in PACKAGES}
