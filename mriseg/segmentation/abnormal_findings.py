"""What is said of tissue that is unlike any of the three: how much, where, and never what it may be."""

from collections.abc import Iterator

from mriseg.core.decimals import decimal, percent
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.segmentation.abnormal_tissue import AbnormalTissue, Side
from mriseg.segmentation.result import Result

# Of a healthy brain up to so much looks abnormal: cortex about the insula, vessels, the lining of the ventricles.
MUCH_ML, MUCH_SHARE = 3.0, 0.005
# More of a brain than that is none that the tissues could be told in: the levels of healthy tissue hang on few voxels.
MOST_SHARE = 0.4
ON_SIDE = {
    Side.LEFT: ", mostly on the left",
    Side.RIGHT: ", mostly on the right",
    Side.BOTH: ", on both sides",
    Side.UNKNOWN: "",
}


def abnormal_findings(result: Result) -> Iterator[Finding]:
    """What to say of abnormal tissue.

    Parameters
    ----------
    result : Result

    Yields
    ------
    Finding
    """
    abnormal = result.abnormal
    if abnormal is None:
        return
    unit = "mL" if result.labels.ndim == 3 else "mL per mm of slice thickness"
    says = f"{_amount(abnormal, unit)}{ON_SIDE[abnormal.side]}; this is no diagnosis."
    if abnormal.share > MOST_SHARE:
        yield Finding(
            FindingCode.MOSTLY_ABNORMAL,
            Level.NOT,
            f"{says} Too little of the brain looks like healthy tissue to tell the tissues apart.",
            "Check the map. If this is not a brain, use another scan.",
        )
        return
    much = abnormal.share > MUCH_SHARE if abnormal.volume_ml is None else abnormal.volume_ml >= MUCH_ML
    yield Finding(
        FindingCode.ABNORMAL_TISSUE,
        Level.CARE if much else Level.GOOD,
        f"{says} It is not counted as gray matter, white matter or fluid.",
        "Check the map; switch this off if it is healthy tissue." if much else "",
    )


def _amount(abnormal: AbnormalTissue, unit: str) -> str:
    """How much there is, in how many parts."""
    if abnormal.volume_ml is None or abnormal.largest_ml is None:
        parts = f", in {abnormal.parts} parts" if abnormal.parts > 1 else ""
        return f"{percent(abnormal.share, 1)} of the brain is unlike any of the three tissues{parts}"
    largest = decimal(abnormal.largest_ml, 1)
    parts = f", in {abnormal.parts} parts, the largest {largest}" if abnormal.parts > 1 else ""
    return f"{decimal(abnormal.volume_ml, 1)} {unit} of tissue unlike any of the three{parts}"
