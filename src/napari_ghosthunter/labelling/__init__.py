"""What the expert says of a scan: classes, labels, their files, and which position to label next."""
