"""How good maps are: scans with a truth, ways to sample and to map them, and the tables of what came out."""
