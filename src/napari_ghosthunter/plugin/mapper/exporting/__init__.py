"""The page `Export`."""
