"""How far a segmentation can be used: as far as its worst finding allows."""

from dataclasses import dataclass

from mriseg.core.findings import ASPECTS, Aspect, Finding, Level
from mriseg.segmentation.result import Result

HEADLINES = {
    Level.GOOD: "All automatic checks passed. Please check the tissue outlines by eye before using the numbers.",
    Level.CARE: "Use with care.",
    Level.NOT: "Do not use these numbers as they are.",
}


@dataclass(frozen=True)
class Verdict:
    """How far a segmentation can be used.

    Attributes
    ----------
    level : Level
        That of the worst finding.
    findings : tuple of Finding
        The worst first, else in the order in which they should be read; never empty.
    """

    level: Level
    findings: tuple[Finding, ...]

    @property
    def headline(self) -> str:
        """The level in a sentence."""
        return HEADLINES[self.level]

    @property
    def doubts(self) -> tuple[Finding, ...]:
        """The findings that are not good."""
        return tuple(finding for finding in self.findings if finding.level > Level.GOOD)

    @property
    def by_aspect(self) -> dict[Aspect, tuple[Finding, ...]]:
        """The findings of each aspect in the same order; none where nothing is to be said of it."""
        return {
            aspect: tuple(finding for finding in self.findings if ASPECTS[finding.code.topic] is aspect)
            for aspect in Aspect
        }


def verdict(result: Result) -> Verdict:
    """How far a result can be used, by its findings.

    Parameters
    ----------
    result : Result

    Returns
    -------
    Verdict
    """
    return Verdict(max(finding.level for finding in result.findings), result.findings)
