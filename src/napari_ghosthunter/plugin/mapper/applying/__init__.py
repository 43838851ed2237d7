"""The window that maps other scans with the model."""
