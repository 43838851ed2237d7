"""The questions that a file can leave open, as dialogs: how it folds to a scan, and which array is the scan."""
