"""When the memory of a GPU is used up: to know it, to make room, and to say what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

NO_MEMORY = (
    "The GPU has not enough memory even for one pattern at a time; choose the CPU, or a smaller input size. "
    "Other programs that use the GPU may be in the way too."
)

T = TypeVar("T")


def within_memory(action: Callable[[], T], device: torch.device) -> T | None:
    """Do something on a device; None if its memory is used up."""
    try:
        return action()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    free_memory(device)  # not before here: while the error is at hand, it holds what filled the memory
    return None


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that the memory of the GPU is used up."""
    # torch has no class for that of Apple's GPUs, only this text
    return isinstance(error, torch.cuda.OutOfMemoryError) or str(error).startswith("MPS backend out of memory")


def free_memory(device: torch.device) -> None:
    """Give what torch keeps of the GPU's memory for later back, so that what is asked for next may find room."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
