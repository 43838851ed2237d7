"""One sitting at a scan, without any window: its state, its journal on disk, and the bundle that it is saved as."""
