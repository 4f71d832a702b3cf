"""What is kept of one scan of many: its figures or why there are none; never a volume."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, TypeVar

from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.tissue import Contrast, Tissue
from mriseg.segmentation.abnormal_tissue import AbnormalTissue, Side
from mriseg.segmentation.result import Result
from mriseg.segmentation.verdict import verdict

T = TypeVar("T")

CONTRASTS = {contrast.suffix: contrast for contrast in Contrast}
CODES = {code.value: code for code in FindingCode}
WORKER_DIED = (
    "A worker died over this scan, and again when it was tried once more, probably of too little memory. Use fewer "
    "workers or crop the scan."
)


@dataclass(frozen=True)
class Record:
    """One scan of many.

    Attributes
    ----------
    path : str
        As it was given.
    failure : str or None
        Why it was not segmented, in a sentence; all figures are then None or empty.
    is_final : bool
        Whether trying again would fail again: for a reason that lies in the scan, not in the machine.
    contrast : Contrast or None
    contrast_confidence, mask_confidence : float or None
    mask_doubtful : bool
    volumes_ml, volume_intervals_ml, fractions, abnormal, brain_ml, quality, warnings
        As in `Result`.
    abnormal_sought : bool
        Whether `abnormal` would be there if anything were.
    verdict : str
        How far the segmentation can be used, in a sentence.
    level : Level or None
        The same as a grade.
    findings : tuple of Finding
        What the verdict stands on, the worst first; only what is not good.
    several : str
        Which of several scans in the source was taken, and what of that was left out; "" where it is all of it.
    """

    path: str
    failure: str | None = None
    is_final: bool = True
    contrast: Contrast | None = None
    contrast_confidence: float | None = None
    mask_confidence: float | None = None
    mask_doubtful: bool = False
    volumes_ml: dict[Tissue, float] | None = None
    volume_intervals_ml: dict[Tissue, tuple[float, float]] | None = None
    fractions: dict[Tissue, float] = field(default_factory=dict)
    abnormal: AbnormalTissue | None = None
    abnormal_sought: bool = False
    brain_ml: float | None = None
    quality: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    verdict: str = ""
    level: Level | None = None
    findings: tuple[Finding, ...] = ()
    several: str = ""


RECORDED = {each.name for each in fields(Record)} - {"path"}  # what is kept of a record in a file


def of_result(path: str, result: Result, several: str = "") -> Record:
    """The record of a segmented scan.

    Parameters
    ----------
    path : str
        Of the scan, as it was given.
    result : Result
    several : str

    Returns
    -------
    Record
    """
    judged = verdict(result)
    return Record(
        path,
        contrast=result.contrast,
        contrast_confidence=result.contrast_confidence,
        mask_confidence=result.brain.confidence,
        mask_doubtful=result.brain.doubtful,
        volumes_ml=result.volumes_ml,
        volume_intervals_ml=result.volume_intervals_ml,
        fractions=result.fractions,
        abnormal=result.abnormal,
        abnormal_sought=result.settings.lesions,
        brain_ml=result.brain_ml,
        quality=result.quality,
        warnings=result.warnings,
        verdict=judged.headline,
        level=judged.level,
        findings=judged.doubts,
        several=several,
    )


def to_plain(record: Record) -> dict[str, Any]:
    """A record as numbers, strings, lists and dicts, ready for JSON.

    Parameters
    ----------
    record : Record

    Returns
    -------
    dict
        Without the path.
    """
    plain = {name: value for name, value in vars(record).items() if name != "path"}
    plain["contrast"] = record.contrast and record.contrast.suffix
    for name in ("volumes_ml", "volume_intervals_ml", "fractions"):
        plain[name] = plain[name] and {tissue.abbreviation: value for tissue, value in plain[name].items()}
    plain["abnormal"] = record.abnormal and _abnormal_to_plain(record.abnormal)
    plain["level"] = None if record.level is None else record.level.name
    plain["findings"] = [{**finding.to_plain(), "action": finding.action} for finding in record.findings]
    return plain


def from_plain(path: str, plain: dict[str, Any]) -> Record:
    """A record from what `to_plain` made of it, or from what somebody put in its place: nothing is taken on trust.

    Parameters
    ----------
    path : str
    plain : dict

    Returns
    -------
    Record

    Raises
    ------
    AttributeError, KeyError, OverflowError, TypeError, ValueError
        If it was made by another version or damaged.
    """
    if plain.keys() != RECORDED:
        raise ValueError("not the fields of this version")
    return Record(
        path,
        failure=_optional(text, plain["failure"]),
        is_final=_flag(plain["is_final"]),
        contrast=_optional(CONTRASTS.__getitem__, plain["contrast"]),
        contrast_confidence=_optional(_number, plain["contrast_confidence"]),
        mask_confidence=_optional(_number, plain["mask_confidence"]),
        mask_doubtful=_flag(plain["mask_doubtful"]),
        volumes_ml=_optional(partial(_by_tissue, _number), plain["volumes_ml"]),
        volume_intervals_ml=_optional(partial(_by_tissue, _interval), plain["volume_intervals_ml"]),
        fractions=_by_tissue(_number, plain["fractions"]) if plain["fractions"] else {},
        abnormal=_optional(_abnormal, plain["abnormal"]),
        abnormal_sought=_flag(plain["abnormal_sought"]),
        brain_ml=_optional(_number, plain["brain_ml"]),
        quality={text(name): _number(value) for name, value in plain["quality"].items()},
        warnings=tuple(map(text, plain["warnings"])),
        verdict=text(plain["verdict"]),
        level=_optional(Level.__getitem__, plain["level"]),
        findings=tuple(map(_finding, plain["findings"])),
        several=text(plain["several"]),
    )


def text(value: object) -> str:
    """A value of a record that must be text.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If it is none.
    """
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("no number")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _interval(value: Any) -> tuple[float, float]:
    low, high = value
    return _number(low), _number(high)


def _optional(kind: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else kind(value)


def _by_tissue(kind: Callable[[Any], T], plain: dict[str, Any]) -> dict[Tissue, T]:
    return {tissue: kind(plain[tissue.abbreviation]) for tissue in Tissue}


def _abnormal_to_plain(abnormal: AbnormalTissue) -> dict[str, Any]:
    expected = abnormal.expected_ml
    return {
        **vars(abnormal),
        "side": abnormal.side.value,
        "expected_ml": expected and {tissue.abbreviation: ml for tissue, ml in expected.items()},
    }


def _abnormal(plain: dict[str, Any]) -> AbnormalTissue:
    return AbnormalTissue(
        share=_number(plain["share"]),
        volume_ml=_optional(_number, plain["volume_ml"]),
        interval_ml=_optional(_interval, plain["interval_ml"]),
        parts=int(_number(plain["parts"])),
        largest_ml=_optional(_number, plain["largest_ml"]),
        side=Side(plain["side"]),
        expected_ml=_optional(partial(_by_tissue, _number), plain["expected_ml"]),
    )


def _finding(plain: dict[str, str]) -> Finding:
    action = text(plain["action"])
    statement = text(plain["text"]).removesuffix(action).rstrip()
    return Finding(CODES[plain["code"]], Level[plain["level"]], statement, action)
