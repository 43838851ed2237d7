"""Exceptions whose message tells a user what is wrong and what to do about it.

Every error that a user can cause derives from `GhostHunterError`; the command line prints its message as
one line and exits with 2, the plugin shows it as a notification. Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class GhostHunterError(Exception):
    """Base of all errors that a user can mend."""


class ScanError(GhostHunterError):
    """A file cannot be opened as a 4D-STEM scan."""


class ScanShapeError(ScanError):
    """The scan shape is missing, ambiguous or does not fit the data.

    Attributes
    ----------
    candidates
        Plausible `(scan_y, scan_x)` shapes, best first, for a dialog or a message; may be empty.
    layouts
        Plausible `(scan_shape, skip_frames, flyback)`, best first: the same shapes, and what to leave out with each.
    patterns
        How many patterns the file keeps in one row; that of the largest candidate if not given.
    stated
        `(scan_y, scan_x)` that the file states although it does not fit; None if it states none.
    """

    def __init__(
        self,
        message: str,
        candidates: tuple[tuple[int, int], ...] = (),
        layouts: tuple[tuple[tuple[int, int], int, int], ...] = (),
        patterns: int = 0,
        stated: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.candidates = candidates
        self.layouts = layouts or tuple((shape, 0, 0) for shape in candidates)
        self.stated = stated
        self.patterns = patterns or max((scan_y * scan_x for scan_y, scan_x in candidates), default=0)


class DatasetError(ScanError):
    """A file holds several arrays (or none) that could be the scan.

    Attributes
    ----------
    candidates
        Names to choose from with `dataset=` or `--dataset`; may be empty.
    shapes
        The shape of each, as far as they are known.
    """

    def __init__(
        self, message: str, candidates: tuple[str, ...] = (), shapes: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        super().__init__(message)
        self.candidates = candidates
        self.shapes = dict(shapes or {})


class ScanIndexError(ScanError, IndexError):
    """A part of a scan was asked for that it does not have."""


class NotAnArrayError(GhostHunterError, TypeError):
    """Something was given to numpy that is no array, but holds some."""


class LabelError(GhostHunterError):
    """Labels are missing, contradictory, outside the scan or of an unknown class."""


class ModelError(GhostHunterError):
    """A model file cannot be read, or a model does not fit what it is asked to do."""


class TrainingError(GhostHunterError):
    """Training cannot start or go on with what it was given."""


class MapError(GhostHunterError):
    """A domain map cannot be read or compared."""


class ClusterError(GhostHunterError):
    """A Dask cluster cannot be reached or started, or its workers cannot do what they are asked to."""


class MissingExtraError(GhostHunterError, ImportError):
    """A package is missing that only one part needs, an extra of the installation."""

    @classmethod
    def of(cls, what: str, extra: str, error: ImportError) -> MissingExtraError:
        """Say what needs an extra, and how to install it, after an import did not succeed.

        Parameters
        ----------
        what
            What a user asked for, the beginning of the sentence.
        extra
            Name of the extra in pyproject.toml.
        error
            What the import raised.
        """
        install = f"pip install 'napari-ghosthunter[{extra}]'"
        if isinstance(error, ModuleNotFoundError):
            return cls(f"{what} needs {error.name}, which is not installed; install it with {install}.")
        told = " ".join(str(error).split())[:160]
        return cls(f"{what} needs a library that cannot be loaded ({told}); install it anew with {install}.")


class SessionError(GhostHunterError):
    """A sitting or a bundle cannot be opened, or gone on with."""


class ScanMovedError(SessionError):
    """The scan of a bundle is not where it was.

    Attributes
    ----------
    path
        Where it was, as the machine that wrote the bundle called it; None for a scan that came from no file.
    """

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class OtherScanError(SessionError):
    """The labels of a sitting or a bundle belong to another scan than the one that is open."""


class OutputError(GhostHunterError):
    """An output cannot be written, or exists already and was not to be overwritten."""
