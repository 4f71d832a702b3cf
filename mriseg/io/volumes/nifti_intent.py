"""What a NIfTI header says that its numbers mean, where that is something else than a scan."""

from typing import Any

import numpy as np

# The standard's codes, https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h, and those that FSL added.
STATISTICS = {
    2: "correlations",
    3: "t statistics",
    4: "F statistics",
    5: "z scores",
    6: "chi-squared statistics",
    22: "p-values",
    23: "logarithms of p-values",
    24: "logarithms of p-values",
}
OTHER_STATISTICS = range(7, 22)  # distributions from beta to extreme value
QUANTITIES = {
    1001: "estimated parameters",
    1002: "labels",
    1003: "labels",
    1008: "points of a surface",
    1009: "triangles of a surface",
    2002: "numbers of a surface's points",
    2005: "the shape of a surface",
}
# Of several numbers for each voxel. In a file that holds one volume they cannot be true and say nothing.
SEVERAL = {
    1004: "matrices",
    1005: "tensors",
    1006: "displacements",
    1007: "vectors",
    1010: "quaternions",
    2003: "colors of directions",
    2004: "colors of directions",
    **dict.fromkeys((2006, 2007, 2008, 2009, 2016, 2017, 2018), "coefficients of a deformation or a field"),
}
CIFTI = range(3000, 3100)
# What SPM writes into the description of what it computes; FSL and FreeSurfer write their version into all files.
SPM = (
    (b"SPM{T", "t statistics"),
    (b"SPM{F", "F statistics"),
    (b"SPM{X", "chi-squared statistics"),
    (b"SPM contrast", "contrasts of estimated parameters"),
    (b"spm_spm:", "estimated parameters, residuals or the like"),
    (b"Tissue class", "probabilities of a tissue"),
    (b"Warped tissue class", "probabilities of a tissue"),
)


def meaning(header: Any, volumes: int) -> str | None:
    """What the numbers are, as the header says, if they are no intensities of a scan.

    Parameters
    ----------
    header : nibabel header
        Of NIfTI-1, NIfTI-2 or Analyze.
    volumes : int
        How many the file holds.

    Returns
    -------
    str or None
        Such as "t statistics"; None where nothing is said, or nothing that rules a scan out: no intent, a time series
        (2001), numbers without a dimension (1011), and codes that nobody defined.
    """
    described = np.asarray(header["descrip"]).tobytes()
    for start, what in SPM:
        if described.startswith(start):
            return f"{what} (SPM)"
    if "intent_code" not in header:  # Analyze has none
        return None
    code = int(header["intent_code"])
    if code in OTHER_STATISTICS:
        return "statistics"
    if code in CIFTI:
        return "values on a surface (CIFTI)"
    if volumes > 1 and code in SEVERAL:
        return SEVERAL[code]
    return STATISTICS.get(code) or QUANTITIES.get(code)
