from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, Tissue
from mriseg.brain.extraction import Brain
from mriseg.core.scan import HeaderContrast, picture, volume
from mriseg.image.orientation import orient
from mriseg.mixture.fit import fit
from mriseg.mixture.histogram import Cells
from mriseg.mixture.likelihood import bin_voxels
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior
from mriseg.segmentation.assembly import assemble
from mriseg.segmentation.bias_field import uniform_field
from mriseg.segmentation.result import Joint
from mriseg.segmentation.stages import BiasCorrection
from mriseg.segmentation.tissue_maps import TissueMaps

GM, WM, CSF = Tissue


@pytest.fixture(scope="module")
def parts(scanned, segmented):
    """The arguments of `assemble` for a scan that is stored left to right and front to back."""
    result, affine = segmented(Contrast.T1), scanned(Contrast.T1).affine
    scan = volume(scanned(Contrast.T1).data[::-1, ::-1], affine @ np.diag([-1.0, -1.0, 1.0, 1.0]))
    canonical, orientation = orient(scan)
    box = result.stages.region.box
    mask = result.mask[box]
    maps = TissueMaps(
        mask, result.labels[box], result.posteriors[box], np.rint(255 * result.partial_volumes[box]).astype(np.uint8)
    )
    return {
        "scan": scan,
        "canonical": canonical,
        "orientation": orientation,
        "settings": Settings(),
        "stages": result.stages,
        "maps": maps,
        "curves": result.curves,
        "histogram": bin_voxels([canonical.data[box] / result.box_bias], mask).histograms[0],
        "joint": None,
    }


def test_what_was_measured_is_that_of_the_same_head_the_other_way_around(parts, segmented):
    there, here = assemble(**parts), segmented(Contrast.T1)
    np.testing.assert_array_equal(there.labels, here.labels[::-1, ::-1])
    np.testing.assert_array_equal(there.posteriors, here.posteriors[::-1, ::-1])
    np.testing.assert_array_equal(there.bias, here.bias[::-1, ::-1])
    assert there.volumes_ml == here.volumes_ml
    assert there.volume_intervals_ml == here.volume_intervals_ml
    assert there.fractions == here.fractions
    assert there.quality == here.quality
    assert there.joint is None
    assert there.stages is here.stages


@pytest.mark.parametrize("known", [True, False])
def test_the_sides_are_known_only_where_the_scan_knows_them(parts, known):
    assert assemble(**{**parts, "scan": replace(parts["scan"], sides_known=known)}).sides_known is known


def test_sides_and_planes_are_known_only_where_the_head_lies_as_the_header_says(parts):
    upright = assemble(**parts)
    assert upright.head_direction.degrees < 10
    assert upright.planes_known
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])  # the same voxels, which another header calls upside down
    turned = {name: replace(parts[name], affine=flip @ parts[name].affine) for name in ("scan", "canonical")}
    other = assemble(**{**parts, **turned})
    assert other.head_direction.degrees > 170
    assert (other.head_direction.nose, other.head_direction.crown) == ("front", "feet")
    assert not other.planes_known
    assert not other.sides_known


def test_what_the_header_states_is_noted(parts):
    stated = replace(parts["scan"], header_contrast=HeaderContrast(Contrast.PD, "TR 3000 ms, TE 15 ms"))
    assert (
        "Contrast according to the header: PD-weighted (TR 3000 ms, TE 15 ms)."
        in assemble(**{**parts, "scan": stated}).notes
    )
    assert not any("header" in note for note in assemble(**parts).notes)


def test_the_average_brain_is_noted_where_it_was_asked(parts):
    asked = [note for note in assemble(**parts).notes if "anatomical prior" in note]
    assert len(asked) == 1
    for settings, zones in ((Settings(classes=4), 2), (Settings(), 1)):
        prior = PriorZones(np.zeros((1, 1, 1), np.uint8), np.full((zones, 3), 1 / 3), np.zeros(zones))
        tissues = replace(parts["stages"].tissues, spatial_prior=prior)
        stages = replace(parts["stages"], tissues=tissues)
        notes = assemble(**{**parts, "settings": settings, "stages": stages}).notes
        assert not any("anatomical prior" in note for note in notes)


def test_two_contrasts_have_a_joint_histogram(parts):
    data = parts["canonical"].data[parts["stages"].region.box]
    mask = parts["maps"].mask
    of_both = Joint.of(bin_voxels([data, np.sqrt(data)], mask), mask)
    assert assemble(**{**parts, "joint": of_both}).joint.counts.sum() == mask.sum()


@pytest.mark.parametrize(("pixel_mm", "per_voxel_ml"), [(None, None), (2.0, 0.004), (0.5, 0.00025)])
def test_a_picture_is_measured_for_each_millimeter_of_thickness(parts, pixel_mm, per_voxel_ml):
    at, box = 30, parts["stages"].region.box
    flat = TissueMaps(*(array[:, :, at] for array in vars(parts["maps"]).values() if array is not None))
    scan = picture(parts["canonical"].data[:, :, box[2].start + at])
    region = replace(parts["stages"].region, mask=parts["stages"].region.mask[:, :, box[2].start + at], box=box[:2])
    even = BiasCorrection((uniform_field(2),), None)
    stages = replace(parts["stages"], region=region, brain=Brain(region.mask, False), bias_correction=even)
    result = assemble(
        scan,
        *orient(scan),
        settings=Settings(pixel_size=pixel_mm),
        stages=stages,
        maps=flat,
        curves=parts["curves"],
        histogram=parts["histogram"],
        joint=None,
    )
    noted = any("per mm of slice thickness" in note for note in result.notes)
    assert noted == (pixel_mm is not None)
    if per_voxel_ml is None:
        assert result.volumes_ml is result.volume_intervals_ml is result.brain_ml is None
    else:
        assert result.brain_ml == pytest.approx(flat.mask.sum() * per_voxel_ml)


def test_how_much_the_average_brain_decides_is_the_larger_change_of_gray_and_white_without_it(parts):
    result = assemble(**parts)
    fitted = parts["stages"].fitted
    alone = fit(Cells.of(parts["histogram"]), fitted.tissues)
    changes = [
        abs(np.log(alone.shares[fitted.tissues.index(tissue)] / fitted.shares[fitted.tissues.index(tissue)]))
        for tissue in (GM, WM)
    ]
    assert result.quality["position_weight"] == pytest.approx(max(changes))
    uniform = replace(parts["stages"].tissues, spatial_prior=uniform_prior(parts["maps"].mask.shape))
    unasked = {**parts, "stages": replace(parts["stages"], tissues=uniform)}
    assert "position_weight" not in assemble(**unasked).quality
