from dataclasses import replace

import numpy as np
import pytest
import scipy

from mriseg import Contrast, Settings
from mriseg.brain.extraction import Brain
from mriseg.core.scan import HeaderContrast, volume
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import FAT, MATTER, VITREOUS, simulate
from mriseg.registration.affine import Registration
from mriseg.segmentation.brain_region import brain_region
from mriseg.segmentation.echo_planar import DARK_SCALP, looks_echo_planar, scalp_signal
from mriseg.segmentation.trial_fits import identify_tissues

# Signal of a gradient-echo image of 30 ms with fat suppressed, percent of gray matter.
SIGNAL = {Tissue.GM.number: 100, Tissue.WM.number: 84, Tissue.CSF.number: 135, VITREOUS: 130, FAT: 12}
BESIDES = 20  # skin, muscle, marrow; nothing of bone and air


@pytest.fixture(scope="module")
def pose(coarse):
    affine = np.eye(4)
    affine[:3, 3] = -coarse.affine[:3, 3]
    return Registration(affine, agreement=0.5, coverage=1.0)


@pytest.fixture(scope="module")
def functional(coarse):
    """The phantom as a functional series shows it, and without skull."""
    signal = np.array([SIGNAL.get(number, BESIDES if number > 4 else 0) for number in sorted(MATTER)], np.float32)
    image = scipy.ndimage.gaussian_filter(signal[coarse.matter], 0.4)
    rng = np.random.default_rng(0)
    image = np.hypot(image + 2 * rng.standard_normal(image.shape), 2 * rng.standard_normal(image.shape))
    image = image.astype(np.float32)
    return volume(image, coarse.affine), volume(np.where(coarse.truth > 0, image, np.float32(0)), coarse.affine)


def assignment(scan, mask, pose, stripped=False):
    brain = Brain(mask, stripped, registration=pose)
    return identify_tissues(scan, scan, brain_region(brain, scan, Settings()), Settings(), brain=brain).assignment


@pytest.mark.parametrize("stripped", [False, True])
def test_a_functional_image_is_no_contrast_that_is_known(functional, coarse, pose, stripped):
    named = assignment(functional[stripped], coarse.truth > 0, pose, stripped)
    assert named.echo_planar
    assert named.contrast is Contrast.UNKNOWN
    assert named.tissues == (Tissue.WM, Tissue.GM, Tissue.CSF)


@pytest.mark.parametrize("contrast", [Contrast.T2, Contrast.PD])
def test_a_head_whose_fat_is_bright_is_none(coarse, pose, contrast):
    named = assignment(simulate(coarse, contrast), coarse.truth > 0, pose)
    assert not named.echo_planar
    assert named.contrast is contrast


def test_what_the_header_states_holds(functional, coarse, pose):
    stated = replace(functional[0], header_contrast=HeaderContrast(Contrast.PD, "TR 3000 ms, TE 15 ms"))
    assert not assignment(stated, coarse.truth > 0, pose).echo_planar


def test_the_scalp_is_dark_only_where_fat_is_suppressed(functional, coarse, pose):
    mask, spacing = coarse.truth > 0, functional[0].spacing
    assert scalp_signal(functional[0].data, spacing, mask, pose) < DARK_SCALP
    for contrast in Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR:
        assert scalp_signal(simulate(coarse, contrast).data, spacing, mask, pose) > DARK_SCALP


@pytest.fixture(scope="module")
def diffusion(functional, coarse):
    """The same with diffusion weighting: fluid and eyes have no signal, white matter less than gray."""
    data = functional[0].data.copy()
    data[np.isin(coarse.matter, (Tissue.CSF.number, VITREOUS))] *= np.float32(0.15)
    return replace(functional[0], data=data)


def test_a_diffusion_image_is_no_flair(diffusion, coarse, pose):
    named = assignment(diffusion, coarse.truth > 0, pose)
    assert named.echo_planar
    assert named.contrast is Contrast.UNKNOWN
    assert named.tissues == Contrast.FLAIR.dark_to_bright


def test_fine_voxels_and_bright_white_matter_speak_against_it(functional, coarse, pose):
    data, mask = functional[0].data, coarse.truth > 0
    arguments = {"registration": pose, "stripped": False}
    assert looks_echo_planar(data, (4.0, 4.0, 4.0), mask, contrast=Contrast.T2, **arguments)
    assert not looks_echo_planar(data, (1.0, 1.0, 4.0), mask, contrast=Contrast.T2, **arguments)
    assert not looks_echo_planar(data, (4.0, 4.0, 4.0), mask, contrast=Contrast.T1, **arguments)
