"""Which scans of a study should be looked at first, and why."""

import math
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from mriseg.core.findings import Level, Topic
from mriseg.core.tissue import Contrast
from mriseg.segmentation.names import MOST_CERTAIN
from mriseg.study.table import LEAST_SCANS, Column, Row, outliers

COMMON = 0.5  # share of the scans: what is found of more says something of the study, not of a scan


@dataclass(frozen=True)
class ShownColumn:
    """A column with the numbers of all scans as they are shown.

    Attributes
    ----------
    column : Column
    values : list of float or None
        One for each scan, None where it has none; shares in percent.
    decimals : int
        With which they are shown.
    median : float
    """

    column: Column
    values: list[float | None]
    decimals: int
    median: float

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.column.title}, {self.column.unit}" if self.column.unit else self.column.title

    def text(self, value: float) -> str:
        """A value of the column with its unit."""
        unit = {"": "", "%": "%"}.get(self.column.unit, f"\u00a0{self.column.unit}")
        return f"{value:.{self.decimals}f}{unit}"


@dataclass(frozen=True)
class Judgment:
    """What there is to say of a scan.

    Attributes
    ----------
    apart : tuple of str
        Names of the columns in which it lies apart.
    reasons : tuple of str
        Why it should be looked at, the worst first; none if it need not.
    rank : tuple of int
        The larger the sooner.
    """

    apart: tuple[str, ...]
    reasons: tuple[str, ...]
    rank: tuple[int, int]


def shown_column(column: Column, rows: Sequence[Row]) -> ShownColumn | None:
    """A column of the table with the figures of all scans; None where no scan has one.

    Parameters
    ----------
    column : Column
    rows : sequence of Row

    Returns
    -------
    ShownColumn or None
    """
    scale = 100 if column.unit == "%" else 1
    figures = [None if row.record.failure is not None else column.value(row.record) for row in rows]
    most = MOST_CERTAIN if column.is_certainty else math.inf
    values = [
        None if value is None or not math.isfinite(value) else scale * min(float(value), most) for value in figures
    ]
    known = [value for value in values if value is not None]
    if not known:
        return None
    median = float(np.median(known))
    decimals = {"%": 1, "mm": 2}.get(column.unit, int(np.clip(2 - math.floor(math.log10(abs(median) or 1)), 0, 3)))
    return ShownColumn(column, values, decimals, median)


def common_topics(done: Sequence[Row]) -> dict[Topic, int]:
    """What is found of so many scans that it sets none apart.

    Parameters
    ----------
    done : sequence of Row
        The scans that were segmented.

    Returns
    -------
    dict of Topic to int
        How many scans each was found of, the most first; empty for fewer than 8 scans.
    """
    # By order of the findings, not of a set: equal counts are listed in one order on every run.
    counts = Counter(topic for row in done for topic in dict.fromkeys(each.code.topic for each in row.record.findings))
    if len(done) < LEAST_SCANS:
        return {}
    return {topic: count for topic, count in counts.most_common() if count > COMMON * len(done)}


def judge(rows: Sequence[Row], shown: Sequence[ShownColumn], common: Container[Topic]) -> list[Judgment]:
    """Say of each scan whether it should be looked at, and why.

    Parameters
    ----------
    rows : sequence of Row
    shown : sequence of ShownColumn
        Every column in which a scan may lie apart.
    common : container of Topic
        From `common_topics`: what is no reason to look at a scan that can be used.

    Returns
    -------
    list of Judgment
        One for each row; of a scan that was not segmented one without reasons.
    """
    apart = outliers(rows)
    by_name = {each.column.name: each for each in shown}
    contrasts = Counter(row.record.contrast for row in rows if row.record.contrast is not None)
    usual, count = contrasts.most_common(1)[0] if contrasts else (None, 0)
    usual = usual if count > COMMON * contrasts.total() else None
    judged = []
    for n, row in enumerate(rows):
        record = row.record
        if record.failure is not None:
            judged.append(Judgment((), (), (0, 0)))
            continue
        severe = record.level is Level.NOT
        findings = [each.titled_text for each in record.findings if severe or each.code.topic not in common]
        others = []
        if usual is not None and record.contrast is not usual:
            others.append(
                f"It looks {_contrast_title(record.contrast)}; most scans of the study look {_contrast_title(usual)}."
            )
        names = apart.get(row.name, ())
        if names:
            others.append(f"Apart from the other scans: {apart_text([by_name[name] for name in names], n)}.")
        reasons = [*findings, *others] if severe else [*others, *findings]
        judged.append(Judgment(names, tuple(reasons), (int(severe), len(findings) + len(names))))
    return judged


def apart_text(shown: Sequence[ShownColumn], number: int) -> str:
    """Values of a scan with the medians of the study.

    Parameters
    ----------
    shown : sequence of ShownColumn
        In which the scan has a value.
    number : int
        Of the scan, from 0.

    Returns
    -------
    str
    """
    parts = []
    for each in shown:
        value = each.values[number]
        assert value is not None  # it lies apart
        parts.append(f"{_within_sentence(each.column.title)} {each.text(value)} (median {each.text(each.median)})")
    return "; ".join(parts)  # titles hold commas


def _within_sentence(title: str) -> str:
    """A title with a small first letter, unless it begins with an abbreviation."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _contrast_title(contrast: Contrast | None) -> str:
    return _within_sentence((contrast or Contrast.UNKNOWN).title)
