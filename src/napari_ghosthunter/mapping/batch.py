"""One model, many scans: maps of all of them, file by file, where one that fails does not stop the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.files import check_outputs
from napari_ghosthunter.learning.device import choose_device
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.ahead import OneAhead, one_ahead, read_ahead
from napari_ghosthunter.mapping.compatibility import Difference, check_scan
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import output_paths
from napari_ghosthunter.mapping.neighbours import check_strength
from napari_ghosthunter.mapping.resuming import whole_map
from napari_ghosthunter.mapping.segmentation import GrowingMap, RowBand, segment_rows
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.remembered import forget, remember
from napari_ghosthunter.scan.scan import Scan, nonfinite_note
from napari_ghosthunter.scan.virtual.quick import quick_bright_field

Source: TypeAlias = Path | str | Scan
"""A file, or a scan that is open already."""


@dataclass(frozen=True)
class MapReport:
    """How far one of several scans is.

    Attributes
    ----------
    index
        Which of the scans that were given, from 0.
    name
        How its files begin.
    rows, of
        Scan rows done, and in all; 0 of 0 before it is open.
    differences
        What may spoil its map; see `compatibility.check_scan`.
    notes
        What a user should know of the file or of its patterns, in sentences.
    domain_map
        The map, once it is finished.
    written
        Files written.
    resumed
        Whether the map was there already, whole and of this model and scan.
    error
        Why there is no map, as a sentence for the user; empty as long as all is well.
    """

    index: int
    name: str
    rows: int = 0
    of: int = 0
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    domain_map: DomainMap | None = field(default=None, repr=False)
    written: tuple[Path, ...] = ()
    resumed: bool = False
    error: str = ""

    @property
    def finished(self) -> bool:
        """Whether no more is to come of this scan."""
        return bool(self.error) or self.domain_map is not None


def map_scans(  # noqa: PLR0913 - as many choices as `ghosthunter map` has
    model: Model,
    scans: Sequence[Source],
    out: Path | str | None = None,
    *,
    device: str = "auto",
    overwrite: bool = False,
    resume: bool = False,
    check: bool = True,
    neighbours: float = 0.0,
    opener: Callable[[Path], Scan] = open_scan,
    segmenter: Callable[..., Iterator[RowBand]] = segment_rows,
) -> Iterator[MapReport]:
    """Map several scans with one model, one after the other, as a stream of reports.

    What can be seen to fail before any work (files that are missing or cannot be opened, patterns of another shape,
    maps that exist already) is reported first. While a scan is computed, a thread opens the next one, compares it and
    reads its first patterns. Leave the loop at any time: what is written is whole, and the thread ends.

    Parameters
    ----------
    model
        A trained model.
    scans
        Files, or scans that are open already.
    out
        Folder for the maps, as `DomainMap.save` writes them, named like the scans (see `names_of`); if not given,
        nothing is written, and the maps are in the reports only.
    device
        'auto', 'cpu', 'cuda' or 'mps'.
    overwrite
        Replace maps of the same names.
    resume
        Keep those maps in `out` that are whole and were made by this model from these scans, with the same help of
        neighbours (see `whole_map`), and make the others, in the place of what is there.
    check
        Compare each scan with the training scan first; see `check_scan`.
    neighbours
        How much neighbours help, 0 (not at all) to 4; see `neighbours.with_neighbours`.
    opener
        Opens a file; `open_scan` by default. Called in a thread, but never twice at once.
    segmenter
        Called as segmenter(scan, model, device=device), to check at once and then give the finished rows:
        `segment_rows` on this machine, or `partial(segment_rows_on, client)` on a cluster.

    Returns
    -------
    iterator of MapReport
        For each scan: when it is open and checked (with 0 rows), after each band of rows, and at its end. An error ends
        it, and the next scan follows.

    Raises
    ------
    TrainingError
        If the device is not to be had; at once.
    MapError
        If neighbours cannot help so much; at once.
    ValueError
        If old maps are to be both replaced and resumed.
    """
    if overwrite and resume:
        raise ValueError("Old maps are either replaced (overwrite) or kept where they are whole (resume).")
    if segmenter is segment_rows:  # elsewhere, the workers know what they have
        choose_device(device)
    check_strength(neighbours)
    bands = partial(segmenter, device=device)
    folder = None if out is None else Path(out)
    return _Batch(model, scans, folder, bands, overwrite, resume, check, neighbours, opener).reports()


def names_of(scans: Sequence[Source]) -> list[str]:
    """Name scans by their files, without the ending; where two are equal, with their folders, or a number, before it.

    Names that differ only in their case count as equal, because some disks know no difference.
    """
    paths = [_path_of(one) for one in scans]
    stems = ["scan" if path is None else path.stem for path in paths]
    counts = Counter(map(str.casefold, stems))
    names: list[str] = []
    for path, stem in zip(paths, stems, strict=True):
        folder = path.absolute().parent.name if path is not None and counts[stem.casefold()] > 1 else ""
        wanted = name = f"{folder}_{stem}" if folder else stem
        number = 1
        while name.casefold() in map(str.casefold, names):
            number += 1
            name = f"{wanted}_{number}"
        names.append(name)
    return names


def _path_of(source: Source) -> Path | None:
    return source.provenance.path if isinstance(source, Scan) else Path(source)


@dataclass(frozen=True)
class _Ready:
    """A scan that was opened ahead: what is known of it before it is computed."""

    scan: Scan
    found: DomainMap | None = None  # its map, if it is there already
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class _Batch:
    """What all scans of a batch share."""

    model: Model
    scans: Sequence[Source]
    out: Path | None
    segmenter: Callable[[Scan, Model], Iterator[RowBand]]
    overwrite: bool
    resume: bool
    check: bool
    neighbours: float
    opener: Callable[[Path], Scan]

    @property
    def _replace(self) -> bool:
        """Whether files that are there may go: with `resume`, only those of maps that are not whole come so far."""
        return self.overwrite or self.resume

    def reports(self) -> Iterator[MapReport]:
        """Look at all scans but the first, which is next anyway; then map those that can be."""
        failed = set()
        begun = [MapReport(index, name) for index, name in enumerate(names_of(self.scans))]
        for report in begun[1:]:
            try:
                self._open(report)
            except (GhostHunterError, OSError) as error:
                failed.add(report.index)
                yield replace(report, error=str(error))
        left = [report for report in begun if report.index not in failed]
        try:
            with one_ahead(self._prepare, left) as ahead:
                for report in left:
                    yield from self._mapped(report, ahead)
        finally:
            for source in self.scans:
                if isinstance(source, Scan):  # it lives on, and its owner may change it
                    forget(source)

    def _open(self, report: MapReport) -> Scan:
        """Open a scan, and refuse what cannot be mapped or written."""
        source = self.scans[report.index]
        if self.out is not None:
            check_outputs(
                output_paths(self.out, report.name), overwrite=self._replace, inputs=map(_path_of, self.scans)
            )
        scan = source if isinstance(source, Scan) else self.opener(Path(source))
        self.segmenter(scan, self.model)  # refuses at once, and reads nothing before its first step
        return scan

    def _prepare(self, report: MapReport) -> _Ready:
        """Do what comes before the computing of a scan; in the thread."""
        scan = self._open(report)
        remember(scan)  # what it is compared by is needed for its map again
        if self.resume and self.out is not None:
            found = whole_map(self.out, report.name, scan, self.model, self.neighbours)
            if found is not None:
                return _Ready(scan, found)
        differences = check_scan(self.model, scan) if self.check else ()
        read_ahead(scan)
        return _Ready(scan, differences=differences)

    def _mapped(self, report: MapReport, ahead: OneAhead[MapReport, _Ready]) -> Iterator[MapReport]:
        try:
            ready = ahead.take()
            scan, rows = ready.scan, ready.scan.shape[0]
            if ready.found is not None:
                yield replace(report, rows=rows, of=rows, domain_map=ready.found, resumed=True)
                return
            report = replace(report, of=rows, differences=ready.differences, notes=scan.provenance.notes)
            yield report
            growing = GrowingMap(scan, self.model)
            for band in self.segmenter(scan, self.model):
                growing.add(band)
                report = replace(report, rows=band.stop)
                yield report
            domains = growing.now().with_neighbours(self.neighbours)
            written: Sequence[Path] = ()
            if self.out is not None:
                seen = quick_bright_field(scan)
                written = domains.save(self.out, report.name, overwrite=self._replace, bright_field=seen)
        except (GhostHunterError, OSError) as error:
            yield replace(report, error=str(error))
            return
        notes = (*report.notes, *filter(None, [nonfinite_note(domains.provenance["nonfinite_pixels"])]))
        yield replace(report, notes=notes, domain_map=domains, written=tuple(written))
