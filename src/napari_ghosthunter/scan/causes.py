"""Why a library could not read a file, where that is no fault of the file: only what is damaged is called so."""

from __future__ import annotations

import errno
import os
import re

LOCKED = (
    "another program has it open for writing, a notebook perhaps; close it there. If none has, the program that wrote "
    "it came to a bad end, and `h5clear -s FILE` frees it"
)
NO_LOCKS = "its disk or network share does not lock files; set HDF5_USE_FILE_LOCKING=FALSE, and start again"
NO_ANSWER = "the disk or the network that it lies on does not answer"
# What the system says of a file as such. Numbers that also come of a wrong offset (EINVAL, EFBIG) are not among them.
SYSTEM = {
    errno.EACCES: "you have no permission to read it",
    errno.EPERM: "you have no permission to read it",
    errno.EAGAIN: LOCKED,
    errno.EWOULDBLOCK: LOCKED,
    errno.EBUSY: "another program is using it",
    errno.EMFILE: "too many files are open in this program",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOENT: "it is no longer there",
    errno.EISDIR: "it is a folder",
    errno.ENOSPC: "there is no room left on the disk",
    errno.ENOLCK: NO_LOCKS,
    errno.ENOSYS: NO_LOCKS,
    errno.EOPNOTSUPP: NO_LOCKS,
    errno.EIO: NO_ANSWER,
    errno.ENODEV: NO_ANSWER,
    errno.ENXIO: NO_ANSWER,
    **{getattr(errno, name): NO_ANSWER for name in ("ESTALE", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EREMOTEIO")
       if hasattr(errno, name)},
}  # fmt: skip
SHARING = {32, 33}  # of Windows, for a file that another program has open
_NUMBER = re.compile(r"errno = (\d+)")  # of HDF5, whose errors do not always carry it
_CODEC = re.compile(
    r"codec not available|unknown codec|required filter|directory .*plugin|filter .* not registered"
    r"|requires the '?\w+'? package|compression method is not supported|\(missing\) \w+ module",
    re.IGNORECASE,
)
_UNPACKED = "it is packed in a way that nothing installed here can unpack ({text})"
_OTHER_RELEASE = re.compile(r"^module '?[\w.]+'? has no attribute|unexpected keyword argument")
_ANY = re.compile("")
# The first that fits counts: a kind of error, what it says, and what that means.
_CAUSES: tuple[tuple[type[Exception], re.Pattern[str], str], ...] = (
    (ModuleNotFoundError, _ANY, "it takes the Python package {package}, which is not installed"),
    (ImportError, _ANY, "a library that it takes cannot be loaded ({text})"),
    (Exception, _CODEC, _UNPACKED),
    (RuntimeError, re.compile("password"), "it is locked with a password"),
    (AttributeError, _OTHER_RELEASE, "the libraries that are installed do not fit together ({text})"),
    (TypeError, _OTHER_RELEASE, "the libraries that are installed do not fit together ({text})"),
    (NotImplementedError, _ANY, "this kind of it is not supported ({text})"),
    (MemoryError, _ANY, "it takes more memory than there is, or says so by mistake ({text})"),
)


def no_fault_of_the_file(error: BaseException) -> str | None:
    """Say in words why an error came up, if something else than the contents of a file is at fault; else None.

    Parameters
    ----------
    error
        What a library raised while it read the file.

    Returns
    -------
    str or None
        The end of a sentence about the file: 'you have no permission to read it'.
    """
    text = one_line(error)
    package = (getattr(error, "name", None) or "?").partition(".")[0]
    for kind, says, words in _CAUSES:
        if isinstance(error, kind) and says.search(text):
            return words.format(text=text, package=package)
    return _of_the_system(error, text) if isinstance(error, OSError) else None


def _of_the_system(error: OSError, text: str) -> str | None:
    """Say what the operating system has against a file; None if it has nothing."""
    stated = _NUMBER.search(text)
    number = error.errno or (int(stated[1]) if stated else 0)
    if getattr(error, "winerror", None) in SHARING or "already open for write" in text:
        return LOCKED
    if number == errno.ENOENT and error.filename:
        return f"there is no {os.fsdecode(error.filename)}"
    return SYSTEM.get(number, LOCKED if "unable to lock file" in text else None)


def one_line(error: BaseException) -> str:
    """Give what an error says on one line, not without end; its kind where it says nothing."""
    text = " ".join(str(error).split()).rstrip(".")
    return text[:160] or type(error).__name__
