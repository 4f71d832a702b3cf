"""Numbers as people read them: with as many digits as say something, and without an exponent."""

from math import floor, isfinite, log10

# Outside these an exponent is shorter than the zeros.
PLAIN = (1e-6, 1e12)


def decimal(value: float, digits: int = 3) -> str:
    """A number with so many digits that count, whole numbers in full.

    Parameters
    ----------
    value : float
    digits : int
        That count, from the first that is not 0.

    Returns
    -------
    str

    Examples
    --------
    >>> decimal(2000), decimal(0.00012345), decimal(1.0), decimal(98.765, digits=4), decimal(-0.5)
    ('2000', '0.000123', '1', '98.77', '-0.5')
    """
    if value == 0 or not isfinite(value) or not PLAIN[0] <= abs(value) < PLAIN[1]:
        return f"{value:.{digits}g}"
    places = max(0, digits - 1 - floor(log10(abs(value))))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float, places: int = 0) -> str:
    """A share in percent.

    Parameters
    ----------
    share : float
        Of 1.
    places : int
        After the point.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.4738), percent(0.4738, 1), percent(1.25)
    ('47 %', '47.4 %', '125 %')
    """
    return f"{100 * share:.{places}f} %"
