"""Which scans of a study should be looked at first, and why."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mriseg.core.tissue import Contrast
from mriseg.report.content import CONTRASTS
from mriseg.segmentation.verdict import Level
from mriseg.study.table import LEAST_SCANS, Column, Row, outliers

COMMON = 0.5  # share of the scans: what is found of more says something of the study, not of a scan
OUTLINE, DOUBTFUL = "Outline of the brain", "What was taken for brain may be none."


@dataclass(frozen=True)
class ShownColumn:
    """A column with the numbers of all scans as they are shown, None where a scan has none."""

    column: Column
    values: list[float | None]
    decimals: int
    median: float

    @property
    def heading(self) -> str:
        return f"{self.column.title}, {self.column.unit}" if self.column.unit else self.column.title

    def said(self, value: float) -> str:
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
    scale = 100 if column.unit == "%" else 1
    found = [None if row.record.failure is not None else column.value(row.record) for row in rows]
    values = [None if value is None or not math.isfinite(value) else scale * float(value) for value in found]
    known = [value for value in values if value is not None]
    if not known:
        return None
    median = float(np.median(known))
    decimals = {"%": 1, "mm": 2}.get(column.unit, int(np.clip(2 - math.floor(math.log10(abs(median) or 1)), 0, 3)))
    return ShownColumn(column, values, decimals, median)


def common_findings(done: Sequence[Row]) -> dict[str, int]:
    """What is found of so many scans that it sets none apart: how many each."""
    counts = Counter(about for row in done for about in {_about(finding) for finding in row.record.findings})
    if len(done) < LEAST_SCANS:
        return {}
    return {about: count for about, count in counts.most_common() if count > COMMON * len(done)}


def _about(finding: str) -> str:
    return finding.partition(": ")[0]


def judge(rows: Sequence[Row], shown: Sequence[ShownColumn], common: Mapping[str, int]) -> list[Judgment]:
    apart = outliers(rows)
    by_name = {found.column.name: found for found in shown}
    contrasts = Counter(row.record.contrast for row in rows if row.record.contrast is not None)
    usual, count = contrasts.most_common(1)[0] if contrasts else (None, 0)
    usual = usual if count > COMMON * contrasts.total() else None
    judged = []
    for n, row in enumerate(rows):
        record = row.record
        if record.failure is not None:
            judged.append(Judgment((), (), (0, 0)))
            continue
        findings = [
            finding for finding in record.findings if record.level is Level.NOT or _about(finding) not in common
        ]
        others = []
        if record.mask_doubtful and not any(_about(finding) == OUTLINE for finding in findings):
            others.append(DOUBTFUL)
        if usual is not None and record.contrast is not usual:
            others.append(
                f"It looks {_contrast_title(record.contrast)}; most scans of the study look {_contrast_title(usual)}."
            )
        names = apart.get(row.name, ())
        if names:
            others.append(f"Apart from the other scans: {apart_text([by_name[name] for name in names], n)}.")
        severe = record.level is Level.NOT or record.mask_doubtful
        reasons = [*findings, *others] if severe else [*others, *findings]
        judged.append(Judgment(names, tuple(reasons), (int(severe), len(findings) + len(names))))
    return judged


def apart_text(shown: Sequence[ShownColumn], number: int) -> str:
    """Values of a scan with the medians of the study."""
    said = []
    for found in shown:
        value = found.values[number]
        assert value is not None  # it lies apart
        said.append(f"{found.column.title.lower()} {found.said(value)} (median {found.said(found.median)})")
    return ", ".join(said)


def _contrast_title(contrast: Contrast | None) -> str:
    return CONTRASTS[contrast] if contrast is not None else "unknown"
