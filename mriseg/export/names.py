"""How the files are called that a segmentation writes."""

import re

# What follows the stem: of labels, posteriors, masks, figures, reports and pictures, with their tables and sidecars.
SUFFIX = re.compile(
    r"(_(label|desc)-[0-9A-Za-z]+)*_(dseg|probseg|mask|stats|report|mosaic)\.(nii\.gz|png|jpg|tsv|json|html|pdf)"
)
