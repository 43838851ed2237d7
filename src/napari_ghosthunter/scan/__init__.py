"""What was measured: a lazy 4D-STEM scan, its readers, virtual detectors and a simulated sample."""
