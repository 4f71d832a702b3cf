import io

import nibabel
import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest
import skimage.data

import mriseg
from mriseg.core.errors import ReadError
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.io.pictures.colormap import MARKS, OVERLAID, PACKED, TINTED, UNORDERED


def through(*colors):
    """A color map through colors at equal steps."""
    colors = np.array(colors, float)
    steps = np.linspace(0, 1, len(colors))
    return lambda x: np.stack([np.interp(x, steps, colors[:, channel]) for channel in range(3)], -1)


ORDERED = {
    "bone": through((0, 0, 0), (0.32, 0.32, 0.45), (0.65, 0.78, 0.78), (1, 1, 1)),
    "copper": lambda x: np.clip(np.stack([1.25 * x, 0.78 * x, 0.5 * x], -1), 0, 1),
    "sepia": lambda x: np.clip(np.stack([1.08 * x, 0.95 * x, 0.75 * x], -1), 0, 1),
    "hot": lambda x: np.clip(np.stack([x / 0.365, (x - 0.365) / 0.381, (x - 0.746) / 0.254], -1), 0, 1),
    "cool": lambda x: np.stack([x, 1 - x, np.ones_like(x)], -1),
    "viridis": through((0.27, 0, 0.33), (0.23, 0.32, 0.55), (0.13, 0.57, 0.55), (0.37, 0.79, 0.38), (0.99, 0.91, 0.14)),
    "magma": through((0, 0, 0.01), (0.32, 0.07, 0.49), (0.72, 0.22, 0.48), (0.99, 0.54, 0.38), (0.99, 0.99, 0.75)),
    "fire": through((0, 0, 0), (0.3, 0, 0.6), (0.75, 0, 0.4), (1, 0.4, 0), (1, 0.75, 0.05), (1, 1, 1)),
    "red": lambda x: np.stack([x, 0 * x, 0 * x], -1),
    "yellow": lambda x: np.stack([x, x, 0 * x], -1),
}
UNORDERED_MAPS = {
    "jet": lambda x: np.clip(1.5 - np.abs(4 * x[..., None] - (3, 2, 1)), 0, 1),
    "hsv": lambda x: np.clip(np.abs((6 * x[..., None] + (0, 4, 2)) % 6 - 3) - 1, 0, 1),
    "rainbow": through((0.5, 0, 1), (0, 0.5, 0.95), (0.5, 1, 0.7), (1, 0.7, 0.38), (1, 0, 0)),
    "spectral": through(
        (0, 0, 0), (0.5, 0, 0.7), (0, 0.5, 0.9), (0, 0.8, 0), (1, 0.9, 0), (0.9, 0, 0), (0.8, 0.8, 0.8)
    ),
}
QUALITIES = [None, 30]  # lossless, and JPEG as bad as people upload


def verdict(colors, quality=None):
    """What a picture of colors from 0 to 1 is told: its notes or the reason why it is refused."""
    stream = io.BytesIO()
    image = PIL.Image.fromarray(np.rint(255 * colors).astype(np.uint8))
    image.save(stream, "JPEG" if quality else "PNG", **({"quality": quality} if quality else {}))
    try:
        return mriseg.read(stream.getvalue()).notes
    except ReadError as error:
        return str(error)


def gray(level):
    return np.stack([level] * 3, -1)


@pytest.fixture(scope="module")
def slices(shared):
    folder = shared / "data"
    names = ["slices/jlf01_t1_axial_8bit.png", "slices/jlf22_t1_axial_8bit.png", "seed/sagittal_t2.png"]
    return [np.asarray(PIL.Image.open(folder / name).convert("L")) / 255 for name in names]


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("name", ORDERED)
def test_colors_that_brightness_orders_are_reduced_and_noted(slices, name, quality):
    for level in slices[:2]:
        assert verdict(ORDERED[name](level), quality) == (TINTED,)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("name", UNORDERED_MAPS)
def test_colors_that_brightness_does_not_order_are_refused(slices, name, quality):
    for level in slices[1:]:
        assert verdict(UNORDERED_MAPS[name](level), quality) == UNORDERED


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_maps_are_told_apart_on_a_pure_phantom(coarse, contrast):
    level = np.kron(simulate(coarse, contrast, noise=0, bias=0).data[:, :, 20].T[::-1], np.ones((4, 4)))
    level = np.clip(level / np.percentile(level, 99.9), 0, 1)
    for color_map in ORDERED.values():
        assert verdict(color_map(level)) == (TINTED,)
    for name in ("jet", "hsv", "spectral"):
        assert verdict(UNORDERED_MAPS[name](level)) == UNORDERED


def test_the_brightness_of_an_ordered_map_orders_the_gray_levels(slices):
    ramp = np.arange(256) / 255
    for color_map in ORDERED.values():
        steps = np.diff(color_map(ramp) @ np.array([0.2125, 0.7154, 0.0721]))
        assert (steps > -1e-9).all() or (steps < 1e-9).all()


@pytest.mark.parametrize("tint", [(1, 1, 1), (1, 0.97, 0.92), (0.93, 0.96, 1)])
@pytest.mark.parametrize("quality", [None, 10])
def test_gray_and_slightly_tinted_pictures_pass_in_silence(slices, tint, quality):
    for level in slices:
        assert verdict(gray(level) * tint, quality) == ()


def test_the_noise_of_a_camera_is_no_color(slices):
    noise = np.random.default_rng(0).normal(0, 0.02, (*slices[0].shape, 3))
    assert verdict(np.clip(gray(slices[0]) + noise, 0, 1), 80) == ()


def written(level, color):
    image = PIL.Image.fromarray(np.rint(255 * gray(np.kron(level, np.ones((3, 3))))).astype(np.uint8))
    draw = PIL.ImageDraw.Draw(image)
    draw.text((8, 8), "R  12:30", fill=color, font_size=24)
    draw.line((300, 400, 250, 330), fill=color, width=4)
    draw.ellipse((220, 220, 300, 290), outline=color, width=3)
    return np.asarray(image) / 255


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("color", ["yellow", "red", "cyan"])
def test_colored_marks_are_noted(slices, color, quality):
    assert verdict(written(slices[0], color), quality) == (MARKS,)


def test_white_marks_are_no_colors(slices):
    assert verdict(written(slices[0], "white"), 80) == ()


def test_a_small_lesion_in_color_is_noted(slices):
    colors = gray(slices[0])
    colors[90:115, 60:85] = 0.5 * colors[90:115, 60:85] + (0.5, 0, 0)
    assert verdict(colors) == (MARKS,)


@pytest.mark.parametrize("quality", [None, 80])
@pytest.mark.parametrize("opacity", [0.3, 1])
@pytest.mark.parametrize("color", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)], ids=str)
def test_labels_over_the_brain_are_refused(shared, color, opacity, quality):
    folder = shared / "data" / "slices"
    colors = gray(np.asarray(PIL.Image.open(folder / "jlf01_t1_axial_8bit.png")) / 255)
    white_matter = np.asarray(PIL.Image.open(folder / "jlf01_labels_csf1_gm2_wm3.png")) == 3
    colors[white_matter] = (1 - opacity) * colors[white_matter] + opacity * np.array(color)
    assert verdict(colors, quality) in (OVERLAID, UNORDERED)


def test_a_map_fused_with_a_gray_scan_is_refused(slices):
    level = slices[0]
    rows, columns = np.ogrid[: level.shape[0], : level.shape[1]]
    heat = np.exp(-(((rows - 100) / 40) ** 2 + ((columns - 90) / 50) ** 2))
    fused = np.where(heat[..., None] > 0.3, 0.5 * gray(level) + 0.5 * UNORDERED_MAPS["jet"](heat), gray(level))
    assert verdict(fused) in (OVERLAID, UNORDERED)


def test_two_scans_in_red_and_green_are_refused(slices):
    a, b = slices[0], slices[1]
    assert verdict(np.stack([a, b, 0 * a], -1)) in (OVERLAID, UNORDERED)


@pytest.mark.parametrize("contrasts", ["T1 FLAIR T1", "FLAIR T1 FLAIR", "T1 FLAIR T2", "FLAIR T1 T2", "T2 T1 FLAIR"])
def test_contrasts_packed_into_red_green_and_blue_are_refused(shared, contrasts):
    """Their brightness is a mean that no contrast looks like."""
    volumes = {}
    for name, file in (("T1", "T1wCE"), ("FLAIR", "FLAIR")):
        data = np.maximum(nibabel.load(shared / f"data/lesions/glioma01_{file}.nii.gz").get_fdata(dtype=np.float32), 0)
        volumes[name] = data[:, :, 95].T[::-1] / np.percentile(data[data > 0], 99.5)
    volumes["T2"] = np.where(volumes["T1"] > 0, np.clip(1 - volumes["T1"], 0, 1), 0)
    packed = np.clip(np.stack([volumes[name] for name in contrasts.split()], -1), 0, 1)
    assert verdict(packed) in (PACKED, OVERLAID, UNORDERED)


@pytest.mark.parametrize("name", ["astronaut", "immunohistochemistry", "colorwheel"])
def test_photographs_and_stained_tissue_are_refused(name):
    assert verdict(getattr(skimage.data, name)()[..., :3] / 255) in (OVERLAID, UNORDERED)


def test_a_window_of_a_viewer_in_color_is_noted(slices):
    level = np.kron(slices[0], np.ones((3, 3)))
    screen = np.full((800, 1000, 3), 0.93)
    screen[:40] = (0.1, 0.35, 0.8)
    screen[740:] = (0.15, 0.5, 0.3)
    screen[60 : 60 + level.shape[0], 200 : 200 + level.shape[1]] = gray(level)
    assert verdict(screen) == (MARKS,)
    assert verdict(screen, 70) == (MARKS,)


def test_a_result_beside_its_scan_does_not_forbid_the_scan(shared):
    scan = mriseg.read(shared / "data" / "seed" / "MRI_Brain_GE_Healthcare_result.png")
    assert scan.notes == (MARKS,)


def test_no_gray_picture_of_the_collection_is_refused_or_noted(shared):
    for folder in ("slices", "seed"):
        for path in sorted((shared / "data" / folder).glob("*.[pjt]*")):
            notes = mriseg.read(path).notes
            assert notes == ((MARKS,) if "overlay" in path.name or "result" in path.name else ()), path.name


@pytest.mark.parametrize("color", [(1, 0, 0), (0.2, 0.4, 0.9), (0, 0, 0.3)])
def test_a_picture_of_one_color_is_told_something(color):
    assert verdict(np.zeros((60, 60, 3)) + color)
