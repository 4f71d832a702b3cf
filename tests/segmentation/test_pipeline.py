import os
import subprocess
import sys
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
import scipy

import mriseg
from mriseg import Contrast, MrisegError, Settings, Tissue, segment
from mriseg.brain import told_mask
from mriseg.core.errors import BrainNotFoundError, SettingsError
from mriseg.core.scan import picture, volume
from mriseg.core.tissue import ABNORMAL
from mriseg.datasets.phantom import AIR, BONE, FAT, MUSCLE, SKIN, VITREOUS, simulate
from mriseg.image.morphology import dilate, erode
from mriseg.segmentation.pipeline import STAGES
from tests.helpers import ALL_AXES, dice, nifti, stored_as

CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)
# Dice of GM, WM and CSF on the phantom at 2 mm, less 0.02. Fluid in a sulcus is thinner than such a voxel, and the
# skull is as dark as fluid on T1; gray matter and fluid hardly differ on PD, nor gray and white on FLAIR.
FLOORS = {
    Contrast.T1: (0.93, 0.96, 0.83),
    Contrast.T2: (0.90, 0.88, 0.93),
    Contrast.PD: (0.72, 0.85, 0.53),
    Contrast.FLAIR: (0.61, 0.71, 0.80),
}
SLICE_FLOORS = {Contrast.T1: (0.82, 0.92, 0.71), Contrast.T2: (0.89, 0.80, 0.90)}
UNCORRECTED = Settings(correct_bias=False)
TOLD = Settings(correct_bias=False, contrast="t1")  # the quickest way to labels
CUTS = {"axial": (2, 58), "coronal": (1, 60), "sagittal": (0, 44)}


def upright(array, cut):
    """A slice as a picture: the head up, rows running down."""
    axis, index = CUTS[cut]
    return np.ascontiguousarray(array.take(index, axis).T[::-1])


def scores(labels, truth):
    return [dice(labels == tissue.number, truth == tissue.number) for tissue in Tissue]


@pytest.fixture(scope="module", autouse=True)
def judged_alone():
    """Beside a mask that is given the brain is not searched, to judge it: half of the time of most tests here.

    How it is judged is asked in `tests/brain/test_told_mask.py`.
    """

    def nothing(*_):
        raise BrainNotFoundError("It was not searched.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(told_mask, "extract", nothing)
        yield


@pytest.fixture(scope="module")
def small(coarse):
    """A coarse scan, its affine and the mask of its brain: the mask given, a segmentation takes a moment."""
    scan = simulate(coarse, Contrast.T1)
    return scan, coarse.truth > 0


@pytest.fixture(scope="module")
def reference(small):
    scan, mask = small
    return segment(scan, mask=mask)


@pytest.fixture(scope="module")
def uncorrected(small):
    scan, mask = small
    return segment(scan, UNCORRECTED, mask=mask)


@pytest.fixture(scope="module")
def told(small):
    scan, mask = small
    return segment(scan, TOLD, mask=mask)


@pytest.fixture(scope="module")
def without_position(small):
    scan, mask = small
    return segment(scan, Settings(use_position=False), mask=mask)


@pytest.fixture(scope="module")
def with_brain_given(scanned, phantom):
    """The phantom at 2 mm in a contrast that is given, as its brain is."""
    return cache(
        lambda contrast: segment(scanned(contrast), Settings(contrast=contrast.setting), mask=phantom.truth > 0)
    )


# What it finds


@pytest.mark.slow
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_contrast_is_named_rightly(segmented, contrast):
    result = segmented(contrast)
    assert result.contrast is contrast
    assert result.mixture.tissues == contrast.dark_to_bright


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_tissues_are_found(scanned, segmented, phantom, contrast):
    # The contrast given, so that this asks for the borders only.
    result = segment(scanned(contrast), Settings(contrast=contrast.setting), earlier=segmented(contrast))
    assert all(np.array(scores(result.labels, phantom.truth)) > FLOORS[contrast])


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_brain_is_found(segmented, phantom, contrast):
    assert dice(segmented(contrast).mask, phantom.truth > 0) > 0.95


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_air_is_never_tissue(segmented, phantom, contrast):
    assert not segmented(contrast).labels[phantom.matter == AIR].any()


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_scalp_face_and_neck_are_not_tissue(segmented, phantom, contrast):
    labeled = phantom.matter[segmented(contrast).labels > 0]
    assert np.isin(labeled, (FAT, MUSCLE, SKIN, VITREOUS)).mean() < 0.002


@pytest.mark.slow
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_brain_given_the_tissues_are_found_as_well(with_brain_given, phantom, contrast):
    result = with_brain_given(contrast)
    np.testing.assert_array_equal(result.mask, phantom.truth > 0)
    assert all(np.array(scores(result.labels, phantom.truth)) > FLOORS[contrast])


@pytest.mark.slow
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_stripped_scan_is_taken_as_it_is(scanned, phantom, contrast):
    data = np.where(phantom.truth > 0, scanned(contrast).data, 0)
    result = segment(volume(data, phantom.affine), Settings(contrast=contrast.setting))
    assert dice(result.mask, phantom.truth > 0) > 0.99
    assert all(np.array(scores(result.labels, phantom.truth)) > FLOORS[contrast])


@pytest.mark.slow
def test_bone_around_a_stripped_brain_is_no_tissue(scanned, phantom):
    tight = phantom.truth > 0
    mask = dilate(tight, 2.0, (2.0,) * 3)
    result = segment(volume(np.where(mask, scanned(Contrast.T2).data, 0), phantom.affine))
    assert result.contrast is Contrast.T2
    bone = mask & ~tight & (phantom.matter == BONE)
    assert bone.sum() > 5000
    assert (result.mask & bone).sum() < 0.05 * bone.sum()
    white = result.labels == Tissue.WM.number
    assert dice(white, phantom.truth == Tissue.WM.number) > FLOORS[Contrast.T2][1] - 0.02


@pytest.mark.slow
def test_what_shares_its_voxel_with_the_background_is_no_white_matter(scanned, phantom):
    """At one side only, where the rim of the mask was averaged with what lies around."""
    brain = phantom.truth > 0
    rim = brain & ~erode(brain, 2.0, (2.0,) * 3)
    rim[33:] = False
    data = np.where(rim, 0.25 * scanned(Contrast.T2).data, np.where(brain, scanned(Contrast.T2).data, 0))
    result = segment(volume(data, phantom.affine), Settings(contrast="t2"))
    assert rim.sum() > 3000
    np.testing.assert_array_equal(result.brain.mask, brain)
    assert (result.labels == Tissue.WM.number)[rim].mean() < 0.2
    left_out = (brain & ~result.mask).sum() * 8 / 1000
    assert any(f"{left_out:.0f} mL" in finding.text for finding in result.findings if finding.code == "rim-left-out")


@pytest.mark.parametrize("contrast", SLICE_FLOORS)
@pytest.mark.parametrize("cut", CUTS)
def test_a_slice_is_segmented(scanned, phantom, cut, contrast):
    result = segment(picture(upright(scanned(contrast).data, cut)))
    assert result.contrast is contrast
    assert all(np.array(scores(result.labels, upright(phantom.truth, cut))) > SLICE_FLOORS[contrast])


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_an_inverted_slice_keeps_its_names(scanned, phantom, contrast):
    image = upright(scanned(contrast).data, "axial")
    result = segment(picture(image.max() - image))
    assert result.mixture.tissues == contrast.dark_to_bright  # of the negative
    assert all(np.array(scores(result.labels, upright(phantom.truth, "axial"))) > SLICE_FLOORS[contrast])


@pytest.mark.slow
@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_an_inverted_volume_keeps_its_names(coarse, contrast):
    scan, mask = simulate(coarse, contrast), coarse.truth > 0
    inverted = volume(scan.data.max() - scan.data, scan.affine)
    here, there = segment(scan, mask=mask), segment(inverted, mask=mask)
    assert there.mixture.tissues == here.mixture.tissues
    assert np.mean(there.labels[mask] == here.labels[mask]) > 0.97


# On real scans


@pytest.fixture(scope="module")
def sagittal(shared):
    scan = mriseg.read(shared / "data" / "seed" / "sagittal_t2.png")
    return scan, segment(scan)


def test_the_sagittal_seed_scan_is_t2(sagittal):
    _, result = sagittal
    assert result.contrast is Contrast.T2
    assert result.mixture.tissues[-1] is Tissue.CSF
    assert result.mixture.means[-1] == result.mixture.means.max()


def test_the_air_of_the_sagittal_seed_scan_is_no_tissue(sagittal):
    scan, result = sagittal
    dark = scipy.ndimage.gaussian_filter(scan.data, 2) < 0.05 * scan.data.max()
    pieces, _ = scipy.ndimage.label(np.pad(dark, 1, constant_values=True))
    air = (pieces == pieces[0, 0])[1:-1, 1:-1]  # what is dark within the head may be tissue
    assert air.mean() > 0.1
    assert not result.labels[air].any()


def test_the_neck_of_the_sagittal_seed_scan_is_no_tissue(sagittal):
    scan, result = sagittal
    assert not result.labels[3 * len(scan.data) // 4 :].any()


def test_the_axial_seed_scan_is_t2(shared):
    result = segment(mriseg.read(shared / "data" / "seed" / "axial_t2_png_named.jpg"))
    assert result.mixture.tissues == Contrast.T2.dark_to_bright


# What the result holds


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_posteriors_sum_to_one_in_the_mask_and_are_zero_outside(segmented, contrast):
    result = segmented(contrast)
    posteriors = result.posteriors
    np.testing.assert_allclose(posteriors.sum(-1)[result.mask], 1, atol=1e-5)
    assert not posteriors[~result.mask].any()


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_voxel_is_labeled_if_and_only_if_it_is_brain(segmented, contrast):
    result = segmented(contrast)
    np.testing.assert_array_equal(result.labels > 0, result.mask)


def test_volumes_are_sums_of_partial_volumes_times_the_determinant(small):
    scan, mask = small
    sheared = scan.affine @ np.array([[1, 0.3, 0.1, 0], [0, 1.1, -0.2, 0], [0, 0, 0.9, 0], [0, 0, 0, 1]])
    result = segment(volume(scan.data, sheared), TOLD, mask=mask)
    ml = np.linalg.det(sheared[:3, :3]) / 1000
    sums = result.brain_fractions.sum(0, dtype=float)
    expected = sums / sums.sum() * mask.sum() * ml
    np.testing.assert_allclose([result.volumes_ml[tissue] for tissue in Tissue], expected, rtol=1e-6)
    assert result.brain_ml == pytest.approx(mask.sum() * ml, rel=1e-5)


def test_volumes_of_the_phantom_are_near_the_truth(with_brain_given, phantom):
    result = with_brain_given(Contrast.T1)
    truth = {tissue: (phantom.truth == tissue.number).sum() * 0.008 for tissue in Tissue}
    assert all(result.volumes_ml[tissue] == pytest.approx(truth[tissue], rel=0.08) for tissue in Tissue)


def test_a_picture_has_volumes_only_with_a_pixel_size(scanned):
    scan = picture(upright(scanned(Contrast.T1).data, "axial"))
    result = segment(scan)
    assert result.volumes_ml is result.brain_ml is None
    assert sum(result.fractions.values()) == pytest.approx(1)
    sized = segment(scan, Settings(pixel_size=2.0))
    assert sized.brain_ml == pytest.approx(sized.mask.sum() * 4 / 1000, rel=1e-5)


def test_the_mixture_is_that_of_the_histogram(reference):
    bars, mixture = reference.histogram, reference.mixture
    assert bars.levels[0] < mixture.means.min() < mixture.means.max() < bars.levels[-1]
    assert bars.counts.sum() == pytest.approx(reference.mask.sum(), rel=0.01)
    shown = bars.rebin(256)
    missed = np.abs(shown.counts / shown.counts.sum() - mixture.density(shown.levels) * shown.width).sum() / 2
    assert missed == pytest.approx(reference.quality["misfit"])
    assert missed < reference.quality["misfit_by_chance"] + 0.02


def test_every_stage_is_timed_and_announced(small):
    scan, mask = small
    heard = []
    result = segment(scan, mask=mask, progress=heard.append)
    assert heard == list(STAGES) == list(result.seconds)
    assert min(result.seconds.values()) >= 0


# What it must not depend on


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_labels_come_back_on_the_grid_of_the_file(small, told, axes):
    scan, mask = small
    stored = mriseg.read(nifti(*stored_as(axes, scan.data, scan.affine)))
    own_mask, affine = stored_as(axes, mask, scan.affine)
    expected, _ = stored_as(axes, told.labels, scan.affine)
    np.testing.assert_array_equal(segment(stored, TOLD, mask=own_mask).labels, expected)
    np.testing.assert_allclose(stored.affine, affine)


@pytest.mark.parametrize("axes", ALL_AXES[5::11], ids="".join)
def test_everything_comes_back_on_the_grid_of_the_file(small, reference, axes):
    scan, mask = small
    data, affine = stored_as(axes, scan.data, scan.affine)
    result = segment(mriseg.read(nifti(data, affine)), mask=stored_as(axes, mask, scan.affine)[0])
    for name in ("labels", "mask", "bias", "entropy"):
        np.testing.assert_array_equal(
            getattr(result, name), stored_as(axes, getattr(reference, name), scan.affine)[0], err_msg=name
        )
    for name in ("posteriors", "partial_volumes"):
        for channel in range(3):
            expected, _ = stored_as(axes, getattr(reference, name)[..., channel], scan.affine)
            np.testing.assert_array_equal(getattr(result, name)[..., channel], expected, err_msg=name)
    assert result.volumes_ml == reference.volumes_ml


@pytest.mark.slow
@pytest.mark.parametrize("axis", range(3))
def test_a_mirrored_head_has_mirrored_labels(small, without_position, axis):
    # Without position: no average brain has its face at the back, nor its left quite like its right.
    scan, mask = small
    mirrored = volume(np.flip(scan.data, axis), scan.affine)
    there = segment(mirrored, without_position.settings, mask=np.flip(mask, axis)).labels
    assert np.mean(np.flip(there, axis)[mask] == without_position.labels[mask]) > 0.999


def test_left_and_right_exchanged_exchange_the_labels(small, reference):
    scan, mask = small
    result = segment(volume(scan.data[::-1], scan.affine), mask=mask[::-1])
    assert np.mean(result.labels[::-1][mask] == reference.labels[mask]) > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e-3, 0.37, 1e4])
def test_the_unit_of_the_intensities_does_not_matter(small, reference, factor):
    scan, mask = small
    result = segment(volume(scan.data * np.float32(factor), scan.affine), mask=mask)
    assert np.mean(result.labels[mask] == reference.labels[mask]) > 0.999
    np.testing.assert_allclose(result.mixture.means, factor * reference.mixture.means, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [-3000.0, 500.0])
def test_an_offset_of_the_intensities_does_not_matter(small, uncorrected, shift):
    # A bias field is multiplicative, so an offset matters to it; to all else it must not.
    scan, mask = small
    there = segment(volume(scan.data + np.float32(shift), scan.affine), UNCORRECTED, mask=mask)
    assert np.mean(there.labels[mask] == uncorrected.labels[mask]) > 0.999


@pytest.mark.slow
def test_an_uneven_scan_gives_nearly_the_labels_of_an_even_one(small, reference):
    scan, mask = small
    x = np.linspace(-1, 1, scan.data.shape[0])[:, None, None]
    uneven = volume(scan.data * np.exp(0.15 * x), scan.affine)
    assert np.mean(segment(uneven, mask=mask).labels[mask] == reference.labels[mask]) > 0.97


@pytest.mark.slow
def test_twice_gives_the_same_bits(small, reference, nothing_remembered):
    scan, mask = small
    again = segment(scan, mask=mask)
    for name in ("labels", "posteriors", "bias"):
        np.testing.assert_array_equal(getattr(again, name), getattr(reference, name))
    assert again.volumes_ml == reference.volumes_ml


@pytest.mark.slow
def test_another_process_with_one_thread_finds_the_same_labels(segmented):
    code = (
        "import sys, mriseg; from mriseg.datasets.phantom import make_phantom, simulate; "
        "scan = simulate(make_phantom(0, 2.0), mriseg.Contrast.T1); "
        "sys.stdout.buffer.write(mriseg.segment(scan).labels.tobytes())"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, "1")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert done.stdout == segmented(Contrast.T1).labels.tobytes()


# What it is told


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_contrast_that_is_given_is_taken(small, contrast):
    scan, mask = small
    result = segment(scan, Settings(contrast=contrast.setting), mask=mask)
    assert result.contrast is contrast
    assert result.mixture.tissues == contrast.dark_to_bright
    assert result.contrast_confidence == result.stages.tissues.assignment.evidence[contrast]
    means = dict(zip(result.mixture.tissues, result.mixture.means, strict=True))
    observed = {t: scan.data[result.labels == t.number].mean() for t in Tissue}
    assert sorted(Tissue, key=means.get) == sorted(Tissue, key=observed.get) == list(contrast.dark_to_bright)


def test_mask_none_takes_all_above_zero(small):
    scan, mask = small
    data = np.where(mask, scan.data, -3)
    result = segment(volume(data, scan.affine), replace(TOLD, mask="none"))
    np.testing.assert_array_equal(result.mask, data > 0)


def test_without_correction_there_is_no_field(uncorrected):
    np.testing.assert_array_equal(uncorrected.bias, 1)


def test_smoothness_takes_lone_voxels_away(small, reference):
    scan, _ = small

    def borders(smoothness):
        labels = segment(scan, Settings(smoothness=smoothness), earlier=reference).labels
        return sum((np.diff(labels, axis=axis) != 0).sum() for axis in range(3))

    assert borders(0.0) > borders(0.3) > borders(1.0)


def test_a_brain_that_was_found_need_not_be_searched_again(scanned, segmented, monkeypatch):
    first = segmented(Contrast.T1)
    monkeypatch.setattr("mriseg.segmentation.brain_region.extract", None)  # it is not even asked
    again = segment(scanned(Contrast.T1), Settings(smoothness=0.0), earlier=first)
    np.testing.assert_array_equal(again.mask, first.mask)


def test_a_brain_that_is_used_again_is_not_changed(scanned, segmented):
    scan, first = scanned(Contrast.PD), segmented(Contrast.PD)
    before = first.brain.mask.copy(), first.mask.copy()
    again = segment(scan, Settings(smoothness=2.0), earlier=first)
    np.testing.assert_array_equal(first.brain.mask, before[0])
    np.testing.assert_array_equal(first.mask, before[1])
    assert again.brain is first.brain
    assert (first.mask != first.brain.mask).any()  # bone was taken from it


# Another setting


def same(here, there):
    """Whether two results are equal to the bit, but for the time that they took."""
    for part in fields(here):
        mine, other = getattr(here, part.name), getattr(there, part.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, other, part.name)
        elif part.name == "mixture":
            for value in ("means", "covariances", "weights", "outliers"):
                np.testing.assert_array_equal(getattr(mine.parameters, value), getattr(other.parameters, value), value)
            assert mine.tissues == other.tissues
        elif part.name == "histogram":
            np.testing.assert_array_equal(mine.levels, other.levels)
            np.testing.assert_array_equal(mine.counts, other.counts)
        elif part.name not in ("brain", "joint", "seconds", "stages"):
            assert mine == other, part.name


CHANGES = [
    {"smoothness": 0.0},
    {"smoothness": 3.0},
    {"classes": 2},
    {"classes": 5},
    {"bias_strength": 5.0},
    {"correct_bias": False},
    {"contrast": "t2"},
    {"use_position": False},
    {"margin": 4.0},
    {"margin": -4.0},
    {"pixel_size": 1.5},
    {"mask": "all"},
    {"classes": 4, "smoothness": 0.5, "bias_strength": 0.2},
    {"contrast": "flair", "classes": 2},
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"smoothness": 0.0}, {"bias_strength": 5.0}, {"margin": -4.0, "classes": 5}, {"contrast": "t2"}], ids=str
)
def test_from_an_earlier_result_comes_the_same_as_from_nothing(small, reference, change):
    scan, mask = small
    here, there = Settings(), Settings(**change)
    changed = segment(scan, there, mask)
    same(segment(scan, there, earlier=reference), changed)
    same(segment(scan, here, earlier=changed), reference)


@pytest.fixture(scope="module")
def inverted_slice(scanned):
    image = upright(scanned(Contrast.T2).data, "axial")
    return picture(image.max() - image)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_of_a_slice_too(inverted_slice, change):
    first = segment(inverted_slice, Settings(bias_strength=2.0))
    assert first.stages.tissues.assignment.inverted
    there = Settings(**change)
    same(segment(inverted_slice, there, earlier=first), segment(inverted_slice, there))


@pytest.mark.slow
def test_of_a_slab_too(scanned, phantom):
    scan = volume(scanned(Contrast.T2).data[:, :, 50:58], phantom.affine)
    mask = phantom.truth[:, :, 50:58] > 0
    first, there = segment(scan, Settings(contrast="t2"), mask), Settings(contrast="t2", smoothness=0.4)
    assert len(first.stages.tissues.spatial_prior) > len(first.stages.region.spatial_prior) == 1
    same(segment(scan, there, earlier=first), segment(scan, there, mask))


@pytest.mark.slow
def test_of_several_contrasts_too(small, beside, of_two):
    scan, mask = small
    there, channels = Settings(bias_strength=4.0, smoothness=0.3), [beside[Contrast.FLAIR]]
    same(segment(scan, there, earlier=of_two, channels=channels), segment(scan, there, mask, channels=channels))


def test_a_chain_of_changes_forgets_nothing(inverted_slice):
    result, settings = segment(inverted_slice), Settings()
    for change in CHANGES:
        settings = replace(settings, **change)
        result = segment(inverted_slice, settings, earlier=result)
    same(result, segment(inverted_slice, settings))


def test_an_earlier_result_is_not_changed(small, reference):
    scan, _ = small
    first = reference
    before = first.labels.copy(), first.brain_posteriors.copy(), first.brain_fractions.copy(), first.box_bias
    segment(scan, Settings(classes=4, bias_strength=3.0), earlier=first)
    for kept, now in zip(
        before, (first.labels, first.brain_posteriors, first.brain_fractions, first.box_bias), strict=True
    ):
        np.testing.assert_array_equal(kept, now)


def test_the_earlier_result_of_another_scan_is_refused(small, reference, beside, scanned):
    scan, _ = small
    with pytest.raises(SettingsError, match="another scan"):
        segment(scanned(Contrast.T1), earlier=reference)
    with pytest.raises(SettingsError, match="another scan"):
        segment(scan, earlier=reference, channels=[beside[Contrast.FLAIR]])


def test_the_average_brain_is_asked_unless_told_not_to(scanned, segmented):
    asked = segmented(Contrast.T1)
    alone = segment(scanned(Contrast.T1), Settings(use_position=False), earlier=asked)
    assert any("anatomical prior" in note for note in asked.notes)
    assert not any("anatomical prior" in note for note in alone.notes)
    assert len(asked.mixture.zone_shares) > 1
    assert asked.mixture.zone_shares.sum() == pytest.approx(1)
    assert len(alone.mixture.zone_shares) == 1
    assert alone.mixture.layout.deep is None


def test_deep_gray_matter_lies_between_gray_and_white(segmented):
    for contrast in CONTRASTS:
        mixture = segmented(contrast).mixture
        if mixture.layout.deep is not None:
            low, high = sorted(mixture.means[list(mixture.layout.deep_between)])
            assert low - mixture.mixed_sd < mixture.deep_gray[1] < high + mixture.mixed_sd, contrast


@pytest.mark.slow
def test_lesions_win_against_the_average_brain(scanned, phantom):
    """Fluid where there should be white matter."""
    x, y, z = np.ogrid[: phantom.truth.shape[0], : phantom.truth.shape[1], : phantom.truth.shape[2]]
    hole = (x - 63) ** 2 + (y - 62) ** 2 + (z - 66) ** 2 < 5**2
    scan = scanned(Contrast.T1)
    data = scan.data.copy()
    fluid = scan.data[phantom.truth == Tissue.CSF.number]
    data[hole] = np.random.default_rng(0).choice(fluid[fluid < np.median(fluid)], hole.sum())
    assert np.mean(phantom.truth[hole] == Tissue.WM.number) > 0.5
    hollow, mask = volume(data, phantom.affine), phantom.truth > 0
    as_tissue = segment(hollow, Settings(lesions=False), mask=mask)
    assert np.mean(as_tissue.labels[hole] == Tissue.CSF.number) > 0.95
    set_apart = segment(hollow, mask=mask, earlier=as_tissue)
    assert np.mean(set_apart.labels[hole] == ABNORMAL.number) > 0.95


@pytest.mark.parametrize("classes", [2, 4, 5, 6])
def test_any_number_of_classes_is_given_to_the_tissues(small, classes):
    scan, mask = small
    result = segment(scan, Settings(classes=classes), mask=mask)
    assert result.mixture.classes == len(result.mixture.tissues) == classes
    np.testing.assert_allclose(result.posteriors.sum(-1)[mask], 1, atol=1e-5)
    np.testing.assert_array_equal(result.labels > 0, mask)
    found = {tissue for tissue in Tissue if (result.labels == tissue.number).any()}
    assert found == set(result.mixture.tissues)
    order = [list(Contrast.T1.dark_to_bright).index(tissue) for tissue in result.mixture.tissues]
    assert order == sorted(order)
    missing = set(Tissue) - found
    assert all(any(tissue.title.lower() in warning for warning in result.warnings) for tissue in missing)


def test_more_classes_than_tissues_find_nearly_the_same_tissues(small, reference):
    scan, mask = small
    result = segment(scan, Settings(classes=4), mask=mask)
    assert np.mean(result.labels[mask] == reference.labels[mask]) > 0.8


# Several contrasts


@pytest.fixture(scope="module")
def beside(coarse):
    """Further contrasts of the coarse head, each with noise of its own."""
    return {contrast: simulate(coarse, contrast, seed=seed) for seed, contrast in enumerate(CONTRASTS, start=1)}


@pytest.fixture(scope="module")
def of_two(small, beside):
    scan, mask = small
    return segment(scan, mask=mask, channels=[beside[Contrast.FLAIR]])


def test_a_second_contrast_tells_the_tissues_apart_better(coarse, reference, of_two):
    alone, together = (np.array(scores(result.labels, coarse.truth)) for result in (reference, of_two))
    assert (together > alone + 0.02).all()
    assert (together > 0.97).all()


def test_three_contrasts_are_fitted_together(small, coarse, beside):
    scan, mask = small
    result = segment(scan, mask=mask, channels=[beside[Contrast.T2], beside[Contrast.FLAIR]])
    assert result.mixture.channels == 3
    assert (np.array(scores(result.labels, coarse.truth)) > 0.97).all()


@pytest.mark.slow
def test_the_order_of_the_further_contrasts_does_not_matter(small, beside):
    scan, mask = small
    further = [beside[Contrast.T2], beside[Contrast.FLAIR]]
    here, there = (segment(scan, mask=mask, channels=order) for order in (further, further[::-1]))
    assert np.mean(here.labels[mask] == there.labels[mask]) > 0.999
    np.testing.assert_allclose(here.mixture.parameters.means[:, [0, 2, 1]], there.mixture.parameters.means, rtol=0.01)


def test_the_result_of_two_contrasts_holds_their_joint_histogram(small, of_two):
    _, mask = small
    assert of_two.joint.counts.sum() == mask.sum()
    assert of_two.mixture.channels == len(of_two.joint.histograms) == 2
    np.testing.assert_allclose(of_two.posteriors.sum(-1)[mask], 1, atol=1e-5)
    assert of_two.brain_ml == pytest.approx(mask.sum() * 0.064, rel=1e-5)


@pytest.mark.parametrize("axes", ALL_AXES[7::17], ids="".join)
def test_two_contrasts_come_back_on_the_grid_of_the_file(small, beside, of_two, axes):
    scan, mask = small
    stored = [mriseg.read(nifti(*stored_as(axes, s.data, scan.affine))) for s in (scan, beside[Contrast.FLAIR])]
    result = segment(stored[0], mask=stored_as(axes, mask, scan.affine)[0], channels=stored[1:])
    np.testing.assert_array_equal(result.labels, stored_as(axes, of_two.labels, scan.affine)[0])


def test_a_second_contrast_of_noise_changes_little(small, reference):
    scan, mask = small
    noise = np.random.default_rng(0).normal(500, 50, mask.shape).astype(np.float32)
    result = segment(scan, mask=mask, channels=[volume(noise, scan.affine)])
    assert np.mean(result.labels[mask] == reference.labels[mask]) > 0.97


def test_the_same_contrast_twice_says_nothing_new(small, reference):
    scan, mask = small
    result = segment(scan, mask=mask, channels=[scan])
    assert np.mean(result.labels[mask] == reference.labels[mask]) > 0.95


def test_two_slices_are_fitted_together(scanned, phantom):
    first, second = (picture(upright(scanned(contrast).data, "axial")) for contrast in (Contrast.T2, Contrast.FLAIR))
    truth = upright(phantom.truth, "axial")
    alone, together = (segment(first, mask=truth > 0, channels=further) for further in ((), (second,)))
    assert np.mean(scores(together.labels, truth)) > np.mean(scores(alone.labels, truth))


# What it refuses


@pytest.mark.parametrize("fault", ["shape", "place", "number", "classes"])
def test_contrasts_that_cannot_be_fitted_together_are_refused(small, beside, fault):
    scan, mask = small
    other = beside[Contrast.T2]
    moved = other.affine.copy()
    moved[0, 3] += 1
    channels, settings, says = {
        "shape": ([volume(other.data[1:], other.affine)], Settings(), "one grid"),
        "place": ([volume(other.data, moved)], Settings(), "one grid"),
        "number": ([other] * 3, Settings(), "At most 3"),
        "classes": ([other], Settings(classes=4), "three classes"),
    }[fault]
    with pytest.raises(SettingsError, match=says):
        segment(scan, settings, mask=mask, channels=channels)


@pytest.mark.parametrize("shape", [(60, 70), (30, 32, 34)], ids=("picture", "volume"))
@pytest.mark.parametrize(
    "content",
    ["zeros", "one gray", "one bright voxel", "a mask", "a label map", "all negative", "the last digit"],
)
@pytest.mark.parametrize("mask", ["auto", "none"])
def test_what_holds_no_three_tissues_is_refused_in_one_sentence(shape, content, mask):
    offsets = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    radius = np.sqrt(sum(x**2 for x in offsets))
    data = {
        "zeros": np.zeros(shape),
        "one gray": np.full(shape, 7.0),
        "one bright voxel": (radius == radius.min()) * 100.0,
        "a mask": (radius < 0.7) * 1.0,
        "a label map": (radius < 0.8) * 1.0 + (radius < 0.6) + (radius < 0.4),
        "all negative": -1000.0 - 100 * (radius < 0.7),
        "the last digit": np.where(radius < 0.7, np.nextafter(np.float32(7), np.float32(8)), 7),
    }[content]
    scan = picture(data) if len(shape) == 2 else volume(data, np.diag([1.5, 1.5, 1.5, 1]))
    with pytest.raises(MrisegError) as caught:
        segment(scan, Settings(mask=mask))
    assert str(caught.value).rstrip().endswith((".", ")."))


def test_a_scan_of_one_gray_is_told_its_value():
    with pytest.raises(MrisegError, match=r"same value \(7\)"):
        segment(picture(np.full((60, 70), 7.0)))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(64, 64), (128, 128), (60, 60, 60)], ids=str)
def test_noise_is_refused_or_doubted(shape):
    noise = np.abs(np.random.default_rng(0).normal(100, 30, shape))
    scan = picture(noise) if len(shape) == 2 else volume(noise, np.diag([3.0, 3, 3, 1]))
    try:
        result = segment(scan)
    except MrisegError:
        return
    assert result.warnings


@pytest.mark.slow
def test_a_value_far_beyond_all_others_spoils_nothing(small, reference):
    scan, mask = small
    data = scan.data.copy()
    data[tuple(np.argwhere(mask)[1000])] = 1e6
    result = segment(volume(data, scan.affine), mask=mask)
    assert np.mean(result.labels[mask] == reference.labels[mask]) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.5, 1.0])
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_scan_with_hardly_any_noise_is_segmented(coarse, contrast, noise):
    scan = simulate(coarse, contrast, noise=noise, bias=0)
    result = segment(scan, Settings(contrast=contrast.setting), mask=coarse.truth > 0)
    assert min(result.fractions.values()) > 0.02


def test_a_mask_of_another_shape_is_refused(small):
    scan, mask = small
    with pytest.raises(SettingsError, match="49 x 59 x 51 voxels, the scan 50 x 59 x 51"):
        segment(scan, mask=mask[1:])


def test_an_empty_mask_is_refused(small):
    scan, mask = small
    with pytest.raises(SettingsError, match="empty"):
        segment(scan, mask=np.zeros_like(mask))


def test_mask_none_takes_what_is_not_background(small):
    """Also where the background lies among the intensities, as after a z-score of the brain alone."""
    scan, mask = small
    scores = (scan.data - scan.data[mask].mean()) / scan.data[mask].std()
    result = segment(volume(np.where(mask, scores, 0), scan.affine), Settings(mask="none"))
    np.testing.assert_array_equal(result.mask, mask)
    plain = segment(volume(np.where(mask, scan.data, 0), scan.affine), Settings(mask="none"))
    assert result.contrast is plain.contrast
    for tissue in (Tissue.GM, Tissue.WM):
        assert dice(result.labels == tissue.number, plain.labels == tissue.number) > 0.97


def test_a_mask_of_few_voxels_is_refused(small):
    scan, mask = small
    few = np.zeros_like(mask)
    few[tuple(np.argwhere(mask)[:200].T)] = True
    with pytest.raises(MrisegError, match="too few"):
        segment(scan, mask=few)


def test_neither_scan_nor_mask_are_changed(small):
    scan, mask = small
    before = mask.copy()
    segment(replace(scan), mask=mask)
    np.testing.assert_array_equal(mask, before)
