"""The one tree of errors; every message says what is wrong and what to do next.

The page and the command line show these messages word for word, so they are written for the person
who dropped the scan, and they never contain a file name or anything read from a header's text fields; of results that
are written to a folder `TakenError` names the file, which the page never sees. So they speak of neither options nor
parameters; what setting may help is told besides, by `Remedy`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mriseg.core.remedies import Remedy


class MrisegError(ValueError):
    """Anything that keeps a scan from being segmented honestly.

    Parameters
    ----------
    message : str
        What is wrong and what to do next.
    remedies : tuple of Remedy, optional
        Settings that may help, the likeliest first.
    """

    def __init__(self, message: str = "", remedies: "tuple[Remedy, ...]" = ()) -> None:
        super().__init__(message)
        self.remedies = remedies


class ReadError(MrisegError):
    """The bytes cannot be read as an MR image."""


class ColorError(ReadError):
    """The colors of a picture stand for values that its brightness does not order."""


class TooLargeError(ReadError):
    """The image announces more than fits in memory; nothing of that size was allocated."""


class SettingsError(MrisegError):
    """A setting is outside what it may be."""


class WriteError(MrisegError):
    """Results cannot be written; nothing is wrong with the scan."""


class TakenError(WriteError):
    """What lies in the folder of results is not ours, or a link. The message names it, so the log leaves it out."""


class BrainNotFoundError(MrisegError):
    """No region of the image can be taken for a brain."""


class SeparationError(MrisegError):
    """The intensities do not hold three tissues that can be told apart."""
