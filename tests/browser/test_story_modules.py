"""The modules of the story's script, each by itself, on a page without a server; see `test_viewer_modules.py`."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from mriseg.app import texts
from mriseg.app.scripts import APP, joined_modules
from mriseg.app.story.story import MODULES
from mriseg.app.viewer.slices import LEVELS, PICTURE
from mriseg.core.tissue import ABNORMAL, Tissue
from mriseg.datasets.samples import SAMPLES

pytestmark = pytest.mark.browser
ADDRESS = "http://story.test/"  # answered by the test itself
HEADER = {
    "result": "result",
    "kind": "picture",
    "range": [0, 255],
    "levels": LEVELS,
    "field": [-0.2, 0.2],
    "spacing": None,
    "zero": 0,
    "scale": 1,
    "invertedAbout": None,
    "window": [0, 255],
    "planes": [],
    "tissues": [{"number": tissue.number, "title": tissue.title} for tissue in Tissue],
    "legend": [{"number": tissue.number, "title": tissue.title} for tissue in Tissue],
}
PREPARE = """async (modules) => {
    for (const name of modules) Object.assign(window, await import(`./${name}`));
    window.counted = ({levels, range}) => {
        const step = (range[1] - range[0]) / 1023;
        return countGrayValues(Uint16Array.from(levels), (level) => range[0] + step * level);
    };
}"""
PLAIN = "({shares, means, variances, logLikelihood}) => ({shares, means, variances, logLikelihood})"


@pytest.fixture(scope="module")
def script(chromium):
    """A page in which the functions of all modules are known by their names."""
    page = chromium.contexts[0].new_page()

    def answer(route):
        name = route.request.url.removeprefix(ADDRESS)
        if name == "joined.js":
            route.fulfill(content_type="text/javascript", body=joined_modules(MODULES))
        elif name in MODULES:
            route.fulfill(content_type="text/javascript", body=(APP / name).read_text("utf-8"))
        else:
            route.fulfill(content_type="text/html", body="<!DOCTYPE html><title>story</title>")

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    page.evaluate(PREPARE, MODULES)
    yield page
    page.close()


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    """Gray values of the slice that the page opens on."""
    return SAMPLES["slice-t1"].make()[0].data


def levels_of(values: np.ndarray) -> dict[str, object]:
    """Gray values as the viewer has them."""
    low, high = float(values.min()), float(values.max())
    levels = (values - low) * ((LEVELS - 1) / (high - low)) + 0.5
    return {"levels": levels.astype(int).ravel().tolist(), "range": [low, high]}


def slice_of(values: np.ndarray, labels: np.ndarray, field: np.ndarray | None = None) -> dict[str, object]:
    rows, columns = values.shape
    shading = np.full(values.shape, 127.5) if field is None else field  # in the middle of the range: none
    return {
        "axis": PICTURE,
        "index": 0,
        "rows": rows,
        "columns": columns,
        "levels": levels_of(values)["levels"],
        "labels": labels.ravel().tolist(),
        "field": shading.ravel().tolist(),
    }


# The mixture.


def test_gray_values_of_a_picture_are_its_bins(script):
    values = np.repeat(np.arange(256), np.arange(256) % 5 + 1).astype(float)
    histogram = script.evaluate(
        "(given) => { const {counts, values, width, binOf} = counted(given);"
        " return [[...counts], [...values], width, [...binOf]]; }",
        levels_of(values),
    )
    counts, middles, width, bins = histogram
    assert counts == (np.arange(256) % 5 + 1).tolist()
    np.testing.assert_allclose(middles, np.arange(256), atol=0.13)  # half a level
    assert width == pytest.approx(1, rel=0.005)
    assert bins == values.tolist()


def test_no_bin_lies_between_two_gray_values(script):
    values = np.random.default_rng(0).normal(90, 30, 5000).clip(0, 184).round()  # fewer than bins, some do not occur
    given = {"levels": (values * (LEVELS - 1) / 255 + 0.5).astype(int).tolist()}
    filled, bins = script.evaluate(
        "(given) => { const {counts} = counted({...given, range: [0, 255]});"
        " return [counts.filter((count) => count).length, counts.length]; }",
        given,
    )
    assert filled == len(np.unique(values))
    assert bins == values.max() - values.min() + 1


@pytest.mark.parametrize("values", [[7] * 30, [0, 100, 200] * 10])
def test_too_few_gray_values_have_no_histogram(script, values):
    given = {"levels": values, "range": [0, 1023]}
    assert script.evaluate("(given) => counted(given)", given) is None


def test_the_climb_is_that_of_scikit_learn_from_the_same_start(script, sample):
    steps = script.evaluate(f"(given) => climb(counted(given)).map({PLAIN})", levels_of(sample))
    start, end = steps[0], steps[-1]
    reference = GaussianMixture(
        3,
        means_init=np.array(start["means"])[:, None],
        weights_init=start["shares"],
        precisions_init=1 / np.array(start["variances"])[:, None, None],
        max_iter=len(steps) - 1,
        tol=0.0,
    )
    with pytest.warns(match="converge"):
        reference.fit(sample.reshape(-1, 1))
    order = reference.means_[:, 0].argsort()  # they may cross on the way
    # A level is a quarter of a gray value.
    np.testing.assert_allclose(end["means"], reference.means_[order, 0], atol=0.15)
    np.testing.assert_allclose(end["variances"], reference.covariances_[order, 0, 0], rtol=0.02)
    np.testing.assert_allclose(end["shares"], reference.weights_[order], atol=0.002)
    assert end["logLikelihood"] == pytest.approx(reference.score(sample.reshape(-1, 1)), abs=0.01)


@pytest.mark.parametrize("power", [1e-3, 1.0, 1e6])
def test_the_likelihood_never_falls_whatever_the_units(script, sample, power):
    with_air = np.where(np.arange(sample.shape[1]) < 60, 0, sample) * power  # a spike that is narrower than a bin
    steps = script.evaluate(f"(given) => climb(counted(given)).map({PLAIN})", levels_of(with_air))
    climbed = np.diff([step["logLikelihood"] for step in steps])
    assert len(climbed) > 3
    assert climbed.min() > -1e-9
    for step in steps:
        assert sum(step["shares"]) == pytest.approx(1)
        assert step["means"] == sorted(step["means"])
        assert min(step["variances"]) > 0
    assert steps[-1]["means"][0] < 10 * power


def test_no_class_is_narrower_than_a_gray_value(script):
    values = np.append(np.zeros(5000), np.random.default_rng(0).normal(150, 25, 3000).clip(60, 255).round())
    steps = script.evaluate(f"(given) => climb(counted(given)).map({PLAIN})", levels_of(values))
    assert steps[-1]["variances"][0] == pytest.approx(1 / 12, rel=0.02)
    assert np.isfinite(steps[-1]["logLikelihood"])


def test_the_classes_are_those_of_greatest_responsibility(script, sample):
    given = levels_of(sample)
    bins, parts = script.evaluate(
        "(given) => { const h = counted(given); const m = climb(h).at(-1);"
        " return [[...classOfBins(m, h)], [...h.values].map((value) => responsibilities(m, value))]; }",
        given,
    )
    assert np.array(parts).argmax(1).tolist() == bins
    np.testing.assert_allclose(np.sum(parts, 1), 1)
    pixels, expected = script.evaluate(
        "(given) => { const h = counted(given); const m = climb(h).at(-1); const bins = classOfBins(m, h);"
        " return [[...classOfPixels(m, h)], [...h.binOf].map((bin) => bins[bin])]; }",
        given,
    )
    assert pixels == expected


def test_an_iteration_of_a_large_picture_is_fitted_and_colored_within_50_ms(script):
    took = script.evaluate(
        """() => {
            const levels = Uint16Array.from({length: 512 * 512}, (_, at) => (at * 7919) % 1024);
            const h = counted({levels, range: [0, 255]});
            const shown = levels.map((level) => level >> 2);
            const times = climb(h).slice(0, 9).map((mixture) => {
                const start = performance.now();
                iterate(mixture, h);
                classPicture(shown, classOfPixels(mixture, h));
                return performance.now() - start;
            });
            return Math.min(...times);
        }"""
    )
    assert took < 50


# What goes wrong.

GM, WM, CSF = (tissue.number for tissue in Tissue)
LABELS = np.array([[0, 0, 0, 0], [0, CSF, GM, 0], [0, WM, WM, 0], [0, GM, ABNORMAL.number, 0]])


def findings(script, call: str, classes: np.ndarray, labels: np.ndarray = LABELS):
    return script.evaluate(
        f"([slice, classes, numbers]) => {{ const found = {call};"
        " return found.marks ? {...found, marks: [...found.marks]} : found; }",
        [
            slice_of(np.arange(labels.size, dtype=float).reshape(labels.shape), labels),
            classes.ravel().tolist(),
            [GM, WM, CSF],
        ],
    )


def test_what_lies_outside_the_brain_is_counted(script):
    found = findings(script, "outsideBrain(slice)", LABELS)
    assert found["count"] == (LABELS == 0).sum()
    assert found["marks"] == (LABELS == 0).ravel().tolist()


def test_classes_get_the_names_that_fit_best_and_what_disagrees_is_counted(script):
    classes = np.zeros(LABELS.shape, int)
    classes[LABELS == GM], classes[LABELS == WM] = 1, 2
    table = findings(script, "crossTable(classes, slice, numbers)", classes)
    assert table == [[10, 0, 0, 1], [0, 2, 0, 0], [0, 0, 2, 0]]
    found = findings(script, "disagreement(classes, slice, numbers)", classes)
    assert found["names"] == [CSF, GM, WM]
    assert found["marks"] == (ABNORMAL.number == LABELS).ravel().tolist()  # no class is that
    found = findings(script, "disagreement(classes, slice, numbers)", 2 - classes)
    assert found["names"] == [WM, GM, CSF]
    assert found["count"] == 1


def test_tissues_that_are_shown_as_one_may_have_two_classes(script):
    joined = np.where(LABELS == WM, GM, LABELS)
    classes = np.zeros(LABELS.shape, int)
    classes[LABELS == GM], classes[LABELS == WM] = 1, 2
    found = findings(script, f"disagreement(classes, slice, [{GM}, {GM}, {CSF}])", classes, joined)
    assert found["count"] == 1


def test_pixels_beside_another_tissue_lie_on_a_border(script):
    labels = np.full((5, 6), GM)
    labels[:, 3:] = WM
    labels[0] = 0
    differs = "{marks: Uint8Array.from(classes), count: classes.filter((k) => k).length}"
    classes = np.zeros(labels.shape, int)
    classes[1, 2] = classes[2, 0] = 1
    found = findings(script, f"borderPixels(slice, {differs})", classes, labels)
    assert found["marks"] == ((labels > 0) & np.isin(np.arange(6), (2, 3))).ravel().tolist()
    assert found["differing"] == pytest.approx(1 / 8)
    assert found["differingElsewhere"] == pytest.approx(1 / 16)


def test_shading_changes_the_class_of_what_it_carries_over_a_threshold(script):
    values = np.array([[0.0, 90.0], [110.0, 255.0]])
    labels, field = np.array([[0, GM], [GM, GM]]), np.array([[255, 0], [255, 255]])  # a fifth darker and brighter
    marks, ends = script.evaluate(
        """([slice, header]) => {
            const classAt = (value) => Number(value > 100);
            return [[...changedByShading([0, 0, 1, 1], slice, {header, classAt}).marks], shadingRange(slice, header)];
        }""",
        [slice_of(values, labels, field), HEADER],
    )
    assert marks == [0, 1, 1, 0]
    assert ends == pytest.approx([np.exp(-0.2), np.exp(0.2)])


# Plots, pictures, texts.


def test_a_bar_of_air_is_cut_off_and_a_plain_histogram_is_not(script):
    plain, with_air = [10, 20, 30, 40, 50, 45, 30], [5000, 20, 30, 40, 50, 45, 30]
    heights = [script.evaluate("(counts) => heightOfHistogram(counts)", counts) for counts in (plain, with_air)]
    assert heights[0] == {"height": pytest.approx(57.5), "cut": None}
    assert heights[1]["cut"] == 5000
    assert 30 <= heights[1]["height"] < 5000


def test_the_ends_of_each_column_of_a_line(script):
    assert script.evaluate("envelope([3, 1, 2, 9, 8, 7], 3)") == [[1, 3], [2, 9], [7, 8]]
    assert script.evaluate("envelope([3, 1], 2)") == [[3, 3], [1, 1]]


def test_the_patch_around_a_pixel_lies_within_the_slice(script):
    assert script.evaluate("patchAround([0, 0], {rows: 20, columns: 30})") == [0, 0]
    assert script.evaluate("patchAround([10, 10], {rows: 20, columns: 30})") == [6, 5]
    assert script.evaluate("patchAround([19, 29], {rows: 20, columns: 30})") == [12, 20]
    assert script.evaluate("patchAround([2, 2], {rows: 3, columns: 4})") == [0, 0]


def test_the_middle_of_the_brain_is_pointed_at_first(script):
    slices = [slice_of(np.eye(4), labels) for labels in (LABELS, np.zeros((4, 4), int))]
    assert [script.evaluate("(slice) => middlePixel(slice)", each) for each in slices] == [[2, 2], [2, 2]]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("percent(0)", "0 %"),
        ("percent(1)", "100 %"),
        ("percent(0.0004)", "< 0.1 %"),
        ("percent(0.9996)", "> 99.9 %"),
        ("percent(0.0567)", "5.7 %"),
        ("percent(0.567)", "57 %"),
        ("figure(-0.012345)", "−0.0123"),
        ("figure(12345.6)", "12346"),
        ("grouped(254016)", "254\u202f016"),
        ("grayFigure(52.6, 255)", "53"),
        ("grayFigure(0.526, 1)", "0.526"),
        ("filled('{a} of {b}', {a: 1, b: 0})", "1 of 0"),
    ],
)
def test_numbers_are_written_for_readers(script, call, text):
    assert script.evaluate(call) == text


# The player.

PLAY = """() => {
    window.log = [];
    const moving = (n) => { let left = n; return {pace: 1, rewind: () => { left = n; log.push('rewind'); },
        advance: () => { left -= 1; log.push(left); return left > 0; }}; };
    window.player = new Player({count: 3, changed: () => {}, show: (number) => { log.push(`show ${number}`);
        return number === 1 ? moving(3) : {}; }});
    player.speed = 1000;
    player.go(0);
}"""


def test_playing_goes_through_all_steps_and_what_moves_in_them(script):
    script.evaluate(PLAY)
    script.evaluate("player.toggle()")
    script.wait_for_function("!player.isPlaying")
    assert script.evaluate("log") == ["show 0", "show 1", "rewind", 2, 1, 0, "show 2"]


def test_playing_at_the_end_begins_anew(script):
    script.evaluate(PLAY)
    script.evaluate("() => { player.go(2); log.length = 0; player.speed = 0.001; player.toggle(); }")
    assert script.evaluate("[log, player.number, player.isPlaying]") == [["show 0"], 0, True]
    script.evaluate("player.toggle()")


def test_nothing_moves_unless_asked_and_pausing_stops_it(script):
    script.evaluate(PLAY)
    script.evaluate("player.go(1)")
    script.wait_for_timeout(60)
    assert script.evaluate("log") == ["show 0", "show 1"]
    script.evaluate("() => { player.speed = 0.001; player.toggle(); player.toggle(); player.speed = 1000; }")
    script.wait_for_timeout(60)
    assert script.evaluate("[log, player.isPlaying]") == [["show 0", "show 1", "rewind"], False]
    script.evaluate("() => { player.go(99); player.go(player.number - 1); player.go(-5); }")
    assert script.evaluate("log.slice(-3)") == ["show 2", "show 1", "show 0"]


# The whole, from the joined script.

MOUNT = """async ([header, slice, texts]) => {
    document.body.innerHTML = '<div><section class="mriseg-story" tabindex="0"></section></div>';
    const {default: mount} = await import('./joined.js');
    const root = document.querySelector('.mriseg-story');
    mount({data: {texts}, parentElement: root.parentElement});
    window.tell = (header, slice) => document.dispatchEvent(new CustomEvent('mriseg-slice', {detail: {header, slice:
        {...slice, levels: Uint16Array.from(slice.levels), labels: Uint8Array.from(slice.labels)}}}));
    tell(header, slice);
}"""
COUNT_COLORS = """() => {
    const canvas = document.querySelector('canvas');
    const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return [pixels.length, new Set(pixels).size];
}"""


def test_every_step_is_drawn_with_its_words_and_no_gap_left_in_them(script, sample):
    labels = np.where(sample > 30, GM, 0)
    labels[: sample.shape[0] // 2] *= 2
    script.evaluate(MOUNT, [HEADER, slice_of(sample, labels), texts.STORY])
    story = script.locator(".mriseg-story")
    story.focus()
    for number, (name, step) in enumerate(texts.STORY["steps"].items(), start=1):
        script.wait_for_function("name => document.querySelector('.mriseg-story').dataset.step === name", arg=name)
        assert story.locator("h2").inner_text() == f"{number}. {step['title']}"
        assert "{" not in story.inner_text()
        assert "undefined" not in story.inner_text()
        assert "NaN" not in story.inner_html()
        assert story.locator("canvas").count() >= 1
        size, colors = script.evaluate(COUNT_COLORS)
        assert size == sample.size
        assert colors > 2
        script.keyboard.press("ArrowRight")
    for lesson in story.locator(".story-lesson").all():
        lesson.click()
        assert lesson.get_attribute("aria-pressed") == "true"
        assert "{" not in story.inner_text()
    script.keyboard.press("Home")
    assert story.get_attribute("data-step") == "picture"


def test_another_slice_is_told_of_and_one_of_a_single_gray_value_is_refused_in_words(script, sample):
    labels = np.where(sample > 30, GM, 0)
    script.evaluate(MOUNT, [HEADER, slice_of(sample, labels), texts.STORY])
    story = script.locator(".mriseg-story")
    story.focus()
    for _ in range(3):
        script.keyboard.press("ArrowRight")
    script.wait_for_function("document.querySelectorAll('.story-curve').length === 3")
    likelihood = story.get_by_text("Log-likelihood per pixel").inner_text()
    script.evaluate("([header, slice]) => tell(header, slice)", [HEADER, slice_of(sample**1.5, labels)])
    script.wait_for_function(
        "before => !document.querySelector('.mriseg-story').innerText.includes(before)", arg=likelihood
    )
    flat = slice_of(np.eye(16), np.zeros((16, 16), int))
    script.evaluate("([header, slice]) => tell(header, slice)", [HEADER, flat])
    story.get_by_text(texts.STORY["tooFewGrayValues"]).wait_for()
    assert story.locator("canvas").count() == 0


def test_where_less_motion_is_wanted_a_line_is_there_at_once(script, sample):
    script.emulate_media(reduced_motion="reduce")
    script.evaluate(MOUNT, [HEADER, slice_of(sample, np.where(sample > 30, GM, 0)), texts.STORY])
    story = script.locator(".mriseg-story")
    story.focus()
    script.wait_for_function("document.querySelector('.mriseg-story').dataset.step === 'picture'")
    script.keyboard.press("ArrowRight")
    script.keyboard.press("ArrowRight")
    line = story.locator("path").last
    before = line.get_attribute("d")
    story.get_by_role("button", name="Play").click()
    script.wait_for_timeout(150)
    assert line.get_attribute("d") == before
    story.get_by_role("button", name="Pause").click()
    script.emulate_media(reduced_motion="no-preference")
    story.get_by_role("button", name="3").click()
    story.get_by_role("button", name="Play").click()
    assert len(line.get_attribute("d") or "") < len(before) / 2
    story.get_by_role("button", name="Pause").click()


def test_a_class_that_is_no_part_of_the_brain_is_named_after_no_tissue(script, sample):
    rows = np.arange(sample.shape[0])[:, None]
    labels = np.where(sample > 30, np.where(rows > 100, GM, WM), 0)
    values = np.where(labels == 0, 0.0, np.where(rows > 100, 100, 200)) + np.arange(sample.shape[1]) % 7
    script.evaluate(MOUNT, [HEADER, slice_of(values, labels), texts.STORY])
    story = script.locator(".mriseg-story")
    story.focus()
    script.keyboard.press("End")
    story.locator("[data-lesson=names]").click()
    assert "Class 1 = Outside the brain, Class 2 = Gray matter, Class 3 = White matter" in story.inner_text()
