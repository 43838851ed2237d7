"""Where a sitting is kept on disk: its own folder, found again by the fingerprint of its scan.

    <data folder>/sittings/<fingerprint>/<time>-<chance>/
        journal.jsonl          every edit
        model.safetensors      the last model
        model-before.safetensors   the model from before the last training
        map/                   the last map
        renames.json           what the classes of models and map are called since, by the hash of the model
        training               there while a training runs: if it is found, that one was cut off
        lock                   held while the sitting is open

Every sitting has a folder of its own, so that two windows on one scan can never write to the same file; the lock keeps
a second window from going on with a sitting that is still open in the first, and falls when its process ends.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from pathlib import Path

from filelock import FileLock
from platformdirs import user_data_path

from napari_ghosthunter.errors import GhostHunterError, OtherScanError, OutputError, SessionError
from napari_ghosthunter.files import whole_file
from napari_ghosthunter.labelling.edits import Edit, How
from napari_ghosthunter.session.journal import Entry, Header, Journal, read_journal
from napari_ghosthunter.session.locking import in_use, locked
from napari_ghosthunter.session.replay import Replayed, replay
from napari_ghosthunter.session.results import Results

JOURNAL, TRAINING = "journal.jsonl", "training"
CUT_OFF = "A training was cut off when the program ended, and does not go on: train again."
BRIEFLY = 0.5  # seconds; another window that only looks whether a sitting is in use holds the lock for a moment


def default_data_folder() -> Path:
    """Folder of this user where sittings are kept, as the operating system wants it; it may not exist yet."""
    return user_data_path("napari-ghosthunter", appauthor=False)


def sittings_of(fingerprint: str, data_folder: Path | str | None) -> Path:
    """Folder that holds the sittings at one scan, each in a folder of its own; it may not exist yet."""
    return Path(data_folder or default_data_folder()) / "sittings" / fingerprint[:32]


class Sitting:
    """The folder of a sitting, made with the first thing that is kept in it: looking at a scan leaves no trace.

    Parameters
    ----------
    folder
        The folder of the sitting.
    header
        What the sitting starts from.

    Attributes
    ----------
    folder, header
        As given.
    results
        Models and map.
    """

    def __init__(self, folder: Path, header: Header) -> None:
        self.folder = folder
        self.header = header
        self.results = Results(folder, self.begin)
        self._journal: Journal | None = None
        self._lock: FileLock | None = None
        self._opening = threading.Lock()  # results are kept from the threads that compute them
        self._closed = False

    @classmethod
    def new(cls, header: Header, data_folder: Path | str | None = None) -> Sitting:
        """Start a sitting in a new folder."""
        name = f"{header.started:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        return cls(sittings_of(header.fingerprint, data_folder) / name, header)

    @classmethod
    def reopen(cls, folder: Path, fingerprint: str, scan_shape: tuple[int, int]) -> tuple[Sitting, Replayed]:
        """Go on with a sitting whose scan has this fingerprint; a torn or damaged journal is mended.

        A damaged one stays beside the mended one, as journal-damaged.jsonl.

        Raises
        ------
        OtherScanError
            If it was at another scan.
        SessionError
            If it is open in another window, cannot be read, or a newer version wrote it.
        OutputError
            If it cannot be written to.
        """
        lock = locked(folder, BRIEFLY)
        try:
            text = read_journal(folder / JOURNAL)
            if text.header is not None and text.header.fingerprint != fingerprint:
                raise OtherScanError(f"The sitting in {folder} was at another scan than the one that is open.")
            state = replay(text, scan_shape)
            scan = {} if text.header is None else text.header.scan
            header = text.header or Header.of(fingerprint, scan, state.labels)
            sitting = cls(folder, header)
            if not state.whole:
                sitting.header = Header.of(
                    fingerprint, scan, state.labels, training=state.training, patterns=state.patterns
                )
                sitting._journal = sitting._mend()
            else:
                sitting._journal = Journal(folder / JOURNAL, text.good_end)
            sitting._lock = lock
            if (folder / TRAINING).exists():
                state.notes.append(CUT_OFF)
                sitting.mark_training(False)
        except (GhostHunterError, OSError):
            lock.release()
            raise
        return sitting, state

    def begin(self) -> bool:
        """Make the folder and the journal if they are not there yet; true if they were made now.

        Raises
        ------
        OutputError
            If they cannot be made.
        SessionError
            If the sitting is closed.
        """
        with self._opening:
            if self._closed:
                raise SessionError("This sitting is closed; open the scan again to go on.")
            if self._journal is not None:
                return False
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"Cannot keep this sitting in {self.folder}: {error.strerror or error}.") from error
            self._lock = self._lock or locked(self.folder)
            self._journal = Journal.begin(self.folder / JOURNAL, self.header)
            return True

    def others_open(self) -> bool:
        """Whether another sitting at this scan is open, in this process or in another."""
        for journal in self.folder.parent.glob(f"*/{JOURNAL}"):
            with suppress(OutputError):  # one that cannot be found out about is no reason to stop
                if journal.parent != self.folder and in_use(journal.parent):
                    return True
        return False

    def record(self, edit: Edit, how: How) -> None:
        """Add an edit to the journal; it is on the disk when this returns."""
        self._append(Entry(how=how, edit=edit))

    def record_choices(self, **choices: dict[str, object]) -> None:
        """Add a choice of configuration, `training` or `patterns`, to the journal."""
        self._append(Entry.model_validate(choices))

    def mark_training(self, underway: bool) -> None:
        """Let the next one who opens this sitting know that a training was cut off, unless it is over by then."""
        with suppress(OSError):  # where that cannot be kept, a training is worth having all the same
            if not underway:
                (self.folder / TRAINING).unlink(missing_ok=True)
            elif self._journal is not None:
                (self.folder / TRAINING).touch()

    @property
    def closed(self) -> bool:
        """Whether nothing can be kept any more."""
        return self._closed

    def close(self) -> None:
        """Close the journal and let others open the sitting; nothing can be kept from then on."""
        with self._opening:
            self._closed = True
            if self._journal is not None:
                self.mark_training(False)
                self._journal.close()
            if self._lock is not None:
                self._lock.release()

    def _append(self, entry: Entry) -> None:
        self.begin()
        assert self._journal is not None  # begin() made it
        self._journal.append(entry)

    def _mend(self) -> Journal:
        """Put a journal that starts from what was recovered in the place of the damaged one."""
        journal, number = self.folder / JOURNAL, 1
        while (damaged := self.folder / f"journal-damaged-{number}.jsonl").exists():
            number += 1
        with whole_file(damaged) as copy:
            copy.write_bytes(journal.read_bytes())
        return Journal.begin(journal, self.header)
