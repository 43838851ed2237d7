"""YAML of a stranger, read as plain lists and mappings: what makes a small file large, slow or deep is refused."""

from __future__ import annotations

from typing import Any

from napari_ghosthunter.errors import LabelError

MOST_BYTES = 2 * 2**20  # some 40,000 labels
MOST_LETTERS = 10_000  # of one value; a number of a million digits takes minutes
MOST_DEPTH = 8


def load_plain(text: str) -> Any:
    """Read YAML without aliases, of few levels and of a size that people write.

    Raises
    ------
    LabelError
        If it is not valid, or not plain.
    """
    import yaml

    if len(text) > MOST_BYTES:
        raise LabelError(f"it is too large for a list of labels ({len(text) / 1e6:.0f} MB); write labels.csv instead.")
    # libyaml's is ten times as quick; by events, which do not nest, what it would do too deep a recursion with is found
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            long = isinstance(event, yaml.ScalarEvent) and len(event.value) > MOST_LETTERS
            if isinstance(event, yaml.AliasEvent) or depth > MOST_DEPTH or long:
                raise LabelError("it is not plain YAML: an alias, too many levels or an endless text.")
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: an impossible date, for instance
        reason = " ".join(str(error).split())
        raise LabelError(f"it is not valid YAML: {reason[:300]}.") from error
