"""The only way to the terminal: whole lines, in which names from outside can steer nothing."""

import argparse
import sys
from typing import NoReturn, TextIO

from mriseg.core.printable import MOST_LINE, printable


def say(*lines: str, to: TextIO | None = None) -> None:
    """Print lines.

    Parameters
    ----------
    *lines : str
        What is no text of ours in them may hold anything; a line break in one becomes visible as its code.
    to : text file, optional
        Standard output if not given.
    """
    print("\n".join(printable(line, MOST_LINE) for line in lines), file=to, flush=True)


def complain(why: object, about: object = "") -> None:
    """Say on standard error what went wrong.

    Parameters
    ----------
    why : object
        As a sentence, or the error that says it.
    about : object
        The file that it went wrong with, as it was given.
    """
    what = f"{printable(str(about))}: " if about else ""
    say(f"mriseg: {what}{why}", to=sys.stderr)


class Parser(argparse.ArgumentParser):
    """The parser of the command line; its messages repeat what was typed, in which a shell may have put names."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message, MOST_LINE))
