"""How the files are called that a segmentation writes, and so which of a folder are such files and no scans."""

import re

# What follows the stem: of labels, posteriors, masks, figures, reports and pictures, with their tables and sidecars.
SUFFIX = re.compile(
    r"(_(label|desc)-[0-9A-Za-z]+)*_(dseg|probseg|mask|stats|report|mosaic)\.(nii\.gz|png|jpg|tsv|json|html|pdf)"
)
# Images that anybody's segmentation writes, as BIDS names them.
SEGMENTATION = re.compile(
    r"((.*_)?(dseg|probseg|mask)|.*_desc-tissues_mosaic)\.[a-z]+(\.gz)?", re.IGNORECASE | re.DOTALL
)


def is_segmentation(name: str) -> bool:
    """Whether a file is called as labels, probabilities and masks are, and so shows no signal.

    Parameters
    ----------
    name : str
        Of the file, without its folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_segmentation("sub-01_T1w_label-GM_probseg.nii.gz"), is_segmentation("sub-01_T1w.nii.gz")
    (True, False)
    """
    return SEGMENTATION.fullmatch(name) is not None
