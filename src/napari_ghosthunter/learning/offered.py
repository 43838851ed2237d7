"""The networks on offer, in words for a form and a command line; nothing heavy is needed to name them."""

DEFAULT_NETWORK = "swift"
NETWORK_HELP = {
    "swift": "takes seconds, and is judged on every label, by a fit that has not seen it",
    "ghosthunter": "the network of the paper, takes minutes, and is judged on a share of the labels that is kept back",
}
FITTED = frozenset({"swift"})  # to all labels at once; the others are taught epoch by epoch
