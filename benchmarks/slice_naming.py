"""Fits the table that single slices are named by, a logistic regression, and says how often the names are right.

    python benchmarks/slice_naming.py [--data ../shared/data] [--seed 7] [--write]

Slices of known contrast (`slice_corpus.py`) go through the package's own search for the brain; of real ones whose
brain is not found the known one is taken, and of drawn ones always, its border moved by chance. A multinomial
logistic regression with a penalty on the squares is fitted to those of the tuning subjects. The rule, written before
the work: tuned on glioma01, on the pictures of odd number and on all subjects that `HELD_OUT` in `naming.py` does not
name; tested on the rest. Contrasts count about alike, proton density less as it is rare, and in a kind each source by
the root of its slices. With `--write` the table of the package is written anew. Takes 15 minutes on one core.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
from naming import CONFIDENCES, HELD_OUT
from sklearn.linear_model import LogisticRegression
from slice_corpus import AGENT, NONE, Slice, corpus
from slice_corpus import KINDS as OF_BRAINS
from table import DATA, print_table

from mriseg.brain.background import above_background, background_level, find_background
from mriseg.brain.extraction import extract
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.tissue import Contrast
from mriseg.segmentation.slice_contrast import MOST_DEVIATION
from mriseg.segmentation.slice_features import features, view_slice

TABLE = Path(__file__).parents[1] / "mriseg" / "segmentation" / "slice_contrast_tables.py"
PENALTY = 0.05  # inverse strength; of .003 to .1 the least whose confidence holds in sources that are left out
SURE = 0.9
LEAST_PIXELS = 800
MOST_MOVED = 3  # pixels: how far a border may be wrong
# How often each kind is, against T2 and FLAIR: the two kinds of T1 together about as often as each of these.
SHARE = {"T1w": 0.6, AGENT: 0.6, "PDw": 0.4, NONE: 0.3}
KINDS = (*OF_BRAINS, NONE)
TESTED = (*HELD_OUT, "glioma03", "glioma05", "sagittal_t2", "axial_t2_png_named")
CONTRAST_OF = {
    **{kind: next(c for c in Contrast if c.suffix == kind.split()[0]) for kind in OF_BRAINS},
    NONE: Contrast.UNKNOWN,
}
ORDERS = tuple(dict.fromkeys(CONTRAST_OF[kind].dark_to_bright for kind in OF_BRAINS))


@dataclass(frozen=True, eq=False)
class Measured:
    """The figures of one slice.

    Attributes
    ----------
    source, subject, kind : str
        As those of `Slice`.
    names : tuple of str
    values : ndarray
    """

    source: str
    subject: str
    kind: str
    names: tuple[str, ...]
    values: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    slices = []
    for one in corpus(options.data, rng):
        measured = measure(one, rng)
        if measured is not None:
            slices.append(measured)
        print(f"{len(slices)} slices", end="\r", file=sys.stderr)
    tuned = [one for one in slices if not is_tested(one.subject)]
    report(tuned, [one for one in slices if is_tested(one.subject)])
    if options.write:
        TABLE.write_text(table_text(tuned))


def report(tuned: list[Measured], tested: list[Measured]) -> None:
    """Print what a model of the tuning slices is worth; what is no brain has a part in it, but no names."""
    model, from_others = fit(tuned), left_out(tuned)
    brains = np.array([one.kind != NONE for one in tuned])
    center, spread, of_kinds = regression(tuned)
    nothing = [one for one in tested if one.kind == NONE]
    if nothing:
        found = of_kinds.predict(design(nothing, center, spread)) == KINDS.index(NONE)
        print(f"Of {len(nothing)} textures that were held out {found.mean():.0%} were told from brains.")
    from_others = from_others[brains]
    tuned, tested = ([one for one in apart if one.kind != NONE] for apart in (tuned, tested))
    for title, apart in (("tuned", tuned), ("held out", tested)):
        print_rates(title, apart, model(apart))
    print_calibration({"tuned": (tuned, model(tuned)), "held out": (tested, model(tested))})
    print_calibration({"source left out": (tuned, from_others)})


def is_tested(subject: str) -> bool:
    """Whether no slice of this subject may have a part in the table: also every picture and texture of even number."""
    number = subject.removeprefix("q").removeprefix("texture ")
    if number.isdigit():
        return int(number) % 2 == 0
    return subject in TESTED


def measure(one: Slice, rng: np.random.Generator) -> Measured | None:
    """The figures of a slice with its brain as it is found, or as it is known."""
    data = above_background(one.image.astype(np.float32), find_background(one.image.astype(np.float32)))
    mask = one.brain
    if one.source == "drawn" and mask is not None:  # a search for it would take most of the time
        steps = int(rng.integers(-MOST_MOVED, MOST_MOVED + 1))
        move = scipy.ndimage.binary_dilation if steps > 0 else scipy.ndimage.binary_erosion
        mask = move(mask, iterations=abs(steps)) if steps else mask
    elif not one.source.startswith(("drawn", "texture")):
        try:
            brain = extract(data, None)
        except BrainNotFoundError:
            brain = None
        if brain is not None and (one.source == "picture" or not brain.doubtful):
            mask = brain.mask
    if mask is None or mask.sum() < LEAST_PIXELS:
        return None
    level = background_level(data, mask)
    figures = features(view_slice(data, mask, background_level=level, inverted=False))
    return Measured(one.source, one.subject, one.kind, tuple(figures), np.array(list(figures.values())))


def design(slices: list[Measured], center: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The figures in spreads, shape (slices, figures)."""
    values = np.array([one.values for one in slices])
    return np.clip((values - center) / spread, -MOST_DEVIATION, MOST_DEVIATION)


def standard(slices: list[Measured]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each figure."""
    values = np.array([one.values for one in slices])
    return values.mean(0), values.std(0) + 1e-6


def weights(slices: list[Measured]) -> np.ndarray:
    """Of each slice: kinds count alike but for what is rare, and in a kind each source by the root of its slices."""
    sources = [(one.source.split(",")[0].split(" varied")[0], one.kind) for one in slices]
    size = Counter(sources)
    weight = np.array([size[source] ** -0.5 for source in sources])
    of_kind = {kind: sum(w for w, one in zip(weight, slices, strict=True) if one.kind == kind) for kind in KINDS}
    weight *= [SHARE.get(one.kind, 1.0) / of_kind[one.kind] for one in slices]
    return weight * len(slices) / weight.sum()


def regression(slices: list[Measured]) -> tuple[np.ndarray, np.ndarray, LogisticRegression]:
    """What standardizes the figures, and the regression of the kind on them."""
    center, spread = standard(slices)
    numbers = [KINDS.index(one.kind) for one in slices]
    model = LogisticRegression(C=PENALTY, max_iter=2000)
    return center, spread, model.fit(design(slices, center, spread), numbers, sample_weight=weights(slices))


def fit(slices: list[Measured]) -> Callable[[list[Measured]], np.ndarray]:
    """What takes slices to the probabilities of the orders of the tissues, shape (slices, orders)."""
    center, spread, model = regression(slices)

    def of_orders(others: list[Measured]) -> np.ndarray:
        of_kinds = dict(
            zip([KINDS[k] for k in model.classes_], model.predict_proba(design(others, center, spread)).T, strict=True)
        )
        unknown = of_kinds.get(NONE, np.zeros(len(others))) / len(ORDERS)
        return np.stack(
            [
                unknown + sum(of_kinds[k] for k in of_kinds if CONTRAST_OF[k].dark_to_bright == order)
                for order in ORDERS
            ],
            1,
        )

    return of_orders


def left_out(slices: list[Measured]) -> np.ndarray:
    """Probabilities of the orders where the model has seen nothing of the same source."""
    sources = np.array([one.source.split(",")[0].split(" varied")[0] for one in slices])
    found = np.zeros((len(slices), len(ORDERS)))
    for source in np.unique(sources):
        others = [one for one, own in zip(slices, sources == source, strict=True) if not own]
        these = [one for one, own in zip(slices, sources == source, strict=True) if own]
        found[sources == source] = fit(others)(these)
    return found


def verdicts(slices: list[Measured], probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each slice the confidence, and whether its order is right."""
    right = np.array([ORDERS.index(CONTRAST_OF[one.kind].dark_to_bright) for one in slices])
    return probability.max(1), probability.argmax(1) == right


def print_rates(title: str, slices: list[Measured], probability: np.ndarray) -> None:
    """How often the order is right, by source and kind."""
    confidence, right = verdicts(slices, probability)
    rows = []
    groups = [(one.source, one.kind) for one in slices]
    for group in (*sorted(set(groups)), None):
        of_group = np.array([group in (None, other) for other in groups])
        sure = of_group & (confidence >= SURE)
        rows.append((
            title, *(group or ("all", "all")), of_group.sum(), f"{right[of_group].mean():.3f}",
            f"{confidence[of_group].mean():.3f}", sure.sum(), (sure & ~right).sum(),
        ))  # fmt: skip
    print()
    print_table(("subjects", "source", "kind", "n", "names right", "confidence", "sure", "of these wrong"), rows)


def print_calibration(sets: dict[str, tuple[list[Measured], np.ndarray]]) -> None:
    """How often the names are right where the confidence is so high, and the expected calibration error."""
    rows = []
    for title, (slices, probability) in sets.items():
        confidence, right = verdicts(slices, probability)
        error = 0.0
        for low, high in zip(CONFIDENCES, (*CONFIDENCES[1:-1], 1.1), strict=False):
            group = (confidence >= low) & (confidence < high)
            if group.any():
                stated, found = confidence[group].mean(), right[group].mean()
                error += group.mean() * abs(stated - found)
                rows.append((title, f"{low:g} to {min(high, 1):g}", group.sum(), f"{stated:.3f}", f"{found:.3f}"))
        rows.append((title, "expected calibration error", len(slices), "", f"{error:.3f}"))
    print()
    print_table(("subjects", "confidence", "n", "mean confidence", "names right"), rows)


def table_text(slices: list[Measured]) -> str:
    """The table as a module of the package."""
    center, spread, model = regression(slices)
    rows = []
    for name, mean, sd, weight in zip(slices[0].names, center, spread, model.coef_.T, strict=True):
        numbers = ", ".join(f"{value:.4g}" for value in (mean, sd, *weight))
        rows.append(f'    "{name}": ({numbers}),')
    kinds = ", ".join(f"(Contrast.{CONTRAST_OF[kind].name}, {kind.endswith('agent')})" for kind in KINDS)
    intercepts = ", ".join(f"{value:.4g}" for value in model.intercept_)
    return HEAD.format(count=len(slices), kinds=kinds, intercepts=intercepts) + "\n".join(rows) + "\n}\n"


HEAD = '''"""What the contrast of a single slice is told by: a multinomial logistic regression.

Written by `benchmarks/slice_naming.py --write`, fitted there to the figures of {count} slices, drawn and real.
"""

from mriseg.core.tissue import Contrast

# Each kind is a contrast, and whether a contrast agent was given.
KINDS = ({kinds})
INTERCEPTS = ({intercepts})
# Of each figure its mean, its standard deviation, and for each kind the change of the log odds with a deviation of one.
COEFFICIENTS = {{
'''


if __name__ == "__main__":
    main()
