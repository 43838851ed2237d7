"""What the whole scan looks like: domain maps, how good they are, and their files."""
