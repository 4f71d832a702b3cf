"""How far apart the volumes of a time series are, in words."""

from mriseg.core.decimals import decimal

# Seconds from one volume to the next: cine to contrast agent that washes in. Headers that say more often count in ms
# and call it seconds; what is off even then says nothing.
USUAL_SECONDS = (0.01, 120.0)
MS = 1e-3


def time_series(seconds: float) -> str:
    """What a time series is called.

    Parameters
    ----------
    seconds : float
        From one volume to the next, as the header says.

    Returns
    -------
    str

    Examples
    --------
    >>> time_series(2.5), time_series(2000.0), time_series(1e9)
    ('a time series, 2.5 s apart', 'a time series, 2000 s apart by its header, probably 2 s', 'a time series')
    """
    low, high = USUAL_SECONDS
    if low <= seconds <= high:
        return f"a time series, {decimal(seconds)} s apart"
    if low <= seconds * MS <= high:
        return f"a time series, {decimal(seconds)} s apart by its header, probably {decimal(seconds * MS)} s"
    return "a time series"
