"""What the curves and labels become when a curve or a threshold is dragged: the script's functions by themselves."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mriseg import Tissue, segment
from mriseg.app.panels.drawn_curves import drawn_curves, tissue_thresholds
from mriseg.app.scripts import APP
from mriseg.app.viewer.histogram_header import describe_histogram
from mriseg.app.viewer.viewer import MODULES
from mriseg.core.tissue import ABNORMAL
from mriseg.datasets.samples import SAMPLES
from mriseg.mixture import em
from mriseg.segmentation.posterior_calibration import soften

pytestmark = pytest.mark.browser
ADDRESS = "http://what-if.test/"  # answered by the test itself
LEAST = 1 / 512  # what a posterior's byte cannot tell from none
NUMBERS = [tissue.number for tissue in Tissue]
GEOMETRY = """(() => {
    const axis = (offset, length, slope, zero) => ({_offset: offset, _length: length, c2p: (x) => zero + slope * x,
        p2c: (p) => (p - zero) / slope});
    return geometryOf({xaxis: axis(40, 900, 900 / range, 0), yaxis: axis(30, 200, -200 / top, 200)});
})()"""


@pytest.fixture(scope="module")
def script(chromium):
    """A page in which the functions of all modules are known by their names."""
    page = chromium.contexts[0].new_page()

    def answer(route):
        name = route.request.url.removeprefix(ADDRESS)
        if name in MODULES:
            route.fulfill(content_type="text/javascript", body=(APP / name).read_text("utf-8"))
        else:
            route.fulfill(content_type="text/html", body="<!DOCTYPE html><title>what if</title>")

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    page.evaluate(
        """async (names) => {
            for (const name of names) Object.assign(window, await import(`./${name}`));
            window.lists = (tables) => ({
                curves: tables.curves.map((one) => [...one]), posteriors: tables.posteriors.map((one) => [...one]),
                none: [...tables.none],
            });
        }""",
        MODULES,
    )
    yield page
    page.close()


@pytest.fixture(scope="module")
def result():
    return segment(SAMPLES["slice-t1"].make()[0])


@pytest.fixture(scope="module")
def fit(script, result):
    """The script's `histogram`, `table`, `fit` and `fitted` are those of a result."""
    histogram = json.loads(json.dumps(describe_histogram(result, joined=False)))
    script.evaluate(
        """(given) => {
            window.histogram = given;
            window.table = tableOf(given);
            window.fit = fittedModel(given);
            window.fitted = tabulate(fit, table);
        }""",
        histogram,
    )
    return histogram


def table_of(script) -> np.ndarray:
    return np.array(script.evaluate("Array.from({length: table.points}, (_, at) => intensityOfPoint(at, table))"))


def moments(script, model: str, k: int) -> tuple[float, float, float]:
    found = script.evaluate(f"momentsOf({model}.curves[{k}])")
    return found["share"], found["mean"], found["sd"]


# What is sent.


def test_the_curves_that_are_sent_are_those_of_the_result(result):
    sent = describe_histogram(result, joined=False)
    gaussians = [one for curve in sent["curves"] for one in curve["gaussians"]] + sent["none"]
    x = np.linspace(sent["first"], sent["first"] + 255 * sent["width"], 99)
    weights, means, sds = np.transpose(gaussians)
    density = (weights * np.exp(-0.5 * ((x[:, None] - means) / sds) ** 2) / (sds * np.sqrt(2 * np.pi))).sum(1)
    np.testing.assert_allclose(density, result.mixture.density(x), rtol=1e-12)
    assert weights.sum() == pytest.approx(1)
    assert sum(sent["counts"]) == pytest.approx(result.histogram.counts.sum(), rel=1e-6)
    assert sent["shares"] == {tissue.number: result.fractions[tissue] for tissue in Tissue}


def test_of_gray_and_white_matter_as_one_one_curve_is_sent(result):
    sent = describe_histogram(result, joined=True)
    assert sorted(curve["tissue"] for curve in sent["curves"]) == [Tissue.GM.number, Tissue.CSF.number]
    (one,) = [curve for curve in sent["curves"] if curve["tissue"] == Tissue.GM.number]
    expected = result.curves.class_shares[[tissue is not Tissue.CSF for tissue in result.mixture.tissues]].sum()
    assert sum(weight for weight, _, _ in one["gaussians"]) == pytest.approx(expected)
    assert sent["shares"][Tissue.GM.number] == result.fractions[Tissue.GM] + result.fractions[Tissue.WM]
    assert Tissue.WM.number not in sent["shares"]


def test_several_classes_of_a_tissue_are_told_apart(result):
    drawn = drawn_curves(replace(result.mixture, tissues=(Tissue.CSF, Tissue.WM, Tissue.WM)))
    assert [curve.title for curve in drawn] == ["Cerebrospinal fluid", "White matter 1", "White matter 2"]
    assert len({(curve.tissue, curve.dash) for curve in drawn}) == 3


# The model.


def test_curves_and_their_posteriors_are_the_engines(script, result, fit):
    x = table_of(script)
    found = script.evaluate("lists(fitted)")
    densities = result.curves.class_densities(x).T
    np.testing.assert_allclose(found["curves"], densities, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found["none"], result.curves.unexplained_density(x), rtol=1e-9, atol=1e-15)
    seen = densities.sum(0) > 1e-12  # farther out the engine's densities are rounding
    np.testing.assert_allclose(
        np.array(found["posteriors"])[:, seen], (densities / densities.sum(0))[:, seen], atol=1e-6
    )
    np.testing.assert_allclose(np.sum(found["posteriors"], 0), 1, rtol=1e-12)


def test_thresholds_are_the_engines(script, result, fit):
    found = script.evaluate("thresholdsOf(fitted, histogram, table, outerCenters(fit, histogram))")
    expected = list(tissue_thresholds(result.mixture, drawn_curves(result.mixture)))
    step = script.evaluate("table.step")
    assert [one["level"] for one in found] == pytest.approx([level for level, _, _ in expected], abs=step)
    names = {tissue.number: tissue.abbreviation for tissue in Tissue}
    assert [(names[one["below"]], names[one["above"]]) for one in found] == [(a, b) for _, a, b in expected]


@pytest.mark.parametrize("wanted", [{"mean": 95.5}, {"sd": 17.25}, {"share": 0.3}, {"mean": 95, "sd": 4, "share": 0.6}])
def test_a_curve_has_the_moments_that_it_is_dragged_to_and_the_others_keep_theirs(script, fit, wanted):
    script.evaluate("(wanted) => { window.moved = withMoments(fit, 1, wanted, histogram); }", wanted)
    before = [np.array(moments(script, "fit", k)) for k in range(3)]
    after = [np.array(moments(script, "moved", k)) for k in range(3)]
    expected = dict(zip(("share", "mean", "sd"), before[1], strict=True)) | wanted
    assert after[1] == pytest.approx([expected["share"], expected["mean"], expected["sd"]])
    assert sum(one[0] for one in after) == pytest.approx(sum(one[0] for one in before))
    for k in (0, 2):
        assert after[k][1:] == pytest.approx(before[k][1:])
    assert after[0][0] / after[2][0] == pytest.approx(before[0][0] / before[2][0])
    assert script.evaluate("moved.none === fit.none")


def test_no_curve_vanishes_and_none_becomes_narrower_than_a_bar_shows(script, fit):
    for share, least in ((-1, 0.002), (2, None)):
        script.evaluate("(share) => { window.moved = withMoments(fit, 0, {share, sd: 0}, histogram); }", share)
        shares = [moments(script, "moved", k)[0] for k in range(3)]
        assert min(shares) > 0
        if least:
            assert shares[0] == pytest.approx(least)
        assert moments(script, "moved", 0)[2] == pytest.approx(fit["width"] / 2)


def test_a_dragged_threshold_divides_the_same_sum_elsewhere(script, fit):
    [first, second] = script.evaluate("thresholdsOf(fitted, histogram, table, outerCenters(fit, histogram))")
    low, _ = script.evaluate("outerCenters(fit, histogram)")
    wanted = first["level"] + 0.6 * (second["level"] - first["level"])
    given = {"level": first["level"], "wanted": wanted, "low": low, "high": second["level"]}
    found, levels, warp = script.evaluate(
        """(given) => {
            const moved = withThreshold(fit, given, table);
            const tables = tabulate(moved, table);
            const levels = thresholdsOf(tables, histogram, table, outerCenters(moved, histogram));
            return [lists(tables), levels, [...moved.warp]];
        }""",
        given,
    )
    x, before = table_of(script), script.evaluate("lists(fitted)")
    assert [one["level"] for one in levels] == pytest.approx([wanted, second["level"]], abs=2 * (x[1] - x[0]))
    np.testing.assert_allclose(np.sum(found["curves"], 0), np.sum(before["curves"], 0), rtol=1e-9, atol=1e-15)
    assert (np.diff(warp) > 0).all()
    assert np.diff(warp).max() < 5 * (x[1] - x[0])  # it leaves nothing out
    beyond = (x < low) | (x > second["level"])
    np.testing.assert_allclose(np.array(warp)[beyond], x[beyond])
    # What was said at the threshold is now said where it was dragged to.
    at = [np.interp(wanted, x, one) for one in found["posteriors"]]
    assert at == pytest.approx([np.interp(first["level"], x, one) for one in before["posteriors"]], abs=0.05)


def test_a_threshold_never_passes_its_neighbors(script, fit):
    given = {"level": 80, "low": 60, "high": 120}
    for wanted in (-1000, 1000):
        warp = script.evaluate("(given) => [...withThreshold(fit, given, table).warp]", given | {"wanted": wanted})
        assert (np.diff(warp) > 0).all()


# The labels.


def random_slice(rng) -> dict[str, list[int]]:
    """Pixels of which each has what a slice has, of any probabilities."""
    n = 4000
    shares = rng.dirichlet((0.3, 0.3, 0.3), n)
    abnormal = np.where(rng.random(n) < 0.1, rng.integers(0, 256, n), 0)
    gray, white, _ = np.floor(shares.T * (255 - abnormal)).astype(int)
    fluid = 255 - abnormal - gray - white
    labels = 1 + np.argmax([gray, white, fluid], 0)
    other = rng.random(n) < 0.05  # labels that are not the likeliest
    labels[other] = rng.integers(1, 4, other.sum())
    labels[abnormal > 127] = ABNORMAL.number
    labels[rng.random(n) < 0.2] = 0
    layers = {"labels": labels, "gray": gray, "white": white, "abnormal": abnormal}
    return {name: layer.tolist() for name, layer in layers.items()} | {"points": rng.integers(0, 1024, n).tolist()}


CHANGED = """([given, change]) => {
    const names = ['labels', 'gray', 'white', 'abnormal'];
    const slice = Object.fromEntries(names.map((name) => [name, Uint8Array.from(given[name])]));
    const model = change ? withMoments(fit, 1, change, histogram) : fit;
    const factors = factorsOf(fitted, tabulate(model, table), histogram, [1, 2, 3]);
    const tissues = [1, 2, 3].map((number) => ({number}));
    const header = {histogram, tissues, abnormal: {number: 7}, temperatures: [1, 1]};
    const changed = changedSlice(slice, Uint16Array.from(given.points), factors, header);
    return [...['labels', 'gray', 'white'].map((name) => [...changed[name]]), factors.map((one) => [...one])];
}"""


def test_without_a_change_all_is_as_the_fit_has_it(script, fit):
    given = random_slice(np.random.default_rng(0))
    *layers, _ = script.evaluate(CHANGED, [given, None])
    for name, layer in zip(("labels", "gray", "white"), layers, strict=True):
        assert layer == given[name], name
    share, mean, sd = moments(script, "fit", 1)
    *layers, _ = script.evaluate(CHANGED, [given, {"mean": mean, "sd": sd, "share": share}])
    assert np.mean(np.array(layers[0]) == given["labels"]) == 1


def test_the_factors_are_the_ratios_of_the_histograms_posteriors_as_far_as_bytes_tell_them(script, fit):
    factors, before, after = script.evaluate(
        """() => {
            const changed = tabulate(withMoments(fit, 1, {mean: 118, share: 0.2}, histogram), table);
            const factors = factorsOf(fitted, changed, histogram, [1, 2, 3]);
            return [factors.map((one) => [...one]), lists(fitted).posteriors, lists(changed).posteriors];
        }"""
    )
    ratio = np.maximum(after, LEAST) / np.maximum(before, LEAST)
    for curve, expected in zip(fit["curves"], ratio, strict=True):
        np.testing.assert_allclose(factors[NUMBERS.index(curve["tissue"])], expected, rtol=1e-12)


def test_a_label_follows_the_likeliest_tissue_and_what_is_abnormal_stays(script, fit):
    given = random_slice(np.random.default_rng(1))
    labels, gray, white, factors = script.evaluate(CHANGED, [given, {"mean": 118, "share": 0.2, "sd": 9}])
    old = {name: np.array(given[name], float) for name in ("labels", "gray", "white", "abnormal")}
    shares = np.stack([old["gray"], old["white"], 255 - old["abnormal"] - old["gray"] - old["white"]]) / 255
    ratio = np.array(factors)[:, given["points"]]
    assert (np.abs(np.log(ratio)) > 1).mean() > 0.05  # there is a change to see
    now = shares * ratio + LEAST * np.maximum(0, ratio - 1)
    before, after = shares.argmax(0), now.argmax(0)
    expected = np.where(after == before, old["labels"], np.array(NUMBERS)[after])
    fixed = (old["labels"] == 0) | (old["labels"] == ABNORMAL.number)
    assert np.mean(labels == np.where(fixed, old["labels"], expected)) > 0.999  # bytes may tie
    assert ((np.array(labels) == old["labels"]) | ~fixed).all()
    scaled = now / now.sum(0) * (255 - old["abnormal"])
    for k, layer in enumerate((gray, white)):
        assert np.abs(np.array(layer) - scaled[k])[~fixed].max() <= 1
        assert (np.array(layer)[fixed] == old[("gray", "white")[k]][fixed]).all()
    assert (np.array(gray) + white <= 255 - old["abnormal"]).all()


def test_gray_and_white_matter_as_one_keep_their_proportion(script, result, fit):
    histogram = json.loads(json.dumps(describe_histogram(result, joined=True)))
    given = random_slice(np.random.default_rng(2))
    given["labels"] = np.where(np.array(given["labels"]) == 2, 1, given["labels"]).tolist()
    labels, gray, white = script.evaluate(
        """([given, joined]) => {
            const names = ['labels', 'gray', 'white', 'abnormal'];
            const slice = Object.fromEntries(names.map((name) => [name, Uint8Array.from(given[name])]));
            const one = fittedModel(joined);
            const fluid = joined.curves.findIndex(({tissue}) => tissue === 3);
            const moved = withMoments(one, fluid, {mean: 100, share: 0.5}, joined);
            const factors = factorsOf(tabulate(one, table), tabulate(moved, table), joined, [1, 2, 3]);
            const tissues = [1, 2, 3].map((number) => ({number}));
            const header = {histogram: joined, tissues, abnormal: {number: 7}, temperatures: [1, 1]};
            const changed = changedSlice(slice, Uint16Array.from(given.points), factors, header);
            return ['labels', 'gray', 'white'].map((name) => [...changed[name]]);
        }""",
        [given, histogram],
    )
    assert set(labels) <= {0, 1, 3, ABNORMAL.number}
    assert np.mean(np.array(labels) != given["labels"]) > 0.02
    old = np.array(given["gray"]) / np.maximum(np.add(given["gray"], given["white"]), 1)
    new = np.array(gray) / np.maximum(np.add(gray, white), 1)
    clear = (np.add(gray, white) > 60) & (np.add(given["gray"], given["white"]) > 60)
    assert np.abs(new - old)[clear].max() < 0.05


# The labels of a slice after the curve of gray matter was dragged to the right and the fit from there ended; what is
# told of the shares, and the likeliest tissue by the curves.
AFTER_FIT = """([histogram, bytes, places, temperatures]) => {
    const table = tableOf(histogram);
    const fit = fittedModel(histogram);
    const fitted = tabulate(fit, table);
    const k = histogram.curves.findIndex(({tissue}) => tissue === 1);
    const {mean} = momentsOf(fit.curves[k]);
    const moved = tabulate(withMoments(fit, k, {mean: mean + 20}, histogram), table);
    const held = fit.curves.reduce((sum, curve) => sum + momentsOf(curve).share, 0);
    const path = [...emPath(histogram, gaussiansOf(moved.curves, table, held), fit.none)];
    const after = tabulate({curves: path.at(-1).gaussians.map((one) => [one]), none: fit.none, warp: null}, table);
    const points = Uint16Array.from(places, (x) => tablePoint(x, table));
    const slice = Object.fromEntries(Object.entries(bytes).map(([name, layer]) => [name, Uint8Array.from(layer)]));
    const factors = factorsOf(fitted, after, histogram, [1, 2, 3]);
    const header = {histogram, temperatures, tissues: [1, 2, 3].map((number) => ({number})), abnormal: {number: 7}};
    const changed = changedSlice(slice, points, factors, header);
    const likeliest = (tables) => Array.from(points, (at) => [...byTissue(tables.posteriors, histogram.curves)].reduce(
        (best, one) => (one[1][at] > best[1][at] ? one : best))[0]);
    return {labels: [...changed.labels], told: sharesOf(fitted, after, histogram, table), likeliest: likeliest(after)};
}"""


# Curves of a T2-weighted slice in which gray and white matter are alike and a plain Gaussian of fluid comes out wide.
ALIKE = {
    Tissue.GM: [(0.05, 103, 12.6), (0.05, 117, 25)],
    Tissue.WM: [(0.27, 103, 12), (0.22, 128, 13), (0.17, 110, 24), (0.06, 155, 9)],
    Tissue.CSF: [(0.04, 195, 15), (0.04, 230, 15), (0.03, 174, 8.5), (0.02, 193, 23)],
}
NO_TISSUE = [(0.03, 102, 28), (0.02, 36, 20)]


def density_of(gaussians, x: np.ndarray) -> np.ndarray:
    weights, means, sds = np.transpose(gaussians)
    return (weights * np.exp(-0.5 * ((x[:, None] - means) / sds) ** 2) / (sds * np.sqrt(2 * np.pi))).sum(1)


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("softening", [(1.0, 1.0), (11.0, 1.0), (11.0, 4.0)])
def test_labels_after_the_fit_from_here_are_those_of_its_curves_however_soft_the_posteriors(script, joined, softening):
    bars = np.arange(2.0, 269)
    each = np.array([density_of(gaussians, bars) for gaussians in ALIKE.values()])
    counts = np.rint(20_000 * (each.sum(0) + density_of(NO_TISSUE, bars))).astype(int)
    posteriors = np.repeat(each / each.sum(0), counts, axis=1).astype(np.float32)
    parts = [[Tissue.GM, Tissue.WM], [Tissue.CSF]] if joined else [[tissue] for tissue in Tissue]
    curves = [[gaussian for tissue in part for gaussian in ALIKE[tissue]] for part in parts]
    shares = {part[0].number: float(sum(posteriors[tissue.number - 1].mean() for tissue in part)) for part in parts}
    histogram = {
        **{"first": bars[0], "width": 1, "counts": counts.tolist(), "none": NO_TISSUE, "joined": joined},
        "curves": [{"tissue": one[0].number, "gaussians": of} for one, of in zip(parts, curves, strict=True)],
        "shares": shares,
    }
    labels = np.array(NUMBERS)[posteriors.argmax(0)]
    if joined:
        labels[labels == Tissue.WM.number] = Tissue.GM.number
    soften(posteriors, within_tissue=softening[0], about_fluid=softening[1])
    gray, white, _ = np.rint(255 * posteriors).astype(int)
    layers = {"labels": labels, "gray": gray, "white": white, "abnormal": np.zeros_like(gray)}
    slice_ = {name: layer.tolist() for name, layer in layers.items()}
    found = script.evaluate(AFTER_FIT, [histogram, slice_, np.repeat(bars, counts).tolist(), softening])
    after = np.array(found["labels"])
    assert np.mean(after != labels) > 0.05  # there is something to see
    assert np.mean(after == found["likeliest"]) > 0.97
    for number, share in found["told"].items():
        assert np.mean(after == int(number)) == pytest.approx(share, abs=0.15)  # probabilities, of which none wins


def test_shares_of_the_brain_change_by_the_voxels_of_the_histogram(script, result, fit):
    same = script.evaluate("sharesOf(fitted, fitted, histogram, table)")
    assert same == pytest.approx({str(tissue.number): result.fractions[tissue] for tissue in Tissue})
    more = script.evaluate(
        "sharesOf(fitted, tabulate(withMoments(fit, 1, {share: 0.7}, histogram), table), histogram, table)"
    )
    grown = fit["curves"][1]["tissue"]
    assert more[str(grown)] > same[str(grown)]
    assert sum(more.values()) == pytest.approx(sum(same.values()))


# Expectation-maximization.


def numpy_step(x, counts, gaussians, none):
    """One textbook step with a fixed curve beside the Gaussians, by another hand."""
    weights, means, sds = np.transpose(gaussians)
    density = weights * np.exp(-0.5 * ((x[:, None] - means) / sds) ** 2) / (sds * np.sqrt(2 * np.pi))
    total = density.sum(1) + none(x)
    mine = counts[:, None] * density / total[:, None]
    held = mine.sum(0)
    new = (mine * x[:, None]).sum(0) / held
    spread = np.sqrt((mine * (x[:, None] - new) ** 2).sum(0) / held)
    return np.stack([weights.sum() * held / held.sum(), new, spread], 1), (counts * np.log(total)).sum() / counts.sum()


def test_a_step_of_the_fit_from_here_is_the_textbooks(script, result, fit):
    x, counts = fit["first"] + fit["width"] * np.arange(256), np.array(fit["counts"])
    x = x[: len(counts)]
    gaussians = [[0.2, 60.0, 12.0], [0.35, 100.0, 15.0], [0.41, 140.0, 10.0]]
    none = [[0.04, 90.0, 40.0]]

    def density(at):
        return 0.04 * np.exp(-0.5 * ((at - 90) / 40) ** 2) / (40 * np.sqrt(2 * np.pi))

    for _ in range(4):
        found = script.evaluate("([start, none]) => emStep(histogram, start, none)", [gaussians, none])
        expected, likelihood = numpy_step(x, counts, gaussians, density)
        np.testing.assert_allclose(found["gaussians"], expected, rtol=1e-9)
        assert found["logLikelihood"] == pytest.approx(likelihood, rel=1e-12)
        gaussians = found["gaussians"]


PATH = """([start, none]) => [...emPath(histogram, start, none)]"""


@pytest.mark.parametrize("seed", range(4))
def test_the_likelihood_never_falls(script, fit, seed):
    rng = np.random.default_rng(seed)
    weights = 0.95 * rng.dirichlet((1, 1, 1))
    start = np.stack([weights, rng.uniform(40, 150, 3), rng.uniform(0.5, 40, 3)], 1).tolist()
    path = script.evaluate(PATH, [start, [[0.05, 95.0, 50.0]]])
    climbed = np.array([step["logLikelihood"] for step in path])
    assert [step["iteration"] for step in path] == list(range(len(path)))
    assert (np.diff(climbed) >= -1e-12).all()
    assert climbed[-1] > climbed[0]
    for step in path:
        assert sum(weight for weight, _, _ in step["gaussians"]) == pytest.approx(0.95)
        assert min(sd for _, _, sd in step["gaussians"]) >= fit["width"] / 2 * (1 - 1e-12)


def test_the_fit_from_here_ends_where_the_engines_algorithm_does(script, result, fit):
    bars = result.histogram.rebin(256)
    filled = bars.counts > 0
    start = np.array([[0.2, 60.0, 12.0], [0.4, 105.0, 15.0], [0.4, 140.0, 10.0]])
    last = script.evaluate(PATH, [start.tolist(), []])[-1]
    weights, means, sds = start.T
    parameters, history, _ = em.expectation_maximization(
        bars.levels[filled, None],
        bars.counts[filled],
        em.plain(3, tied=False),
        em.Parameters(means[:, None], (sds**2)[:, None, None], weights[None]),
        tolerance=1e-9,
        max_iterations=500,
        floor=np.array([(0.5 * bars.width) ** 2]),
    )
    assert last["logLikelihood"] == pytest.approx(history[-1], abs=1e-4)
    expected = np.stack([parameters.weights[0], parameters.means[:, 0], np.sqrt(parameters.covariances[:, 0, 0])], 1)
    np.testing.assert_allclose(last["gaussians"], expected, rtol=0.01)


def test_it_starts_from_the_curves_as_they_were_left(script, fit):
    start = script.evaluate(
        """() => {
            const model = withMoments(fit, 1, {mean: 112, sd: 7, share: 0.3}, histogram);
            return gaussiansOf(tabulate(model, table).curves, table, 0.99);
        }"""
    )
    assert sum(weight for weight, _, _ in start) == pytest.approx(0.99)
    assert start[1][1:] == pytest.approx([112, 7], rel=0.02)


# On the screen.


def test_a_peak_follows_the_pointer(script, fit):
    top = 1.5 * max(fit["counts"])
    span = fit["width"] * len(fit["counts"]) + fit["first"]
    places = script.evaluate(
        f"""([range, top]) => {{
            const scale = histogram.width * histogram.counts.reduce((sum, count) => sum + count, 0);
            const view = {{histogram, table, scale, geometry: {GEOMETRY}}};
            const of = (model) => handlesOf(tabulate(model, table), model, view).filter(({{kind}}) => kind === 'mean');
            const place = (handle) => [view.geometry.x(handle.intensity), view.geometry.y(handle.count)];
            return of(fit).map((handle, k) => {{
                const model = dragHandle({{handle, model: fit}}, [-17, 9], view);
                return [place(handle), place(of(model)[k])];
            }});
        }}""",
        [span, top],
    )
    assert len(places) == 3
    for before, after in places:
        assert np.subtract(after, before) == pytest.approx([-17, 9], abs=1.5)  # up to a point of the table


def test_keys_move_what_pointers_move(script, fit):
    found = script.evaluate(
        """() => {
            const scale = histogram.width * histogram.counts.reduce((sum, count) => sum + count, 0);
            const view = {histogram, table, scale};
            const handles = handlesOf(fitted, fit, view);
            const press = (kind, key) =>
                pressHandle({handle: handles.find((one) => one.kind === kind), model: fit}, key, view);
            const k = handles.find(({kind}) => kind === 'mean').curve;
            const of = (model) => momentsOf(model.curves[k]);
            const moved = [['mean', 'ArrowRight'], ['mean', 'ArrowUp'], ['width', 'ArrowLeft']];
            return [of(fit), ...moved.map(([kind, key]) => of(press(kind, key))),
                press('threshold', 'ArrowRight').warp !== null, press('mean', 'a')];
        }"""
    )
    before, right, up, narrow, is_warped, nothing = found
    assert right["mean"] > before["mean"]
    assert up["share"] == pytest.approx(before["share"] + 0.01)
    assert narrow["sd"] < before["sd"]
    assert is_warped
    assert nothing is None


def test_no_name_of_a_threshold_covers_another(script):
    names = [{"text": "CSF | GM 80.3", "x": x} for x in (100, 110, 150, 400, 880)]
    placed = script.evaluate("(names) => placeNames(names, {left: 40, width: 880})", names)
    for n, one in enumerate(placed):
        assert one["start"] + one["length"] <= 920
        for other in placed[:n]:
            apart = one["start"] > other["start"] + other["length"] or other["start"] > one["start"] + one["length"]
            assert apart or one["line"] != other["line"]
    assert placed[3]["line"] == 0
