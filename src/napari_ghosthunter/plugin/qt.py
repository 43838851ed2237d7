"""Qt's signal, which qtpy has for every Qt binding but tells type checkers of for none."""

from __future__ import annotations

from qtpy.QtCore import Signal  # type: ignore[attr-defined]

__all__ = ["Signal"]
