"""Files on their way from a browser to the page: which are expected, how much of each came, which nobody asked for.

A browser asks where to send the files of a drop, all together, before it sends them. From then until the page has taken
a file over it is here, and nowhere else in the server: Streamlit keeps its name. One file that is not taken refuses the
whole drop, since half of a series is not a scan.
"""

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException

from mriseg.app.server import budget
from mriseg.app.server.budget import MOST_FILES, Refusal

# Seconds after which a visitor's files are dropped that the page was never told of, since the last of them came. A
# browser tells within a second; a page that is at work listens within some.
UNTOLD_AFTER = 60.0


class UploadRefusedError(HTTPException):
    """An upload that is not taken.

    Parameters
    ----------
    refusal : Refusal
        Why.
    drop : Drop, optional
        That it belongs to; None for a file that nobody asked for.
    """

    def __init__(self, refusal: Refusal, drop: "Drop | None" = None) -> None:
        super().__init__(refusal.status, refusal.reason)
        self.refusal, self.drop = refusal, drop


@dataclass(eq=False)
class Drop:
    """Files that were dropped together.

    Attributes
    ----------
    session : str
        Of the visitor.
    refusal : Refusal or None
        Why they are not taken.
    is_told, is_drawn : bool
        Whether the page has said so, and whether it was made to run for that.
    """

    session: str
    refusal: Refusal | None = None
    is_told: bool = False
    is_drawn: bool = False


@dataclass(eq=False)
class Arrival:
    """A file that is expected, arriving or here.

    Attributes
    ----------
    drop : Drop
        That it belongs to.
    size : int
        Bytes that are held or reserved for it.
    is_arriving : bool
        Whether a connection stands by which it comes.
    is_over : bool
        Whether the page has taken it, or let go of it.
    content : bytes or None
        Once it is here, until the page takes it.
    since : float
        When it was asked for or came, in the seconds of `time.monotonic`.
    """

    drop: Drop
    size: int = 0
    is_arriving: bool = False
    is_over: bool = False
    content: bytes | None = field(default=None, repr=False)
    since: float = field(default_factory=time.monotonic)


class Arrivals:
    """All files on their way, by session and by the name that each was given."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, Arrival]] = {}
        self._lock = threading.RLock()
        budget.count_in(self)

    def upload_bytes(self, session: str | None) -> int:
        """What is here or reserved of a visitor; of all for None."""
        with self._lock:
            sessions = self._files.values() if session is None else [self._files.get(session, {})]
            return sum(arrival.size for files in sessions for arrival in files.values())

    def result_bytes(self) -> int:
        """Nothing is made here."""
        return 0

    def expect(self, session: str, ids: Sequence[str]) -> None:
        """Expect files that are dropped together.

        Parameters
        ----------
        session : str
            Of the visitor.
        ids : sequence of str
            What each will be called.
        """
        drop = Drop(session)
        with self._lock:
            files = self._files.setdefault(session, {})
            for key in [key for key, file in files.items() if not (file.size or file.is_arriving or file.is_over)]:
                if len(files) + len(ids) > MOST_FILES:
                    del files[key]  # it was asked for before others and never sent
            if len(files) + len(ids) > MOST_FILES:
                drop.refusal = Refusal.TOO_MANY
            files.update((key, Arrival(drop)) for key in ids)

    def begin(self, session: str, file_id: str, size: int) -> Arrival:
        """A file begins to come.

        Parameters
        ----------
        session : str
            Of the visitor.
        file_id : str
            What it was called when it was asked for.
        size : int
            Bytes that it will have; 0 if nobody says.

        Returns
        -------
        Arrival

        Raises
        ------
        UploadRefusedError
            It was not asked for, or there is no room for it.
        """
        with self._lock:
            arrival = self._files.get(session, {}).get(file_id)
            if arrival is None or arrival.is_arriving or arrival.is_over:
                raise UploadRefusedError(Refusal.UNKNOWN)
            arrival.content, arrival.size = None, 0
            self.reserve(arrival, size)
            arrival.is_arriving = True
            return arrival

    def reserve(self, arrival: Arrival, size: int) -> None:
        """Have room for so many bytes of a file, or refuse all files that were dropped with it.

        Parameters
        ----------
        arrival : Arrival
        size : int
            Bytes, of which some may be reserved already.

        Raises
        ------
        UploadRefusedError
            There is no room for it, or for another that was dropped with it.
        """
        drop = arrival.drop
        with self._lock:
            if arrival.is_over:
                raise UploadRefusedError(Refusal.GONE, drop)
            more = size - arrival.size
            if drop.refusal is None and more > 0:
                drop.refusal = budget.refusal(drop.session, more)
            if drop.refusal is not None:
                for other in self._files.get(drop.session, {}).values():
                    if other.drop is drop and not other.is_arriving:  # else its own connection ends it
                        other.content, other.size = None, 0
                raise UploadRefusedError(drop.refusal, drop)
            arrival.size = max(size, arrival.size)

    def end(self, arrival: Arrival) -> None:
        """The connection has ended by which a file came; what of it was not kept is let go of.

        Parameters
        ----------
        arrival : Arrival
        """
        with self._lock:
            arrival.is_arriving, arrival.since = False, time.monotonic()
            if arrival.content is None:
                arrival.size = 0

    def keep(self, session: str, file_id: str, content: bytes) -> None:
        """A file is here.

        Parameters
        ----------
        session, file_id : str
        content : bytes

        Raises
        ------
        UploadRefusedError
            It was not asked for, or there is no room for it.
        """
        with self._lock:
            arrival = self._files.get(session, {}).get(file_id)
            if arrival is None or arrival.is_over:
                raise UploadRefusedError(Refusal.UNKNOWN)
            self.reserve(arrival, len(content))
            arrival.content, arrival.size, arrival.since = content, len(content), time.monotonic()

    def content(self, session: str, file_id: str) -> bytes | None:
        """A file that is here; None if it is not.

        Parameters
        ----------
        session, file_id : str

        Returns
        -------
        bytes or None
        """
        with self._lock:
            arrival = self._files.get(session, {}).get(file_id)
            return None if arrival is None else arrival.content

    def break_off(self, arrival: Arrival, refusal: Refusal) -> UploadRefusedError:
        """Refuse a file that is arriving, and those that were dropped with it.

        Parameters
        ----------
        arrival : Arrival
        refusal : Refusal

        Returns
        -------
        UploadRefusedError
            To be raised.
        """
        arrival.drop.refusal = arrival.drop.refusal or refusal
        return UploadRefusedError(arrival.drop.refusal, arrival.drop)

    def release(self, session: str, file_id: str) -> None:
        """The page has taken a file: it is held elsewhere now, and cannot be sent again.

        Parameters
        ----------
        session, file_id : str
        """
        with self._lock:
            arrival = self._files.get(session, {}).get(file_id)
            if arrival is not None:
                arrival.content, arrival.size, arrival.is_over = None, 0, True

    def forget(self, session: str, file_id: str | None = None) -> None:
        """Let go of a file, and expect it no longer; of all files of a session where none is named.

        Parameters
        ----------
        session : str
        file_id : str, optional
        """
        with self._lock:
            if file_id is None:
                gone = list(self._files.pop(session, {}).values())
            else:
                gone = [file for file in [self._files.get(session, {}).pop(file_id, None)] if file is not None]
            for arrival in gone:
                arrival.is_over = True  # for a connection by which it is arriving still

    def forget_untold(self, now: float) -> list[tuple[str, str]]:
        """Let go of files that came and that the page did not take.

        Parameters
        ----------
        now : float
            In the seconds of `time.monotonic`.

        Returns
        -------
        list of (str, str)
            Session and name of each.
        """
        untold = []
        with self._lock:
            for session, files in self._files.items():
                here = [file for file in files.values() if file.is_arriving or file.content is not None]
                if here and all(not file.is_arriving and now - file.since >= UNTOLD_AFTER for file in here):
                    untold += [(session, key) for key, file in files.items() if file.content is not None]
            for session, file_id in untold:
                self.forget(session, file_id)
        return untold

    def refusal(self, session: str, ids: Collection[str]) -> Refusal | None:
        """Why files of a session are not taken, if one of those was refused; None else.

        Parameters
        ----------
        session : str
        ids : collection of str

        Returns
        -------
        Refusal or None
        """
        with self._lock:
            files = self._files.get(session, {})
            drops = [files[file_id].drop for file_id in ids if file_id in files and files[file_id].drop.refusal]
            for drop in drops:
                drop.is_told = True
            return drops[0].refusal if drops else None

    def news(self, session: str) -> Refusal | None:
        """Why the last drop of a session was not taken, if it was not and that was not said yet; None else.

        Parameters
        ----------
        session : str

        Returns
        -------
        Refusal or None
        """
        with self._lock:
            last = next(reversed(self._files.get(session, {}).values()), None)
            if last is None or last.drop.refusal is None or last.drop.is_told:
                return None
            last.drop.is_told = True
            return last.drop.refusal


arrivals = Arrivals()
