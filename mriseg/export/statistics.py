"""The figures of a segmentation as JSON and tables."""

from dataclasses import asdict
from typing import Any

from mriseg.core.tissue import ABNORMAL, LABELS, Tissue
from mriseg.core.version import __version__
from mriseg.mixture.model import Mixture
from mriseg.mixture.model_selection import criteria
from mriseg.registration.affine import Registration
from mriseg.segmentation.result import Result
from mriseg.segmentation.verdict import verdict

LESION = "lesion"  # the key of what is abnormal, as BIDS calls its label


def stats(result: Result) -> dict[str, Any]:
    """All figures of a segmentation as plain numbers, lists and strings, ready for JSON.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
        Volumes in mL, shares from 0 to 1, seconds of each stage; finite numbers only.
    """
    mixture = result.mixture
    named = mixture.tissues
    return {
        "contrast": result.contrast.suffix,
        "contrast_confidence": result.contrast_confidence,
        "contrast_evidence": {
            contrast.suffix: probability for contrast, probability in result.stages.tissues.assignment.evidence.items()
        },
        **_sizes(result),
        "gray_white_apart": result.gray_white_apart,
        "brain_ml": result.brain_ml,
        "mask_confidence": result.brain.confidence,
        "mask_doubtful": result.brain.doubtful,
        "registration": _registration(result.brain.registration),
        "mixture": {
            "tissues": [tissue.abbreviation for tissue in named],
            "means": mixture.means.tolist(),
            "sds": mixture.sds.tolist(),
            # Each class with its half of the mixed voxels, so that the weights sum to 1.
            "weights": mixture.shares.tolist(),
            "pure_weights": mixture.weights.tolist(),
            "mixed_weights": _mixed_weights(mixture),
            "mixed_sd": mixture.mixed_sd,
            "deep_gray": mixture.deep_gray and dict(zip(("weight", "mean", "sd"), mixture.deep_gray, strict=True)),
            "outliers": mixture.outliers,
            # What is drawn over the histogram: the Gaussians of each tissue's voxels, `tissue` null where of none.
            "curves": _curves(result),
            "thresholds": mixture.thresholds().tolist(),
            "log_likelihood": mixture.log_likelihood,
            # Of all channels, in the order of the classes; deep gray matter last where it has a Gaussian of its own.
            "channel_means": mixture.parameters.means.tolist(),
            "channel_covariances": mixture.parameters.covariances.tolist(),
            "iterations": mixture.iterations,
            "converged": mixture.converged,
        },
        "model_selection": None
        if result.settings.classes == len(Tissue)
        else [asdict(criterion) for criterion in criteria(result.histogram)],
        "quality": result.quality,
        "verdict": verdict(result).headline,
        "findings": [finding.to_plain() for finding in result.findings],
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        "settings": asdict(result.settings),
        "seconds": {stage: round(seconds, 3) for stage, seconds in result.seconds.items()},
        "version": __version__,
    }


def _sizes(result: Result) -> dict[str, Any]:
    """Volumes, their intervals and shares by tissue, and under `LESION` of what is abnormal, where anything is."""
    volumes, intervals, abnormal = result.volumes_ml, result.volume_intervals_ml, result.abnormal
    sizes: dict[str, Any] = {
        "volumes_ml": volumes and {tissue.abbreviation: volume for tissue, volume in volumes.items()},
        "volume_intervals_ml": intervals
        and {tissue.abbreviation: list(between) for tissue, between in intervals.items()},
        "fractions": {tissue.abbreviation: share for tissue, share in result.fractions.items()},
        "abnormal": None,
    }
    if abnormal is None:
        return sizes
    sizes["fractions"][LESION] = abnormal.share
    if abnormal.volume_ml is not None and abnormal.interval_ml is not None:
        sizes["volumes_ml"][LESION] = abnormal.volume_ml
        sizes["volume_intervals_ml"][LESION] = list(abnormal.interval_ml)
    filled = result.filled_volumes_ml
    sizes["abnormal"] = {
        "parts": abnormal.parts,
        "largest_ml": abnormal.largest_ml,
        "side": abnormal.side.value,
        "filled_volumes_ml": filled and {tissue.abbreviation: volume for tissue, volume in filled.items()},
    }
    return sizes


def _curves(result: Result) -> list[dict[str, Any]]:
    """The Gaussians of all curves, class by class."""
    names = [*(tissue.abbreviation for tissue in result.mixture.tissues), None]
    return [
        {"tissue": name, "weight": weight, "mean": mean, "sd": sd}
        for k, name in enumerate(names)
        for weight, mean, sd in result.curves.gaussians_of(k)
    ]


def _mixed_weights(mixture: Mixture) -> dict[str, float]:
    """Share of the voxels that two tissues share, by their names; classes of one tissue add up."""
    weights: dict[str, float] = {}
    for (a, b), weight in zip(mixture.layout.pairs, mixture.mixed_weights, strict=True):
        key = f"{mixture.tissues[a].abbreviation}-{mixture.tissues[b].abbreviation}"
        weights[key] = weights.get(key, 0.0) + float(weight)
    return weights


def _registration(registration: Registration | None) -> dict[str, Any] | None:
    """Where the average brain lies: from MNI mm to mm along canonical axes, counted from the first voxel's center."""
    if registration is None:
        return None
    return {
        "affine": registration.affine.tolist(),
        "agreement": registration.agreement,
        "coverage": registration.coverage,
    }


def volumes_table(result: Result) -> str:
    """The volumes and fractions as CSV; a picture without a pixel size has no volumes, so their column is empty.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        A line for each tissue under a head, and one for what is abnormal where anything is.
    """
    rows = ["tissue,name,volume_ml,fraction"]
    for tissue in Tissue:
        volume = "" if result.volumes_ml is None else f"{result.volumes_ml[tissue]:.3f}"
        rows.append(f"{tissue.abbreviation},{tissue.title},{volume},{result.fractions[tissue]:.5f}")
    if result.abnormal is not None:
        volume = "" if result.abnormal.volume_ml is None else f"{result.abnormal.volume_ml:.3f}"
        rows.append(f"{ABNORMAL.abbreviation},{ABNORMAL.title},{volume},{result.abnormal.share:.5f}")
    return "\n".join(rows) + "\n"


def lookup_table() -> str:
    """Which number is which tissue, as BIDS asks for it beside a segmentation.

    Returns
    -------
    str
        Tab-separated, with the colors that the page has.
    """
    rows = ["index\tname\tabbreviation\tcolor", "0\tBackground\tBG\t#000000"]
    rows += [f"{label.number}\t{label.title}\t{label.abbreviation}\t{label.color}" for label in LABELS]
    return "\n".join(rows) + "\n"
