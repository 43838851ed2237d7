"""A sitting as one file to keep or to send: labels, classes, points, choices, model, map, and which scan they are of.

The file (.ghosthunter) is a zip file of plain formats: JSON, CSV, safetensors and NumPy. Reading takes only the members
that it knows by name, each up to a limit, and unpickles nothing, so that a file from a stranger can do no harm.
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_ghosthunter.errors import GhostHunterError, LabelError, OutputError, SessionError
from napari_ghosthunter.files import check_outputs, whole_file
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labelfiles import read_labels, write_labels
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.mapping.mapfile import MAP_SUFFIX, PROBABILITIES_SUFFIX
from napari_ghosthunter.session.earlier import Earlier, chosen
from napari_ghosthunter.session.scanref import ScanReference, find_scan, reference_to
from napari_ghosthunter.session.session import Session
from napari_ghosthunter.versions import versions

if TYPE_CHECKING:
    from napari_ghosthunter.scan.scan import Scan

FORMAT = 1
STATE, LABELS, MODEL, MAP = "session.json", "labels.csv", "model.safetensors", "map"
MAP_FILES = (MAP + MAP_SUFFIX, MAP + PROBABILITIES_SUFFIX)
MIB = 2**20
LIMITS = {STATE: 64 * MIB, LABELS: 64 * MIB, MODEL: 1024 * MIB, MAP_FILES[0]: 64 * MIB, MAP_FILES[1]: 4096 * MIB}


class _State(BaseModel):
    """The JSON of a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    scan: ScanReference
    classes: ClassScheme
    points: tuple[tuple[int, int, str], ...]
    training: dict[str, Any]
    patterns: dict[str, Any]
    versions: dict[str, str]


def save_bundle(session: Session, path: Path | str, *, overwrite: bool = False) -> None:
    """Write a session to one file, whole or not at all.

    The scan is not in it, only where it is and its fingerprint; neither is the undo history.

    Parameters
    ----------
    session
        The session; a training or a map that is under way goes in as far as it got.
    path
        The file, usually named *.ghosthunter.
    overwrite
        Replace a file that is there.

    Raises
    ------
    OutputError
        If the file exists and `overwrite` is false, or cannot be written.
    """
    path = Path(path)
    check_outputs([path], overwrite=overwrite)
    labels = session.labels
    state = _State(
        format=FORMAT,
        scan=reference_to(session.scan, session.fingerprint),
        classes=labels.classes,
        points=tuple((y, x, reason) for (y, x), reason in labels.points.items()),
        training=session.training_config.model_dump(mode="json"),
        patterns=session.pattern_config.model_dump(mode="json"),
        versions=versions(),
    )
    try:
        with tempfile.TemporaryDirectory(prefix="ghosthunter-") as name:
            folder = Path(name)
            (folder / STATE).write_text(state.model_dump_json(indent=2), encoding="utf-8", newline="")
            write_labels(folder / LABELS, labels)
            if session.model is not None:
                from napari_ghosthunter.learning.modelfile import save_model

                save_model(session.model, folder / MODEL)
            if session.domain_map is not None:
                from napari_ghosthunter.mapping.export import save_map

                save_map(session.domain_map, folder, MAP, figure=False)
            with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as bundle:
                for member in LIMITS:
                    if (folder / member).exists():  # weights hardly get smaller, and take long to try
                        how = zipfile.ZIP_STORED if member == MODEL else zipfile.ZIP_DEFLATED
                        bundle.write(folder / member, member, how)
    except OSError as error:  # no room for what goes into it, or no folder for that
        raise OutputError(f"Cannot write {path}: {error.strerror or error}.") from error


def open_bundle(
    path: Path | str,
    *,
    scan: Scan | None = None,
    scan_path: Path | str | None = None,
    force: bool = False,
    data_folder: Path | str | None = None,
) -> Session:
    """Read a bundle, open its scan, and start a sitting with what it holds.

    The scan is looked for where it was, and beside the bundle.

    Parameters
    ----------
    path
        The bundle.
    scan
        The scan, if it is open already, or came from no file.
    scan_path
        Where the scan is now.
    force
        Take a scan that is not the one of the bundle; it must have room for all labels.
    data_folder
        Where sittings are kept; the user's data folder by default.

    Returns
    -------
    Session
        Kept on disk from its first edit on, as a new sitting. Its `notes` say what of the bundle could not be read.

    Raises
    ------
    ScanMovedError
        If the scan is not found; ask the user, and call again with `scan_path`.
    OtherScanError
        If the scan is another one; ask the user, and call again with `force`.
    SessionError
        If the file is no bundle, is damaged, or a newer version wrote it.
    ScanError
        If the scan cannot be opened.
    LabelError
        If labels lie outside a scan that was forced.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix="ghosthunter-") as name:
        folder = Path(name)
        _unpack(path, folder)
        state = _read_state(path, folder)
        found, notes = find_scan(state.scan, path, scan, scan_path, force=force)
        try:
            labels, _ = read_labels(folder / LABELS)
        except LabelError as error:
            raise SessionError(f"{path} is damaged: its {LABELS} cannot be read.") from error
        points = {(y, x): reason for y, x, reason in state.points}
        given = LabelSet(state.classes, found.scan_shape, labels, points)
        earlier = _earlier(state, folder, found)
        earlier = replace(earlier, notes=(*notes, *earlier.notes))
        return Session.start(found, given, earlier, data_folder=data_folder)


def _unpack(path: Path, folder: Path) -> None:
    """Copy the members that are known, and nothing else, to files of their names in `folder`."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise SessionError(f"Cannot read {path}: it is a folder, a pipe or a device, not a file.")
    try:
        with zipfile.ZipFile(path) as bundle:
            present = set(bundle.namelist())
            if not {STATE, LABELS} <= present:
                raise SessionError(f"{path} is not a bundle of napari-ghosthunter: it lacks {STATE} or {LABELS}.")
            for member, limit in LIMITS.items():
                if member in present:
                    _copy(bundle, member, folder / member, limit)
    except OSError as error:
        raise SessionError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # the last two stand for what Python cannot unpack, and for a password
        raise SessionError(f"{path} is not a bundle of napari-ghosthunter, or is damaged: {error}.") from error


def _copy(bundle: zipfile.ZipFile, member: str, target: Path, limit: int) -> None:
    """Copy one member; what a zip file says of its sizes need not be true."""
    left = limit
    if bundle.getinfo(member).compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise SessionError(f"{bundle.filename} is not a bundle of napari-ghosthunter: {member} is packed another way.")
    with bundle.open(member) as source, target.open("wb") as copy:
        while part := source.read(MIB):
            left -= len(part)
            if left < 0:
                raise SessionError(f"{bundle.filename} is not read: its {member} is larger than {limit // MIB} MiB.")
            copy.write(part)


def _read_state(path: Path, folder: Path) -> _State:
    """Read the JSON, its version first: a newer file may have fields that this one cannot know."""
    text = (folder / STATE).read_bytes()
    try:
        version = _Version.model_validate_json(text).format
        if version > FORMAT:
            raise SessionError(f"{path} was written by a newer napari-ghosthunter; update to read it.")
        return _State.model_validate_json(text)
    except (ValidationError, GhostHunterError) as error:
        if isinstance(error, SessionError):
            raise
        raise SessionError(f"{path} is damaged: its {STATE} cannot be read.") from error


class _Version(BaseModel):
    """What the JSON of every version has."""

    format: int


def _earlier(state: _State, folder: Path, scan: Scan) -> Earlier:
    """Read choices, model and map; what cannot be read is left out, and said in the notes."""
    notes: list[str] = []
    training, patterns = chosen(state.training, state.patterns, notes)
    model = domain_map = None
    try:
        if (folder / MODEL).exists():
            from napari_ghosthunter.learning.modelfile import load_model

            model = replace(load_model(folder / MODEL), path=None)  # this folder goes
    except GhostHunterError as error:
        notes.append(f"The model of this bundle cannot be read; train again. ({_plain(error, folder)})")
    try:
        if (folder / MAP_FILES[0]).exists():
            from napari_ghosthunter.mapping.domains import DomainMap

            domain_map = DomainMap.load(folder, MAP)
            if domain_map.scan_shape != scan.scan_shape:
                domain_map = None
                notes.append("The map of this bundle does not fit the scan; map it again.")
    except GhostHunterError as error:
        notes.append(f"The map of this bundle cannot be read; map the scan again. ({_plain(error, folder)})")
    return Earlier(training, patterns, model, domain_map, tuple(notes))


def _plain(error: GhostHunterError, folder: Path) -> str:
    """Tell an error without the folder that the bundle was unpacked in: it is gone when the user reads this."""
    return str(error).replace(f"{folder / 'x'}"[:-1], "")
