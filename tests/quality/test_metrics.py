import json
from dataclasses import replace

import numpy as np
import pytest

from mriseg.brain.extraction import Brain
from mriseg.brain.surroundings import NoAir, measure_surroundings
from mriseg.core.tissue import Tissue
from mriseg.image.morphology import bounding_box
from mriseg.quality.definitions import FIGURES
from mriseg.quality.metrics import quality
from mriseg.registration.affine import Registration
from mriseg.segmentation.volumes import shares
from tests.helpers import little_memory, three_classes

GM, WM, CSF = Tissue
SIGNALS = {GM: 700.0, WM: 1000.0, CSF: 300.0}
OF_BOX = ("field", "posteriors", "partial_volumes")
SIDE_MM, NOISE = 3.0, 20.0
NEED_AIR = {figure.key for figure in FIGURES if figure.needs_air}
AIR_SD = NOISE * np.sqrt((4 - np.pi) / 2)  # of Rayleigh noise


def measured(data, mask, box, brain, **of_box):
    """Quality of a whole image."""
    surroundings = measure_surroundings(
        data, mask, box=box, field=of_box["field"], spacing=of_box["spacing"], brain=brain
    )
    return quality(data[box], mask[box], **of_box, surroundings=surroundings)


@pytest.fixture(scope="module")
def mixture():
    return three_classes(
        means=(300.0, 700.0, 1000.0),
        sds=(20.0, 30.0, 40.0),
        weights=(0.2, 0.4, 0.3),
        mixed_weights=(0.05, 0.03, 0.02),
        tissues=(CSF, GM, WM),
    )


@pytest.fixture(scope="module")
def head(mixture):
    """Arguments of `measured`: a ball of three tissues in a shell of fat in air, the noise Rician."""
    rng = np.random.default_rng(0)
    place = np.stack(np.meshgrid(*[np.arange(n) - n // 2 for n in (64, 62, 60)], indexing="ij"))
    radius = np.sqrt((place**2).sum(0))
    mask = radius < 18
    number = np.where(mask, rng.integers(1, 4, mask.shape), 0)
    signal = np.where((radius >= 18) & (radius < 22), 1200.0, 0.0)
    for tissue, value in SIGNALS.items():
        signal[number == tissue.number] = value
    data = np.hypot(signal + rng.normal(0, NOISE, mask.shape), rng.normal(0, NOISE, mask.shape)).astype(np.float32)
    box = bounding_box(mask, margin=1)
    pure = np.stack([number[box] == tissue.number for tissue in Tissue], -1)
    fractions = pure.astype(np.uint8) * np.uint8(255)
    return {
        "data": data,
        "mask": mask,
        "box": box,
        "field": np.ones(pure.shape[:3], np.float32),
        "posteriors": np.where(pure, 0.8, 0.1).astype(np.float32),
        "partial_volumes": fractions,
        "shares": shares(fractions),
        "mixture": mixture,
        "spacing": (SIDE_MM,) * 3,
        "brain": Brain(mask, False),
    }


@pytest.fixture(scope="module")
def figures(head):
    found, notes = measured(**head)
    assert notes == ()
    return found


def without(head, outside):
    """The same head with something else outside of it."""
    far = np.indices(head["data"].shape) - np.array(head["data"].shape).reshape(3, 1, 1, 1) // 2
    data = np.where(np.sqrt((far**2).sum(0)) < 22, head["data"], outside).astype(np.float32)
    return {**head, "data": data}


def test_contrast_and_noise_are_those_that_were_put_in(figures):
    gap = SIGNALS[WM] - SIGNALS[GM]
    assert figures["cnr"] == pytest.approx(gap / np.sqrt(AIR_SD**2 + 2 * NOISE**2), rel=0.02)
    assert figures["cjv"] == pytest.approx(2 * NOISE / gap, rel=0.02)
    for tissue, signal in SIGNALS.items():
        key = tissue.abbreviation.lower()
        assert figures[f"snr_{key}"] == pytest.approx(signal / NOISE, rel=0.02)
        assert figures[f"snrd_{key}"] == pytest.approx(signal / NOISE, rel=0.02)
    mean = np.mean(list(SIGNALS.values())) / NOISE
    assert figures["snr_total"] == pytest.approx(mean, rel=0.02)
    assert figures["snrd_total"] == pytest.approx(mean, rel=0.02)


def test_the_other_figures_are_as_defined(head, figures):
    assert figures["brain_parenchymal_fraction"] == pytest.approx(head["shares"][GM] + head["shares"][WM])
    assert figures["gm_wm_ratio"] == pytest.approx(head["shares"][GM] / head["shares"][WM])
    assert figures["icvs_csf"] == pytest.approx(head["shares"][CSF])
    assert figures["tissue_contrast"] == pytest.approx(300 / 50)
    assert figures["fluid_contrast"] == pytest.approx(400 / np.hypot(20, 30))
    assert figures["mixed_share"] == pytest.approx(0.1)
    assert figures["mean_posterior"] == pytest.approx(0.8)
    assert figures["wm2max"] == pytest.approx(1000 / np.percentile(head["data"], 99.95), rel=0.01)
    assert [figures[f"spacing_{axis}"] for axis in "xyz"] == [SIDE_MM] * 3
    assert (figures["bias_range"], figures["inu_range"], figures["inu_med"]) == (0, 0, 1)


def test_entropy_and_energy_are_those_of_the_whole_image(head, figures):
    x, n = head["data"].astype(float).ravel(), head["data"].size
    energy = np.sqrt((x**2).sum())
    most = np.sqrt(n) * np.log(1 / np.sqrt(n))
    assert figures["efc"] == pytest.approx(float((x / energy * np.log(x / energy)).sum() / most), rel=0.01)
    in_air = NOISE * np.sqrt(2 * np.log(2))
    assert 0.5 * SIGNALS[GM] / in_air < np.sqrt(figures["fber"]) < 1.5 * SIGNALS[GM] / in_air


def test_a_voxel_counts_for_a_tissue_by_its_part(head):
    half = head["partial_volumes"].copy()
    half[..., 0] = 128  # every voxel is half gray matter: its median is that of all
    found, _ = measured(**{**head, "partial_volumes": half})
    inside = head["data"][head["box"]][head["mask"][head["box"]]]
    weights = half[head["mask"][head["box"]]][:, 0].astype(float)
    assert found["snr_gm"] == pytest.approx(np.median(inside) / np.sqrt(np.cov(inside, aweights=weights)), rel=0.02)


def test_all_figures_are_free_of_the_unit(head, figures):
    for factor in (1e-4, 3e5):
        scaled, _ = measured(**{**head, "data": head["data"] * np.float32(factor)})
        assert scaled == pytest.approx(figures, rel=1e-4)


def test_contrasts_do_not_change_with_the_zero_of_the_scale(head, figures):
    moved, _ = measured(**{**head, "data": head["data"] + np.float32(30)})
    for key in ("cnr", "cjv", "tissue_contrast", "fluid_contrast"):
        assert moved[key] == pytest.approx(figures[key], rel=1e-4)
    assert moved["snr_csf"] > 1.05 * figures["snr_csf"]


def test_shading_that_was_found_is_divided_out_and_told(head, figures):
    ramp = np.linspace(0.8, 1.2, head["data"].shape[0], dtype=np.float32)[:, None, None]
    field = np.broadcast_to(ramp[head["box"][0]], head["field"].shape)
    shaded = {**head, "data": head["data"] * ramp, "field": field}
    found, _ = measured(**shaded)
    inside = field[head["mask"][head["box"]]]
    assert found["bias_range"] == pytest.approx(inside.max() / inside.min() - 1, rel=1e-5)
    assert found["inu_range"] == pytest.approx(np.percentile(inside, 95) - np.percentile(inside, 5), rel=0.02)
    assert found["inu_med"] == pytest.approx(np.median(inside), rel=0.01)
    for key in ("cjv", "snr_total", "wm2max", "cnr"):
        assert found[key] == pytest.approx(figures[key], rel=0.02)


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (lambda head: {**head, "brain": replace(head["brain"], stripped=True)}, NoAir.STRIPPED),
        (lambda head: without(head, 0.0), NoAir.ONE_VALUE),
        (
            lambda head: without(head, np.maximum(head["data"] - 40, 0)),
            NoAir.ONE_VALUE,
        ),  # the window cuts noise at black
        (lambda head: without(head, 500.0 + head["data"]), NoAir.NOT_SEEN),  # tissue all around
    ],
)
def test_without_air_the_figures_that_need_it_are_absent_and_it_is_told_why(head, figures, of, why):
    found, (note,) = measured(**of(head))
    assert set(figures) - set(found) == NEED_AIR
    assert note.startswith(why)
    assert "SNRd" in note


def test_a_cropped_scan_shows_no_air(head, figures):
    tight = tuple(slice(part.start + 9, part.stop - 9) for part in head["box"])
    inner = {key: head[key][9:-9, 9:-9, 9:-9] for key in OF_BOX}
    box = tuple(slice(0, part.stop - part.start) for part in tight)
    found, (note,) = measured(**{**head, **inner, "data": head["data"][tight], "mask": head["mask"][tight], "box": box})
    assert note.startswith(NoAir.NOT_SEEN)
    for key in ("cjv", "snr_total"):
        assert found[key] == pytest.approx(figures[key], rel=0.03)


def test_padding_and_ghosts_are_no_air(head, figures):
    padded = head["data"].copy()
    padded[:, :, :8] = 0
    padded[:8] = 7.0
    padded[-6:-4, 10:20, 40:50] = 400
    found, notes = measured(**{**head, "data": padded})
    assert notes == ()
    for key in ("cnr", "snrd_total"):
        assert found[key] == pytest.approx(figures[key], rel=0.02)


def test_coarse_levels_are_no_reason_to_see_no_air(head, figures):
    found, _ = measured(**{**head, "data": np.rint(head["data"] / 10) * 10})
    assert found["snrd_total"] == pytest.approx(figures["snrd_total"], rel=0.04)


def test_the_noise_of_a_very_noisy_scan_is_still_seen(head):
    rng = np.random.default_rng(2)
    strong = 8 * NOISE
    parts = (rng.normal(0, strong, head["data"].shape) for _ in range(2))
    noisy = np.hypot(np.where(head["data"] > 150, head["data"], 0) + next(parts), next(parts)).astype(np.float32)
    found, notes = measured(**{**head, "data": noisy})
    assert notes == ()
    assert found["snrd_wm"] == pytest.approx(SIGNALS[WM] / strong, rel=0.05)


def test_what_lies_below_the_head_is_not_asked_where_the_average_brain_says_where_that_is(head, figures):
    affine = np.eye(4)
    affine[:3, 3] = [96, 93, 90]  # the middle of the grid is the origin of MNI space
    brain = replace(head["brain"], registration=Registration(affine, 0.5, 1.0))
    data = head["data"].copy()
    below = slice(0, 20)
    data[:, :, below] += np.where(data[:, :, below] < 150, 3 * data[:, :, below], 0)  # what a moving jaw leaves
    found, _ = measured(**{**head, "data": data, "brain": brain})
    assert found["snrd_total"] == pytest.approx(figures["snrd_total"], rel=0.02)
    anywhere, _ = measured(**{**head, "data": data})
    assert anywhere["snrd_total"] < 0.8 * figures["snrd_total"]


def test_a_tissue_that_is_missing_has_no_figure(head, mixture):
    fractions = head["partial_volumes"].copy()
    fractions[..., 1] += fractions[..., 2]
    fractions[..., 2] = 0
    two = replace(mixture, tissues=(GM, GM, WM))
    found, _ = measured(**{**head, "partial_volumes": fractions, "shares": shares(fractions), "mixture": two})
    assert "snr_wm" in found
    assert not {"snr_csf", "snrd_csf", "snr_total", "snrd_total"} & set(found)
    none, _ = measured(**{**head, "mixture": replace(mixture, tissues=(GM, GM, CSF))})
    assert "tissue_contrast" not in none
    assert "fluid_contrast" in none
    dry, _ = measured(**{**head, "mixture": replace(mixture, tissues=(GM, GM, WM))})
    assert "fluid_contrast" not in dry


def test_of_one_value_nothing_is_made_up(head):
    found, _ = measured(**{**head, "data": np.full_like(head["data"], 5)})
    json.dumps(found, allow_nan=False)
    assert not {"cjv", "snr_total", "cnr"} & set(found)


def test_a_picture_has_noise_and_no_voxel_size(head):
    at = head["data"].shape[2] // 2
    inner = at - head["box"][2].start
    of_box = {key: np.repeat(head[key][:, :, inner], 4, 0).repeat(4, 1) for key in OF_BOX}
    rng = np.random.default_rng(1)
    data = head["data"][:, :, at].repeat(4, 0).repeat(4, 1) + rng.normal(0, 1, (256, 248)).astype(np.float32)
    mask = head["mask"][:, :, at].repeat(4, 0).repeat(4, 1)
    box = tuple(slice(4 * part.start, 4 * part.stop) for part in head["box"][:2])
    picture = {"data": data, "mask": mask, "box": box, "spacing": None, "brain": Brain(mask, False)}
    found, notes = measured(**{**head, **of_box, **picture})
    assert notes == ()
    assert found["snrd_wm"] == pytest.approx(SIGNALS[WM] / NOISE, rel=0.1)
    assert not any(key.startswith("spacing") for key in found)


def test_the_registry_knows_every_figure_once(figures):
    keys = [figure.key for figure in FIGURES]
    assert len(set(keys)) == len(keys)
    of_fit = [
        key for key in keys if key.startswith(("misfit", "position"))
    ]  # measured with the curves: `mriseg.quality.fit`
    assert list(figures) == [key for key in keys if key not in of_fit]
    for figure in FIGURES:
        assert figure.title
        assert figure.meaning.endswith(".")
        assert (figure.usual is None) == (figure.source == "")


def test_a_large_volume_takes_little_memory(head):
    large = {key: head[key].repeat(4, 0).repeat(4, 1).repeat(4, 2) for key in ("data", "mask")}
    large |= {key: head[key].repeat(4, 0).repeat(4, 1).repeat(4, 2) for key in OF_BOX}
    box = tuple(slice(4 * part.start, 4 * part.stop) for part in head["box"])
    large |= {"box": box, "spacing": (SIDE_MM / 4,) * 3}
    with little_memory(0.75 * large["data"].nbytes):
        measured(**{**head, **large})
