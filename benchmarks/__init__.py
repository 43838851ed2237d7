"""What the figures of the documentation come from: one module a row or two, each prints its own; `make bench` all."""
