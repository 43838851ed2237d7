"""`ghosthunter train`: from a scan and its labels to a model file."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.label import open_labels
from napari_ghosthunter.cli.options import Device, Overwrite, Said, ScanPath, opens_scans
from napari_ghosthunter.cli.progress import progress_bar
from napari_ghosthunter.cli.scan import open_scan
from napari_ghosthunter.errors import GhostHunterError, OutputError
from napari_ghosthunter.files import check_outputs
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK, NETWORK_HELP

if TYPE_CHECKING:
    from napari_ghosthunter.labelling.labels import LabelSet
    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
    from napari_ghosthunter.learning.model import Model, TrainingRecord
    from napari_ghosthunter.scan.scan import Scan


class Pool(StrEnum):
    """Neighbourhood pooling."""

    NONE = "none"
    MEAN = "mean"
    MAX = "max"


@opens_scans
def train(
    scan: ScanPath,
    labels: Annotated[
        list[Path],
        typer.Option("--labels", metavar="labels.csv", help="Labelled positions of this scan; repeatable."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="model.safetensors", help="Where to write the model.")],
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", metavar="N", min=1,
            help="How long to train at most. swift: steps of its fit, which ends by itself. ghosthunter: passes over "
            "all labels; if not given, 400 for up to 50 labels, falling to 100 for 1,000.",
        ),
    ] = None,
    device: Device = "auto",
    seed: Annotated[
        int,
        typer.Option("--seed", metavar="N", min=0, help="ghosthunter: the same seed repeats a run; swift needs none."),
    ] = 0,
    network: Annotated[
        str | None,
        typer.Option(
            "--network", metavar="|".join(NETWORK_HELP), show_default=DEFAULT_NETWORK,
            help="; ".join(f"{name}: {words}" for name, words in NETWORK_HELP.items()) + ".",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="model.safetensors",
            help="Train this model further, so that a few labels fit it to this scan; it decides network and pooling.",
        ),
    ] = None,
    pool: Annotated[
        Pool,
        typer.Option(
            "--pool", metavar="none|mean|max",
            help="Take the mean or maximum of each pattern and its neighbours in the scan.",
        ),
    ] = Pool.NONE,
    pool_size: Annotated[
        int | None,
        typer.Option(
            "--pool-size", metavar="1|3|5", show_default="3 with --pool",
            help="Positions along each side of that square of neighbours.",
        ),
    ] = None,
    symmetry: Annotated[
        list[str] | None,
        typer.Option(
            "--symmetry", metavar="NAME:A=B,...",
            help="Learn from turned or mirrored copies too, and say what each class turns into, as in "
            "rot90:up=left,left=up; repeatable.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    *,
    said: Said,
) -> None:  # fmt: skip
    """Train a network on labelled patterns; Ctrl+C keeps the best model so far."""
    check_outputs([out], overwrite=overwrite, inputs=[scan, *labels, *([start] if start else [])])
    unfinished = out.with_name(f"{out.stem}.unfinished{out.suffix}")
    if unfinished.exists() and not (start and start.exists() and start.samefile(unfinished)):
        console.hint(
            f"note: an earlier training of {out} was cut off. This one starts anew; to go on with what that one had "
            f"learned, stop this one and add --from {unfinished}"
        )
    config, patterns = _configs(epochs, seed, network, pool, pool_size, symmetry)
    opened = open_scan(scan, said)
    given = open_labels(labels, opened.scan_shape)
    from napari_ghosthunter.learning.modelfile import load_model, save_model

    begin = load_model(start) if start else None
    if begin is not None:
        config = config.model_copy(update={} if network else {"network": begin.network})
    told = pool is not Pool.NONE or pool_size is not None
    model = run_training(opened, given, config, patterns if begin is None or told else None, device, begin, unfinished)
    save_model(model, out)
    unfinished.unlink(missing_ok=True)
    console.say(summary(model))
    console.say(f"model written to {out}")


def run_training(
    scan: Scan, labels: LabelSet, config: TrainingConfig, patterns: PatternConfig | None, device: str = "auto",
    start: Model | None = None, unfinished: Path | None = None,
) -> Model:  # fmt: skip
    """Train with a progress bar; Ctrl+C ends the training and keeps the best model so far.

    That model is written to the file `unfinished` now and then, so that little is lost where the training is killed.
    """
    from napari_ghosthunter.learning.training import train as train_epochs
    from napari_ghosthunter.session.runs import KEEP_SECONDS

    model: Model | None = None
    kept_at = time.monotonic()
    with progress_bar("training") as bar:
        try:
            for report in train_epochs(scan, labels, config, patterns, device=device, start=start):
                model = report.model
                held = report.figures.validation_accuracy
                note = f"loss {report.figures.train_loss:.3f}" + (f", held out {held:.2f}" if held is not None else "")
                planned = None if config.fitted else report.epochs  # nobody knows when a fit will have converged
                if config.fitted:
                    note = f"{report.progress}, {note}"
                bar.update(bar.task_ids[0], completed=report.figures.epoch, total=planned, note=note)
                if unfinished is not None and time.monotonic() - kept_at > KEEP_SECONDS:
                    _keep(model, unfinished)
                    kept_at = time.monotonic()
        except KeyboardInterrupt:
            if model is None:
                raise
            console.hint("Stopped; keeping the best model so far.")
    if model is None:
        raise GhostHunterError("Training ended before its first epoch.")
    return model


def _keep(model: Model, path: Path) -> None:
    """Write a model on the way; where that cannot be, the training goes on all the same."""
    from napari_ghosthunter.learning.modelfile import save_model

    try:
        save_model(model, path)
    except OutputError as error:
        console.hint(f"warning: {error}")


def summary(model: Model) -> str:
    """Tell how a model was trained and how good it is, in a few lines."""
    record, held = model.record, model.record.held_out
    counts = ", ".join(f"{name} {count}" for name, count in record.labels_per_class.items())
    seconds = record.history[-1].seconds
    if record.config.fitted:
        course = f"fit in {seconds:.1f} s, {record.reached}"
    else:
        epochs = "1 epoch" if len(record.history) == 1 else f"{len(record.history)} epochs"
        lowest = "held-out loss" if held.count else "loss"
        course = f"{epochs} in {seconds:.1f} s; kept {record.reached}, the one with the lowest {lowest}"
    return (
        f"{sum(record.labels_per_class.values())} labels ({counts}); network '{model.network}', "
        f"{model.parameter_count:,} parameters\n"
        f"{course}\n" + "".join(f"{line}\n" for line in _course(record)) + f"{held}"
    )


def _course(record: TrainingRecord) -> list[str]:
    """Tell how right the map probably is, and what fewer labels would have brought."""
    if record.estimate is None:
        return []
    lines = [str(record.estimate)]
    if len(record.stages) > 1:
        lines.append("  labels   map changed   held-out labels right   estimated accuracy")
        for stage in record.stages:
            probably = None if stage.estimate is None else stage.estimate.accuracy
            changed, held, probable = (
                "-" if share is None else f"{100 * share:.1f} %" for share in (stage.changed, stage.held_out, probably)
            )
            lines.append(f"  {stage.labels:6d}   {changed:>11s}   {held:>21s}   {probable:>18s}")
    return lines


def _configs(
    epochs: int | None, seed: int, network: str | None, pool: Pool, pool_size: int | None, symmetry: list[str] | None
) -> tuple[TrainingConfig, PatternConfig]:
    """Turn the options into the two configurations."""
    if pool_size not in (None, 1, 3, 5):
        raise typer.BadParameter("--pool-size must be 1, 3 or 5.")
    if pool is Pool.NONE and pool_size in (3, 5):
        raise typer.BadParameter("--pool-size needs --pool mean or --pool max.")
    from pydantic import ValidationError

    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig

    chosen = {"network": network} if network else {}
    symmetries = dict(_symmetry(text) for text in symmetry or [])
    try:
        config = TrainingConfig.model_validate({"epochs": epochs, "seed": seed, "symmetries": symmetries, **chosen})
    except ValidationError as error:  # a number beyond what the command line knows of
        first = error.errors()[0]
        raise typer.BadParameter(f"--{first['loc'][0]}: {first['msg']}.") from error
    size = {"pool_size": pool_size} if pool_size else {}  # else as in the window, for the same model to have one hash
    return config, PatternConfig.model_validate({"pool": pool.value, **size})


def _symmetry(text: str) -> tuple[str, dict[str, str]]:
    """Read 'rot90:vertical=horizontal,horizontal=vertical'; a class that is not named stays itself."""
    from typing import get_args

    from napari_ghosthunter.learning.config import Symmetry

    name, _, mapping = text.partition(":")
    pairs = [pair.partition("=") for pair in mapping.split(",") if pair.strip()]
    readable = all(sign and old.strip() and new.strip() for old, sign, new in pairs)
    if name.strip() not in get_args(Symmetry) or not readable:
        raise typer.BadParameter(
            f"{text!r} is not a symmetry; write one of {', '.join(get_args(Symmetry))}, a colon, and what each class "
            "becomes, as in rot90:vertical=horizontal,horizontal=vertical."
        )
    if not pairs:
        raise typer.BadParameter(
            f"--symmetry {name.strip()} must say what becomes of the classes, as in {name.strip()}:vertical=vertical; "
            "a class that is not named stays itself."
        )
    return name.strip(), {old.strip(): new.strip() for old, _, new in pairs}
