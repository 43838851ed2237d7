"""What can be chosen of a map beside its model, in words for the window and a command line; nothing heavy is needed."""

STRONGEST = 4.0  # a position surer than e^4 / (1 + e^4) = 98 % keeps its class whatever its neighbours are
NEIGHBOURS_TITLE = "Let neighbours help"
NEIGHBOURS_HELP = (
    "Let the four neighbours of each position have a say in its class: 0 is off, 1 is a fair start, "
    f"{STRONGEST:g} the most. It takes specks out of wide domains in noisy scans, and may take away what is only a "
    "position or two wide."
)
