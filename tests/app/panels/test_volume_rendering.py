"""The volume that the rendering in three dimensions is made of."""

import gzip
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

from mriseg.app.panels.volume_rendering import colored_volume
from mriseg.core.tissue import ABNORMAL, LABELS, Tissue
from mriseg.image.morphology import bounding_box
from mriseg.image.orientation import orient, reorient


@pytest.fixture(scope="module")
def analysis(with_lesion):
    scan, result = with_lesion
    return SimpleNamespace(scan=scan, result=result, limits=(0.0, float(scan.data.max())))


def colors(analysis, shown):
    """Red, green and blue of each voxel of the brain's box, and the labels there."""
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(colored_volume(analysis, shown)))
    packed = np.asanyarray(image.dataobj)
    labels = reorient(analysis.result.labels, orient(analysis.scan)[1])
    return np.stack([packed[name] for name in "RGB"], -1), labels[bounding_box(labels > 0)]


def test_each_voxel_has_the_color_of_its_tissue_and_what_is_not_shown_is_empty(analysis):
    shown, labels = colors(analysis, tuple(Tissue))
    for tissue in Tissue:
        found = shown[labels == tissue.number].astype(float)
        hue = found / found.max(-1, keepdims=True)
        assert np.abs(hue - np.array(tissue.rgb) / max(tissue.rgb)).max() < 0.02
    assert not shown[labels == ABNORMAL.number].any()


def test_the_tissues_are_cut_open_at_the_middle_of_what_is_abnormal(analysis):
    shown, labels = colors(analysis, LABELS)
    abnormal = labels == ABNORMAL.number
    assert shown[abnormal].any(-1).all()
    middle = int(np.argwhere(abnormal)[:, 0].mean())
    assert not shown[:middle][~abnormal[:middle]].any()
    assert shown[middle:][labels[middle:] > 0].any(-1).all()
