"""What the histogram says of the fit: how far the curves miss its bars, and what it says without the average brain."""

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture.fit import fit
from mriseg.mixture.histogram import Cells, Histogram
from mriseg.mixture.model import Mixture
from mriseg.mixture.tissue_densities import BARS, TissueDensities, misfit


def fit_figures(histogram: Histogram, curves: TissueDensities) -> dict[str, float]:
    """Figures of the fit, on the bars as they are drawn.

    Parameters
    ----------
    histogram : Histogram
        Of the brain's corrected intensities.
    curves : TissueDensities
        That were fitted to it.

    Returns
    -------
    dict of str to float
        ``misfit``: share of the voxels that lie at another intensity than the fitted sum says (total variation);
        ``misfit_by_chance``: what it would be if the sum were right; ``misfit_below``, ``misfit_between`` and
        ``misfit_above``: the parts of `misfit` below the darkest class, between the classes and above the brightest,
        by their mean intensities.

    Examples
    --------
    A class as bright as it is said to be, but for a tenth of its voxels that are brighter than it can be:

    >>> curves = TissueDensities(np.ones(1), np.array([50.0]), np.array([5.0]), np.array([0]), classes=1)
    >>> levels = np.arange(101.0)
    >>> counts = 90_000 * curves.density(levels)
    >>> counts[90] = 10_000
    >>> {key: round(value, 1) for key, value in fit_figures(Histogram(levels, counts), curves).items()}
    {'misfit': 0.1, 'misfit_by_chance': 0.0, 'misfit_below': 0.0, 'misfit_between': 0.0, 'misfit_above': 0.1}
    """
    bars = histogram.rebin(BARS)
    density = curves.density(bars.levels)
    share, by_chance = misfit(bars, density)
    total = bars.counts.sum()
    missed = np.abs(bars.counts / total - density * bars.width) / 2
    means = curves.class_means[np.isfinite(curves.class_means)]
    below, above = bars.levels < means.min(), bars.levels > means.max()
    return {
        "misfit": share,
        "misfit_by_chance": by_chance,
        "misfit_below": float(missed[below].sum()),
        "misfit_between": float(missed[~below & ~above].sum()),
        "misfit_above": float(missed[above].sum()),
    }


def share_without_position(histogram: Histogram, mixture: Mixture) -> dict[Tissue, float]:
    """Share of each tissue that the intensities alone give, where the average brain does not say what lies where.

    Parameters
    ----------
    histogram : Histogram
        Of the brain's corrected intensities.
    mixture : Mixture
        Fitted with zones to the same brain; its tissues and their order are taken over.

    Returns
    -------
    dict of Tissue to float
        Of the brain's voxels, 0 to 1; sums to 1.

    Examples
    --------
    Where nothing overlaps, the intensities alone say the same:

    >>> from mriseg.core.tissue import Contrast
    >>> rng = np.random.default_rng(0)
    >>> values = np.concatenate([rng.normal(mean, 8, n) for mean, n in ((30, 1000), (120, 3000), (220, 2000))])
    >>> counted = Histogram(np.arange(256.0), np.histogram(values, 256, (-0.5, 255.5))[0].astype(float))
    >>> mixture = fit(Cells.of(counted), Contrast.T1.dark_to_bright)
    >>> {tissue.name: round(share, 1) for tissue, share in share_without_position(counted, mixture).items()}
    {'CSF': 0.2, 'GM': 0.5, 'WM': 0.3}
    """
    alone = fit(Cells.of(histogram), mixture.tissues)
    return dict(zip(alone.tissues, alone.shares.tolist(), strict=True))
