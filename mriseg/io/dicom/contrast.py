"""What a DICOM header says of the contrast, and of what a series is for.

No entry says "T1-weighted" by itself. What was done to the spins does: whether they were inverted before, and how long
before (TI); how often they were excited (TR) and how far (flip angle); how their echo was made and when (TE). What
people named the series is a second witness. Where the two contradict each other, nothing is stated.
"""

import re
from math import acos, degrees, exp, log

from mriseg.core.decimals import decimal
from mriseg.core.scan import HeaderContrast
from mriseg.core.tissue import Contrast
from mriseg.io.dicom.header import MOST_DESCRIPTION_BYTES, Tags, number, text, words
from mriseg.io.dicom.stacks import echo_time, image_type, inversion_time

# T1 in ms at 1.5 to 3 T, of the fluid that FLAIR nulls and, roughly, of brain tissue.
T1_FLUID, T1_BRAIN = 4_200.0, 1_000.0
NULL_TOLERANCE = 0.3  # of TI: long echo trains leave less time to recover than TR says
LONG_TE, SHORT_TE, SHORT_GRADIENT_TE = 60.0, 40.0, 12.0  # ms: weighted by T2, hardly, hardly by T2*
FLAIR_TE = 70.0
SHORT_TR, LONG_TR, PD_TR = 1_000.0, 2_000.0, 1_800.0  # ms, of spin echoes: weighted by T1, not any more
T1_TE = 30.0
SPOILED_TR = 500.0  # ms: up to here a flip angle past Ernst's weights by T1
FAT_TI = 350.0  # ms: shorter inversion times null fat
T1_TI = (350.0, 1_400.0)  # ms: gray matter near its null, white matter past it
# ms: from one inversion to the next of MPRAGE; MP2RAGE waits longer and makes two other images.
INVERSION_TR = (1_200.0, 4_000.0)
UNNAMED_FLAIR_TR, UNNAMED_FLAIR_TE = 6_000.0, 80.0  # ms: where TI is left out, no other inverted sequence is as slow

# What a series is for if it is not for the anatomy, by words of its name. Of each the first that is found.
PURPOSES = {
    "localizer": (
        r"lo[ck]ali[sz]\w*|loc|locator|\w*scout\w*|aahead\w*|survey|3 ?plan\w*|three plane|topogram|scanogram"
        r"|smartbrain|rep ?e?rage\w*|\w*bersicht\w*"  # without the letters that have accents
    ),
    "calibration": r"calib\w*|coil|sense ref\w*|ref ?scan|prescan|shim\w*",
    "field map": r"field ?map\w*|fieldmapping|b0 ?map\w*|b1 ?map\w*|fmap|b1|fm2d\w*",
    "diffusion": r"dwi\w*|dti\w*|diff\w*|adc\w*|e?adc|trace\w*|tensor|hardi|noddi|ivim|dki|b ?\d{3,4}|colfa",
    "perfusion": r"p?c?asl|pcasl|perf\w*|dsc|dce|r?cbf|r?cbv|mtt|ttp|tmax|ktrans",
    "functional": r"bold|fmri|resting|rest|task\w*|ep2d\w*|epi",
    "angiography": (
        r"tof\w*|c?e?mra|mrv|arm|angio\w*|venogra\w*|pca|fi3d\w*|s?3di|inflow|inhance|tricks\w*|twist\w*|gef\w*"
    ),
    "susceptibility": r"swi\w*|swan|swip|fsbb|qsm|suscept\w*|ha?emo\w*|h mo|venobold",
    "map": r"t[12] ?map\w*|t2 ?star ?map\w*|maps?|carto\w*|\w*karten?|r2s|r2 ?star|parametric|fraction",
    "projection": r"mip\w*|minip|mnip|projections?",
    "subtraction": r"subtr\w*",
    "spectroscopy": r"mrs|svs\w*|csi\w*|spe[ck]tro\w*",
    "screenshot": r"screen ?save\w*|screen ?shot\w*|posdisp",
}
# The same by the kinds that the scanner itself gives an image; some name several words.
KINDS = {
    "localizer": ("LOCALIZER",),
    "diffusion": ("DIFFUSION", "ADC", "TRACEW", "TRACE", "FA", "COLFA", "EXP", "TENSOR", "CALC_BVALUE"),
    "perfusion": ("PERFUSION", "ASL", "CBF", "CBV", "MTT", "TTP", "RELCBF", "RELCBV", "TMAX", "RCBF", "RCBV"),
    "functional": ("FMRI", "MOCO", "T-TEST", "BOLD"),
    "angiography": ("ANGIO", "TOF", "FLOW_ENCODED", "VELOCITY", "VELOCITY MAP"),
    "susceptibility": ("SWI", "QSM", "SUSCEPTIBILITY"),
    "map": ("T1 MAP", "T2 MAP", "T2_STAR MAP", "T2STAR MAP", "R2 MAP", "R2_STAR MAP", "MAP", "B0 MAP", "B1 MAP"),
    "projection": ("PROJECTION IMAGE", "MIP", "MINIP", "MNIP", "MAX_IP", "MIN_IP", "VOLUME RENDER"),
    "subtraction": ("SUBTRACTION", "SUB", "SUBTRACT"),
    "phase or real part": ("P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"),
    "screenshot": ("SCREEN SAVE", "SCREENSHOT", "SCREEN_CAPTURE", "POSDISP", "PASTED", "CSA REPORT"),
}
# Of those kinds the ones whose numbers are no intensities, and what they are. Real parts of inversion recovery are.
QUANTITIES = {
    "phases": ("P", "PHASE", "PHASE MAP"),
    "imaginary parts": ("I", "IMAGINARY"),
    "apparent diffusion coefficients (ADC)": ("ADC", "EADC", "EXP"),
    "fractional anisotropy (FA)": ("FA", "COLFA"),
    "diffusion tensors": ("TENSOR",),
    "blood flow, blood volume or transit times": (
        *("CBF", "CBV", "MTT", "TTP", "RELCBF", "RELCBV", "TMAX", "RCBF", "RCBV"),
    ),
    "statistics": ("T-TEST",),
    "velocities": ("VELOCITY", "VELOCITY MAP"),
    "susceptibility": ("QSM",),
    "relaxation times": ("T1 MAP", "T2 MAP", "T2_STAR MAP", "T2STAR MAP", "R2 MAP", "R2_STAR MAP"),
    "the magnetic field": ("B0 MAP", "B1 MAP"),
}
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"  # its class of DICOM objects
ADC_NAMES = r"e?adc|apparent diffusion"  # that some scanners give a map only by name
ACQUISITIONS = {
    "DIFFUSION": "diffusion",
    "PERFUSION": "perfusion",
    "TOF": "angiography",
    "FLOW_ENCODED": "angiography",
    "TAGGING": "tagging",
    "SPECTROSCOPY": "spectroscopy",
}
REFORMATTED = ("MPR", "CPR", "REFORMATTED", "RESAMPLED", "CSA MPR", "COMPOSED")
# Contrasts that none of those known stands for: T2*, nulled fat, two inversions, steady states.
OTHER_CONTRASTS = (
    r"t2 ?\*|t2 ?star|t2s|stir|dir|double inversion|ciss|fiesta\w*|dess|medic|merge|psif|trufi\w*|true ?fisp|b?ssfp"
    r"|psir|mp2rage|fat(?! ?sat| ?sup)"
)
OTHER_ACQUISITIONS = ("T2_STAR", "STIR")
# Of MP2RAGE: the two images that are measured, and what is computed of them without the noise around the head.
ONE_INVERSION, UNIFORM = r"inv ?[12]", r"uni ?den\w*"
LEFT_OVER = ("FREE_PRECESSION", "TRANSVERSE", "TIME_REVERSED")
NAMES = {
    Contrast.T1: r"[a-z]?t1(?!rho| ?map)[a-z]*\d?[a-z]*|mp ?rage\w*|bravo|f?spgr|mdeft",
    Contrast.T2: r"[a-z]?t2(?! ?star| ?\*| ?map|s\b)[a-z]*\d?[a-z]*",
    Contrast.PD: r"[a-z]?pd|[a-z]?pdw\w*|proton\w*|rho",
    Contrast.FLAIR: r"\w*flair\w*|dark ?fl\w*|da fl",
}
NAMED = {
    "T1": Contrast.T1,
    "T2": Contrast.T2,
    "PROTON_DENSITY": Contrast.PD,
    "FLUID_ATTENUATED": Contrast.FLAIR,
}
# What is said of a contrast agent that was given, and that none was. A letter with an accent parts a word.
AGENT = r"km|gd|gad\w*|c|ce|post|contrast\w*|inje\w*"
NO_AGENT = r"(?:ohne|vor|pr|pr?ae|sans|avant|pre|no|non|without|w o) (?:iv )?(?:km|gd|gad\w*|c|contrast\w*|inje\w*)"
NO_AGENT_GIVEN = frozenset(("", "NO", "N", "NONE", "0"))
# How much less a series is worth whose purpose is another, that was computed from others, that shows the tissues in
# a contrast known to be none of those told apart, or the vessels and whatever else takes up a contrast agent.
OTHER_PURPOSE, POST_PROCESSED, DERIVED, OTHER_CONTRAST, WITH_AGENT = -8.0, -4.0, -0.5, -2.0, -0.4
FEW_SLICES, MOST_OF_FEW = -4.0, 10


def purpose(tags: Tags) -> str:
    """What a series is for, if not for the anatomy; else empty.

    Parameters
    ----------
    tags : mapping
        The entries of one of its slices.

    Returns
    -------
    str
    """
    kinds = {*image_type(tags)[2:], text(tags, "ComplexImageComponent").upper()}
    for what, known in KINDS.items():
        if kinds.intersection(known):
            return what
    for contrast in words(tags, "AcquisitionContrast"):
        if contrast in ACQUISITIONS:
            return ACQUISITIONS[contrast]
    if number(tags, "DiffusionBValue", 0) > 0:
        return "diffusion"
    if text(tags, "AngioFlag") == "Y" or "YES" in (text(tags, "TimeOfFlightContrast"), text(tags, "PhaseContrast")):
        return "angiography"
    for name in _names(tags):
        for what, pattern in PURPOSES.items():
            if _says(pattern, name):
                return what
    return ""


def quantity(tags: Tags) -> str:
    """What the numbers of a series are, if its header says that they are no intensities; else empty.

    Parameters
    ----------
    tags : mapping
        The entries of one of its slices.

    Returns
    -------
    str
        Such as "phases".
    """
    if text(tags, "SOPClassUID") == PARAMETRIC_MAP:
        return "measured quantities"
    kinds = image_type(tags)
    stated = {*kinds[2:], text(tags, "ComplexImageComponent").upper()}
    for what, known in QUANTITIES.items():
        if stated.intersection(known):
            return what
    is_adc = "DERIVED" in kinds and any(_says(ADC_NAMES, name) for name in _names(tags))
    return "apparent diffusion coefficients (ADC)" if is_adc else ""


def rank_penalty(tags: Tags, slices: int) -> float:
    """How much a series should be put after one of the anatomy of the same size, to add to its rank.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.
    slices : int
        How many the series has.

    Returns
    -------
    float
        At most 0, in the units of `rank`.
    """
    kinds = image_type(tags)
    value = 0.0
    if purpose(tags):
        value += OTHER_PURPOSE
    elif "SECONDARY" in kinds or set(REFORMATTED).intersection(kinds):
        value += POST_PROCESSED
    elif "DERIVED" in kinds and not any(_says(UNIFORM, name) for name in _names(tags)):
        value += DERIVED
    if _is_other(tags) or any(_says(ONE_INVERSION, name) for name in _names(tags)):
        value += OTHER_CONTRAST
    if _has_agent(tags):
        value += WITH_AGENT
    return value + (FEW_SLICES if 1 < slices < MOST_OF_FEW else 0.0)


def header_contrast(tags: Tags) -> HeaderContrast | None:
    """The contrast that the header states.

    Parameters
    ----------
    tags : mapping
        The entries of one slice of the volume.

    Returns
    -------
    HeaderContrast or None
        None if it states none of those known, or contradicts itself.
    """
    names = _names(tags)
    if purpose(tags) or any(_says(OTHER_CONTRASTS, name) for name in names):
        return None
    contrasts = words(tags, "AcquisitionContrast")
    if set(OTHER_ACQUISITIONS).intersection(contrasts) or _is_other(tags):
        return None
    named, physical, reason = _named(names, contrasts), _physical(tags), _in_words(tags)
    if physical is not None:
        return HeaderContrast(physical, reason) if physical in named or not named else None
    if len(named) != 1 or not _can_be(named[0], tags):
        return None
    said = f"its description says {named[0].suffix}"
    return HeaderContrast(named[0], f"{reason}, {said}" if reason else said)


def _named(names: list[str], contrasts: tuple[str, ...]) -> list[Contrast]:
    """The contrasts that names of the series say; two of a double echo, or where they are ambiguous."""
    of_codes = {NAMED[contrast] for contrast in contrasts if contrast in NAMED}
    for name in names:
        of_names = {contrast for contrast, pattern in NAMES.items() if _says(pattern, name)}
        # "T2 FLAIR" is FLAIR, but "T1 FLAIR" an inversion recovery weighted by T1.
        if Contrast.FLAIR in of_names:
            of_names -= {Contrast.FLAIR} if Contrast.T1 in of_names else {Contrast.T2}
        if of_names:
            of_codes |= of_names
            break
    if Contrast.FLAIR in of_codes:
        of_codes.discard(Contrast.T2)
    return sorted(of_codes, key=lambda contrast: contrast.setting)


def _physical(tags: Tags) -> Contrast | None:
    """The contrast that follows from the timing; None if none does clearly."""
    tr, te, ti = number(tags, "RepetitionTime", 0), echo_time(tags), inversion_time(tags)
    is_spin, is_gradient, is_inverted = _echo(tags)
    if tr <= 0 or te <= 0 or is_spin == is_gradient:
        return None
    if is_inverted:
        return _of_inverted_gradient(tr, te, ti) if is_gradient else _of_inverted_spin(tr, te, ti)
    return _of_gradient(tags, tr, te) if is_gradient else _of_spin(tr, te)


def _of_inverted_spin(tr: float, te: float, ti: float) -> Contrast | None:
    if not ti:
        return Contrast.FLAIR if tr >= UNNAMED_FLAIR_TR and te >= UNNAMED_FLAIR_TE else None
    # Inverted fluid passes zero when exp(-TI / T1) is half of what it is after the full recovery.
    null = T1_FLUID * (log(2) - log(1 + exp(-tr / T1_FLUID)))
    if te >= FLAIR_TE and ti > FAT_TI and abs(ti / null - 1) <= NULL_TOLERANCE:
        return Contrast.FLAIR
    return Contrast.T1 if te <= SHORT_TE and T1_TI[0] <= ti <= T1_TI[1] else None


def _of_inverted_gradient(tr: float, te: float, ti: float) -> Contrast | None:
    # TR is from inversion to inversion, or with some vendors from echo to echo.
    is_usual = INVERSION_TR[0] <= tr <= INVERSION_TR[1] or tr < SHORT_GRADIENT_TE * 4
    return Contrast.T1 if is_usual and te < SHORT_GRADIENT_TE and T1_TI[0] <= ti <= T1_TI[1] else None


def _of_spin(tr: float, te: float) -> Contrast | None:
    if tr <= SHORT_TR and te <= T1_TE:
        return Contrast.T1
    if tr >= LONG_TR and te >= LONG_TE:
        return Contrast.T2
    return Contrast.PD if tr >= PD_TR and te <= SHORT_TE else None


def _of_gradient(tags: Tags, tr: float, te: float) -> Contrast | None:
    spoiled = {"SP", "MP"}.intersection(words(tags, "SequenceVariant")) or (
        "RF" in text(tags, "Spoiling") or text(tags, "SteadyStatePulseSequence") == "LONGITUDINAL"
    )
    if not spoiled or te >= SHORT_GRADIENT_TE or tr > SPOILED_TR:
        return None
    # Below the angle of most signal (Ernst's) what counts is how many spins there are, above it how fast they recover.
    return Contrast.T1 if number(tags, "FlipAngle", 0) > degrees(acos(exp(-tr / T1_BRAIN))) else None


def _can_be(contrast: Contrast, tags: Tags) -> bool:
    """Whether the timing, which decides nothing, at least does not speak against a contrast."""
    te, (_, is_gradient, _) = echo_time(tags), _echo(tags)
    if contrast in (Contrast.T2, Contrast.FLAIR):
        return not is_gradient and (te <= 0 or te >= SHORT_TE)
    return te < (SHORT_GRADIENT_TE if is_gradient else LONG_TE)


def _echo(tags: Tags) -> tuple[bool, bool, bool]:
    """Whether there is a spin echo, a gradient echo, an inversion before."""
    sequence, pulses = words(tags, "ScanningSequence"), text(tags, "EchoPulseSequence").upper()
    is_gradient = "GR" in sequence or pulses in ("GRADIENT", "BOTH")
    is_inverted = "IR" in sequence or text(tags, "InversionRecovery") == "YES" or inversion_time(tags) > 0
    # An inversion alone is how Philips writes that of a turbo spin echo.
    is_spin = "SE" in sequence or pulses in ("SPIN", "BOTH") or ("IR" in sequence and not is_gradient)
    return is_spin, is_gradient, is_inverted


def _is_other(tags: Tags) -> bool:
    """Whether the timing shows a contrast that is none of those known: T2*, T2/T1, or fat nulled by inversion."""
    is_spin, is_gradient, is_inverted = _echo(tags)
    if is_gradient and not is_spin and not is_inverted and echo_time(tags) >= SHORT_GRADIENT_TE:
        return True
    nulls_fat = is_spin and not is_gradient and 0 < inversion_time(tags) <= FAT_TI
    return nulls_fat or _is_planar(tags) or _is_steady(tags)


def _has_agent(tags: Tags) -> bool:
    """Whether a contrast agent had been given, as far as anything says so."""
    if text(tags, "ContrastBolusAgent").strip().upper() not in NO_AGENT_GIVEN:
        return True
    return any(_says(AGENT, name) and not _says(NO_AGENT, name) for name in _names(tags))


def _is_planar(tags: Tags) -> bool:
    return "EP" in words(tags, "ScanningSequence") or text(tags, "EchoPlanarPulseSequence") == "YES"


def _is_steady(tags: Tags) -> bool:
    """Whether echoes are made of what earlier pulses left over, which weights by T2/T1."""
    variant = set(words(tags, "SequenceVariant"))
    # GE writes "steady state" of all its gradient echoes, but "spoiled" only where they are.
    left_over = variant.intersection(("SS", "TRSS")) and not variant.intersection(("SP", "MP"))
    return (bool(left_over) and _echo(tags)[1]) or text(tags, "SteadyStatePulseSequence") in LEFT_OVER


def _in_words(tags: Tags) -> str:
    """The timing in words; nothing of what people wrote."""
    is_spin, is_gradient, is_inverted = _echo(tags)
    kind = ["inversion recovery"] if is_inverted else []
    if is_spin != is_gradient:
        kind.append("gradient echo" if is_gradient else "spin echo")
    times = {"TR": number(tags, "RepetitionTime", 0), "TE": echo_time(tags), "TI": inversion_time(tags)}
    parts = [f"{name} {decimal(value, 4)} ms" for name, value in times.items() if value > 0]
    if is_gradient and not is_inverted and (angle := number(tags, "FlipAngle", 0)) > 0:
        parts.append(f"flip angle {decimal(angle)} degrees")
    return ", ".join(filter(None, (" ".join(kind), *parts)))


def _names(tags: Tags) -> list[str]:
    """What people and the scanner call the series: in small letters, words parted by single spaces."""
    keywords = ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName")
    # The asterisk of "t2*" says something, that in front of Siemens' names of sequences does not.
    names = (text(tags, keyword)[:MOST_DESCRIPTION_BYTES].lower() for keyword in keywords)
    return [" ".join(re.findall(r"[a-z0-9]+\*?|\*", name)) for name in names]


def _says(pattern: str, name: str) -> bool:
    """Whether a name holds one of the words."""
    return re.search(rf"(?:^| )(?:{pattern})(?= |$)", name) is not None
