import numpy as np
import pytest
import scipy

from mriseg.core.tissue import ORDERS, Contrast, Tissue
from mriseg.datasets.phantom import SEQUENCES, simulate
from mriseg.image.morphology import bounding_box
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.spatial_prior import PriorZones
from mriseg.registration.atlas import TISSUES
from mriseg.segmentation.contrast import (
    CANDIDATES,
    TissueAssignment,
    assign_tissues,
    assign_tissues_by_position,
    score_contrasts,
)
from tests.helpers import three_classes

CONTRASTS = tuple(SEQUENCES)
SPACING = (2.0, 2.0, 2.0)


def mixture(means):
    """A mixture with given means and well separated classes."""
    sd = 0.08 * (means[2] - means[0])
    return three_classes(means, (sd, sd, sd), (0.2, 0.38, 0.33), (0.05, 0.04, 0.0), sd)


def scores(fitted, posteriors, mask, spacing, **options):
    return score_contrasts(fitted, posteriors, mask, spacing=spacing, **options)


def named(*fitted) -> TissueAssignment:
    """The names where the fit with dark fluid and the one with bright found the same classes."""
    evidence = scores(*fitted)
    return assign_tissues(evidence, evidence)


@pytest.fixture(scope="module")
def truth(phantom):
    labels = phantom.truth
    return labels[bounding_box(labels > 0, margin=1)]


@pytest.fixture(scope="module")
def means(phantom):
    """What each contrast makes of the tissues, from dark to bright."""
    images = {contrast: simulate(phantom, contrast, noise=0, bias=0).data for contrast in CONTRASTS}
    return {
        contrast: [float(np.median(image[phantom.truth == t.number])) for t in contrast.dark_to_bright]
        for contrast, image in images.items()
    }


@pytest.fixture(scope="module")
def zones(truth):
    """What an average brain expects, that knows a place by the tissue that is frequent about it."""
    mask = truth > 0
    likely = np.stack([scipy.ndimage.gaussian_filter((truth == t.number).astype(np.float32), 2) for t in TISSUES])
    index = likely.argmax(0).astype(np.int16)
    shares = np.stack([likely[:, mask & (index == zone)].mean(1) for zone in range(3)])
    return PriorZones(index, shares / shares.sum(1, keepdims=True), np.zeros(3))


def perfect(truth, tissues):
    """The posteriors of a faultless mixture whose classes are these tissues."""
    return np.stack([truth == tissue.number for tissue in tissues]).astype(np.float32)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_faultless_volume_is_named_rightly(truth, means, contrast):
    tissues = contrast.dark_to_bright
    naming = named(mixture(means[contrast]), perfect(truth, tissues), truth > 0, SPACING)
    assert naming.tissues == tissues
    assert naming.confidence > 0.9
    # On PD, fluid and gray matter overlap so far that classes as faultless as these do not occur.
    assert naming.contrast is contrast or contrast is Contrast.PD


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("axis", range(3), ids=("sagittal", "coronal", "axial"))
def test_a_faultless_slice_is_named_rightly(truth, means, contrast, axis):
    tissues = contrast.dark_to_bright
    at = truth.take(int(0.45 * truth.shape[axis]), axis)
    naming = named(mixture(means[contrast]), perfect(at, tissues), at > 0, SPACING[:2])
    assert naming.tissues == tissues


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.PD])
def test_inverting_the_intensities_keeps_the_names(truth, means, contrast):
    tissues = contrast.dark_to_bright[::-1]
    inverted = mixture([1000 - mean for mean in means[contrast][::-1]])
    assert named(inverted, perfect(truth, tissues), truth > 0, SPACING).tissues == tissues


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("scale", [0.01, 50.0])
def test_the_unit_of_the_intensities_does_not_matter(truth, means, contrast, scale):
    posteriors, mask = perfect(truth, contrast.dark_to_bright), truth > 0
    scaled = named(mixture([scale * mean for mean in means[contrast]]), posteriors, mask, SPACING)
    assert scaled == named(mixture(means[contrast]), posteriors, mask, SPACING)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_direction_of_the_axes_does_not_matter(truth, means, contrast):
    tissues = contrast.dark_to_bright
    here = named(mixture(means[contrast]), perfect(truth, tissues), truth > 0, SPACING)
    turned = truth[::-1, :, ::-1].transpose(2, 0, 1)
    there = named(mixture(means[contrast]), perfect(turned, tissues), turned > 0, SPACING)
    assert there.tissues == here.tissues
    assert there.contrast is here.contrast
    assert there.confidence == pytest.approx(here.confidence, abs=0.05)


def test_finer_voxels_change_no_name(truth, means):
    tissues = Contrast.T2.dark_to_bright
    fine = truth[:, :, ::4].repeat(2, 0).repeat(2, 1)
    naming = named(mixture(means[Contrast.T2]), perfect(fine, tissues), fine > 0, (1.0, 1.0, 8.0))
    assert naming.tissues == tissues


def test_voxels_of_a_microscope_are_named_too(truth, means):
    tissues = Contrast.T1.dark_to_bright
    fitted = mixture(means[Contrast.T1]), perfect(truth, tissues), truth > 0
    assert named(*fitted, (0.002, 0.002, 0.002)).tissues == named(*fitted, (0.5, 0.5, 0.5)).tissues == tissues


def test_names_follow_where_the_classes_lie_and_not_their_rank(truth):
    even = mixture([300.0, 600, 900])  # spacing that favors no contrast
    for tissues in (Contrast.T1.dark_to_bright, Contrast.T2.dark_to_bright):
        assert named(even, perfect(truth, tissues), truth > 0, SPACING).tissues == tissues


def test_classes_without_a_place_are_named_with_doubt(truth, means):
    scattered = np.random.default_rng(0).integers(0, 3, truth.shape)
    posteriors = np.stack([(scattered == k) & (truth > 0) for k in range(3)]).astype(np.float32)
    naming = named(mixture(means[Contrast.T1]), posteriors, truth > 0, SPACING)
    assert naming.contrast is Contrast.UNKNOWN or naming.confidence < 0.8


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_confidence_is_a_probability_and_each_tissue_is_named_once(truth, means, contrast):
    for order in (contrast.dark_to_bright, contrast.dark_to_bright[::-1]):
        naming = named(mixture(means[contrast]), perfect(truth, order), truth > 0, SPACING)
        assert 1 / 3 <= naming.confidence <= 1 + 1e-9
        assert set(naming.tissues) == set(Tissue)


def test_an_absent_class_does_not_stop_the_naming(truth, means):
    posteriors = perfect(truth, Contrast.T1.dark_to_bright)
    posteriors[1] += posteriors[0]
    posteriors[0] = 0
    naming = named(mixture(means[Contrast.T1]), posteriors, truth > 0, SPACING)
    assert np.isfinite(naming.confidence)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_average_brain_speaks_for_the_order_that_is_true(truth, means, zones, contrast):
    fitted = mixture(means[contrast]), perfect(truth, contrast.dark_to_bright), truth > 0, SPACING
    without, within = scores(*fitted), scores(*fitted, spatial_prior=zones)
    gain = {candidate: within.log_odds[candidate] - without.log_odds[candidate] for candidate in CANDIDATES}
    assert gain[Contrast.UNKNOWN] == pytest.approx(0)
    right = [candidate for candidate in CANDIDATES if candidate.dark_to_bright == contrast.dark_to_bright]
    wrong = set(CANDIDATES) - {*right, Contrast.UNKNOWN}
    assert min(gain[candidate] for candidate in right) > 1
    assert max(gain[candidate] for candidate in wrong) < 0


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_one_zone_says_nothing_of_the_order(truth, means, zones, contrast):
    fitted = mixture(means[contrast]), perfect(truth, contrast.dark_to_bright), truth > 0, SPACING
    whole = PriorZones(np.zeros_like(zones.index), zones.shares.mean(0)[None], np.zeros(1))
    assert scores(*fitted, spatial_prior=whole).log_odds == scores(*fitted).log_odds


@pytest.mark.parametrize("order", ORDERS)
def test_what_position_has_told_apart_keeps_its_names(truth, means, zones, order):
    contrast = next(candidate for candidate in CONTRASTS if candidate.dark_to_bright == order)
    evidence = scores(mixture(means[contrast]), perfect(truth, order), truth > 0, SPACING, spatial_prior=zones)
    naming = assign_tissues_by_position(evidence, order)
    assert naming.tissues == order
    assert naming.confidence > 0.9


def test_an_order_that_no_contrast_has_is_unknown(truth, means, zones):
    order = (Tissue.GM, Tissue.CSF, Tissue.WM)
    evidence = scores(mixture(means[Contrast.T1]), perfect(truth, order), truth > 0, SPACING, spatial_prior=zones)
    naming = assign_tissues_by_position(evidence, order)
    assert naming.contrast is Contrast.UNKNOWN
    assert naming.tissues == order
    assert naming.confidence < 0.5


@pytest.mark.parametrize("stated", [Contrast.T2, Contrast.PD])
def test_between_contrasts_of_one_order_the_header_decides(truth, means, zones, stated):
    fitted = mixture(means[Contrast.T2]), perfect(truth, stated.dark_to_bright), truth > 0, SPACING
    evidence = scores(*fitted, spatial_prior=zones, stated=stated)
    assert assign_tissues_by_position(evidence, stated.dark_to_bright).contrast is stated
    in_a_picture = scores(*fitted, stated=stated)
    assert assign_tissues(in_a_picture, in_a_picture).contrast is stated


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_header_that_agrees_makes_surer_and_one_that_does_not_changes_no_clear_name(truth, means, zones, contrast):
    order = contrast.dark_to_bright
    fitted = mixture(means[contrast]), perfect(truth, order), truth > 0, SPACING
    alone = assign_tissues_by_position(scores(*fitted, spatial_prior=zones), order)
    other = next(candidate for candidate in CONTRASTS if candidate.dark_to_bright != order)
    agreeing = assign_tissues_by_position(scores(*fitted, spatial_prior=zones, stated=contrast), order)
    against = assign_tissues_by_position(scores(*fitted, spatial_prior=zones, stated=other), order)
    assert agreeing.contrast is contrast
    assert agreeing.tissues == against.tissues == order
    assert against.confidence <= alone.confidence <= agreeing.confidence
    assert against.contrast is alone.contrast


@pytest.fixture(scope="module")
def bright_hundredth():
    """The histogram of a brain whose brightest hundredth and a little more lies at some intensity, the rest below."""

    def histogram(top):
        levels = np.linspace(0, top, 400)
        return Histogram(levels, np.concatenate([np.ones(399), [6.0]]))

    return histogram


def test_one_odd_value_cannot_decide(truth, means, bright_hundredth):
    """Vessels a hundred times as bright as tissue say no more against a contrast than those three spreads off."""
    fitted = mixture(means[Contrast.T1]), perfect(truth, Contrast.T1.dark_to_bright), truth > 0
    odd, odder = (
        score_contrasts(*fitted, spacing=SPACING, histogram=bright_hundredth(factor * means[Contrast.T1][1]))
        for factor in (1e2, 1e3)
    )
    alone = score_contrasts(*fitted, spacing=SPACING)
    assert odd.log_odds == odder.log_odds
    for contrast in CANDIDATES:
        assert odd.brightest[contrast] == 3
        assert odd.misfit[contrast] == pytest.approx(alone.misfit[contrast] + 9)
    naming = assign_tissues(odd, odd)
    assert naming.tissues == Contrast.T1.dark_to_bright
    assert naming.confidence > 0.9


def test_within_the_cap_brighter_fluid_speaks_for_t2(truth, means, bright_hundredth):
    fitted = mixture(means[Contrast.T2]), perfect(truth, Contrast.T2.dark_to_bright), truth > 0
    middle = means[Contrast.T2][1]
    dull, fluid = (
        score_contrasts(*fitted, spacing=SPACING, histogram=bright_hundredth(factor * middle)) for factor in (1.25, 2.1)
    )
    assert fluid.brightest[Contrast.T2] < 0.1 < 2 < dull.brightest[Contrast.T2]
    assert dull.brightest[Contrast.PD] < 0.1 < 2 < fluid.brightest[Contrast.PD]
