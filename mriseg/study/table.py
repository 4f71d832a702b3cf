"""The table of a study: a row for each scan, a column for each figure, and what each column means.

References
----------
Iglewicz, Hoaglin: How to detect and handle outliers. ASQC, 1993 (the modified z score and its limit of 3.5).
BIDS specification 1.10, "Tabular files" and "Data dictionaries".
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mriseg.core.tissue import ABNORMAL, Tissue
from mriseg.quality.definitions import FIGURES
from mriseg.study.record import Record

NOT_AVAILABLE = "n/a"
DONE, FAILED = "done", "failed"
# What a text may not begin with in a table: spreadsheets take it for a formula, also in the wide signs of East Asia, or
# for a cell that goes on over tabs and lines.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", '"')
MOST_Z = 3.5  # modified z score past which a value is an outlier, where the scans are many
# Of few scans the median deviation is itself unsure. With this much more over their number to 3/2, one in a thousand
# normal values is an outlier from 8 scans on; with 3.5 alone it would be one in 50 of 8 scans, and that in each column.
MORE_Z = 110.0
LEAST_SCANS = 8  # below that a median deviation says nothing
# Differences from the median that are none, however alike the other scans are: of a share, and of the median otherwise.
LEAST_SHARE, LEAST_RATIO = 0.01, 0.001
# The median and the mean absolute deviation of a normal distribution, in standard deviations.
MEDIAN_DEVIATION, MEAN_DEVIATION = 0.6745, 0.7979


@dataclass(frozen=True)
class Row:
    """One scan of a study.

    Attributes
    ----------
    name : str
        What the names of its derivatives begin with.
    source : str
        Its path in the study.
    record : Record
    """

    name: str
    source: str
    record: Record


@dataclass(frozen=True)
class Column:
    """One column of figures.

    Attributes
    ----------
    name : str
        In the table.
    title : str
        In a clinician's words.
    unit : str
        "mL", "mm", "%" for a share to be shown in percent, "" for a ratio.
    meaning : str
        In a sentence.
    value : callable
        Takes a record; None where it has none.
    suspect : {"high", "low", "both", "none"}
        On which side of the others an outlier is suspect.
    is_certainty : bool
        Whether it is a probability by our own model, which people are never shown as 100 %.
    """

    name: str
    title: str
    unit: str
    meaning: str
    value: Callable[[Record], float | None]
    suspect: str = "none"
    is_certainty: bool = False


def _volumes() -> list[Column]:
    """Of each tissue the volume and the ends of its interval."""
    columns = []
    for tissue in Tissue:
        name, title, volume = f"{tissue.abbreviation.lower()}_ml", tissue.title, f"volume of {tissue.title.lower()}"
        columns += [
            Column(
                name=name,
                title=title,
                unit="mL",
                meaning=f"{volume.capitalize()}, from partial volumes.",
                value=lambda record, tissue=tissue: record.volumes_ml and record.volumes_ml[tissue],  # type: ignore[misc]
                suspect="both",
            ),
            *_interval_ends(
                name,
                title,
                volume,
                lambda record, tissue=tissue: record.volume_intervals_ml and record.volume_intervals_ml[tissue],  # type: ignore[misc]
            ),
        ]
    return columns


def _interval_ends(
    name: str, title: str, volume: str, interval: Callable[[Record], tuple[float, float] | None]
) -> list[Column]:
    """The least and the largest likely volume."""
    return [
        Column(
            name=f"{name}_{side}",
            title=f"{title}, {side}est likely",
            unit="mL",
            meaning=f"{side.title()} end of the interval that holds the {volume} with a probability of 95 %, if the "
            "mask is right.",
            value=lambda record, end=end: (ends := interval(record)) and ends[end],  # type: ignore[misc]
        )
        for end, side in enumerate(("low", "high"))
    ]


def _abnormal() -> list[Column]:
    """What is unlike any tissue: nothing where none was found, not available where none was looked for."""
    title = ABNORMAL.title
    return [
        Column(
            name="lesion_ml",
            title=title,
            unit="mL",
            meaning="Volume of what is unlike any of the three tissues; no diagnosis.",
            value=lambda record: _of_abnormal(record, "volume_ml", 0.0 if record.volumes_ml else None),
            suspect="high",
        ),
        *_interval_ends(
            "lesion_ml", title, f"volume of {title.lower()}", lambda record: _of_abnormal(record, "interval_ml", None)
        ),
        Column(
            name="lesion_share",
            title=f"{title}, share",
            unit="%",
            meaning="The same as a share of intracranial volume.",
            value=lambda record: _of_abnormal(record, "share", 0.0),
        ),
        Column(
            name="lesion_parts",
            title=f"{title}, parts",
            unit="",
            meaning="In how many pieces it lies.",
            value=lambda record: _of_abnormal(record, "parts", 0.0),
        ),
    ]


def _of_abnormal(record: Record, field: str, nothing: Any) -> Any:
    """A figure of what is abnormal; `nothing` where it was looked for and not found."""
    if record.abnormal is None:
        return nothing if record.abnormal_sought else None
    return getattr(record.abnormal, field)


COLUMNS: tuple[Column, ...] = (
    *_volumes(),
    *_abnormal(),
    Column(
        name="cranial_cavity_ml",
        title="Intracranial volume (ICV)",
        unit="mL",
        meaning="Volume of the brain mask: gray matter, white matter, fluid and what is abnormal together.",
        value=lambda record: record.brain_ml,
        suspect="both",
    ),
    *(
        Column(
            name=figure.key,
            title=figure.name,
            unit=figure.unit,
            meaning=figure.meaning,
            value=lambda record, key=figure.key: record.quality.get(key),  # type: ignore[misc]
            suspect={"high": "low", "low": "high", "one": "both", "none": "both"}[figure.good],
            is_certainty=figure.is_certainty,
        )
        for figure in FIGURES
    ),
    Column(
        name="mask_confidence",
        title="Confidence of the brain outline",
        unit="%",
        meaning="Probability that the outline found is that of a brain.",
        value=lambda record: record.mask_confidence,
        suspect="low",
        is_certainty=True,
    ),
    Column(
        name="contrast_confidence",
        title="Confidence of the contrast",
        unit="%",
        meaning="Probability that the contrast, and with it the tissues, is right.",
        value=lambda record: record.contrast_confidence,
        suspect="low",
        is_certainty=True,
    ),
)
OTHER_COLUMNS = {
    "participant_id": "Participant, as in the study.",
    "session_id": "Session, as in the study; n/a where it has none.",
    "scan": "What the names of the scan's derivatives begin with.",
    "status": "Whether the scan was segmented.",
    "reason": "Why it was not segmented.",
    "contrast": "What the scan is weighted by, as its tissues show.",
    "verdict": "How far the segmentation can be used: GOOD, CARE (with care) or NOT.",
    "doubts": "What the verdict stands on.",
    "outliers": "Columns in which the scan lies apart from the others of the study: modified z score above "
    f"{MOST_Z:g}, more in a small study, on the side that is bad for figures of quality.",
}
BEFORE_FIGURES, AFTER_FIGURES = tuple(OTHER_COLUMNS)[:6], tuple(OTHER_COLUMNS)[6:]  # where they stand in the table


def outliers(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Columns in which each scan lies apart from the others.

    Parameters
    ----------
    rows : sequence of Row

    Returns
    -------
    dict of str to tuple of str
        Names of columns by the name of the scan; only scans that have any. Empty for fewer than 8 scans.
    """
    done = [row for row in rows if row.record.failure is None]
    apart: dict[str, list[str]] = {}
    for column in COLUMNS:
        if column.suspect == "none":
            continue
        valued = [(row.name, column.value(row.record)) for row in done]
        valued = [(name, value) for name, value in valued if value is not None and np.isfinite(value)]
        if len(valued) < LEAST_SCANS:
            continue
        values = np.array([value for _, value in valued])
        median = np.median(values)
        least = LEAST_SHARE if column.unit == "%" else LEAST_RATIO * abs(median)
        scores = np.where(np.abs(values - median) >= least, z_scores(values), 0)
        most = most_z(len(valued))
        bad = {"high": scores > most, "low": scores < -most, "both": np.abs(scores) > most}[column.suspect]
        for (name, _), is_bad in zip(valued, bad, strict=True):
            if is_bad:
                apart.setdefault(name, []).append(column.name)
    return {name: tuple(columns) for name, columns in apart.items()}


def most_z(count: int) -> float:
    """The modified z score past which one value of so many is an outlier.

    Parameters
    ----------
    count : int

    Returns
    -------
    float
    """
    return MOST_Z + MORE_Z / count**1.5


def z_scores(values: np.ndarray) -> np.ndarray:
    """Modified z scores: distance from the median over the median deviation, or where that is 0 the mean one.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        In standard deviations of a normal distribution; 0 where all values are alike.
    """
    distance = values - np.median(values)
    spread = float(np.median(np.abs(distance))) / MEDIAN_DEVIATION
    spread = spread or float(np.mean(np.abs(distance))) / MEAN_DEVIATION
    return distance / spread if spread > 0 else np.zeros_like(distance)


def table(rows: Sequence[Row]) -> str:
    """The table as tab-separated values, as BIDS has them.

    Parameters
    ----------
    rows : sequence of Row

    Returns
    -------
    str
        A line for each row under a head.
    """
    apart = outliers(rows)
    lines = ["\t".join([*BEFORE_FIGURES, *(column.name for column in COLUMNS), *AFTER_FIGURES])]
    for row in rows:
        record = row.record
        values = [column.value(record) for column in COLUMNS]
        participant, *rest = row.name.split("_")
        before = [
            participant,
            next((part for part in rest if part.startswith("ses-")), None),
            row.name,
            DONE if record.failure is None else FAILED,
            record.failure,
            record.contrast and record.contrast.suffix,
        ]
        figures = [NOT_AVAILABLE if value is None else repr(float(value)) for value in values]
        after = [
            None if record.level is None else record.level.name,
            " ".join(finding.titled_text for finding in record.findings) or None,
            " ".join(apart.get(row.name, ())) or None,
        ]
        lines.append("\t".join([*map(_cell, before), *figures, *map(_cell, after)]))
    return "\n".join(lines) + "\n"


def dictionary() -> str:
    """What each column of the table means, as JSON.

    Returns
    -------
    str
    """
    others: dict[str, dict[str, Any]] = {name: {"Description": meaning} for name, meaning in OTHER_COLUMNS.items()}
    entries = {name: others[name] for name in BEFORE_FIGURES}
    for column in COLUMNS:
        entry = {"LongName": column.title, "Description": column.meaning}
        if column.unit in ("mL", "mm"):
            entry["Units"] = column.unit
        elif column.unit == "%":
            entry["Description"] += " As a share, 0 to 1."
        entries[column.name] = entry
    entries |= {name: others[name] for name in AFTER_FIGURES}
    entries["status"]["Levels"] = {DONE: "It was segmented.", FAILED: "It was not."}
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _cell(value: str | None) -> str:
    return NOT_AVAILABLE if value is None else text_cell(value)


def text_cell(value: str) -> str:
    """What stands for a text in a cell: on one line, and never taken for a formula by the program that opens the table.

    Parameters
    ----------
    value : str

    Returns
    -------
    str
        With an apostrophe before what begins as formulas and quoted cells do.

    Examples
    --------
    >>> text_cell("It is\\tcut short."), text_cell("=HYPERLINK(0)")
    ('It is cut short.', "'=HYPERLINK(0)")
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())
    return f"'{line}" if line.startswith(FORMULA) else line
