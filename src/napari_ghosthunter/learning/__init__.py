"""What can be learned from labels: patterns to network input, the networks, training, and model files."""
