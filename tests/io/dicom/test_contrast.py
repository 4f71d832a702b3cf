import numpy as np
import pytest

from mriseg.core.tissue import Contrast
from mriseg.io.dicom.contrast import header_contrast, purpose, quantity, rank_penalty

T1, T2, PD, FLAIR = Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR


def entries(
    sequence="", variant="", tr=None, te=None, ti=None, flip=None, named="", kind="ORIGINAL\\PRIMARY\\M", **more
):
    numbers = {"RepetitionTime": tr, "EchoTime": te, "InversionTime": ti, "FlipAngle": flip}
    texts = {"ScanningSequence": sequence, "SequenceVariant": variant, "SeriesDescription": named, "ImageType": kind}
    return {name: (float(value),) for name, value in numbers.items() if value is not None} | texts | more


# What scanners write of their usual protocols: sequence, variant, TR, TE, TI (ms), flip angle, name.
PROTOCOLS = [
    # T1: inversion prepared gradient echoes, TR from inversion to inversion or from echo to echo
    (T1, "GR\\IR", "SK\\SP\\MP", 2300, 2.98, 900, 9, "t1_mprage_sag_p2_iso"),
    (T1, "GR\\IR", "SP\\MP", 1900, 2.26, 900, 9, ""),
    (T1, "GR\\IR", "SK\\SP\\MP", 2400, 2.22, 1000, 8, "T1w_MPR"),
    (T1, "GR", "SS\\SP\\SK", 8.2, 3.2, 450, 12, "Ax BRAVO"),
    (T1, "GR", "SS\\SP\\SK", 6.9, 2.8, 900, 8, "Sag 3D FSPGR"),
    (T1, "GR\\RM", "SS\\SP\\SK", 7.4, 3.1, 400, 11, "3D SPGR"),
    (T1, "GR", "MP", 8.1, 3.7, None, 8, "sT1W_3D_TFE"),
    (T1, "GR", "MP", 8.1, 3.7, 0, 8, "WIP T1W_3D_TFE SENSE"),
    (T1, "GR", "SP", 5.5, 2.4, None, 12, "t1_vibe_fs_tra"),
    # T1: two-dimensional gradient echoes, spin echoes
    (T1, "GR", "SP\\OSP", 250, 2.46, None, 70, "t1_fl2d_tra"),
    (T1, "SE", "SK\\SP", 500, 8.4, None, 90, "t1_se_tra"),
    (T1, "SE", "SK\\SP\\OSP", 650, 9.1, None, 150, "t1_tse_sag"),
    (T1, "SE", "SK", 450, 12, None, 70, ""),
    (T1, "SE", "SK\\SP", 700, 11, None, 120, "t1_spc_sag_iso"),
    # T1: inversion recovery with a short echo, whose names say FLAIR
    (T1, "SE\\IR", "SK", 2100, 24, 780, 90, "Ax T1 FLAIR"),
    (T1, "IR", "SK", 2000, 15, 800, 90, "T1W_IR_TSE"),
    (T1, "SE\\IR", "SK\\SP\\OSP", 2000, 9.2, 860, 150, "t1_tirm_tra_dark-fluid"),
    # T2
    (T2, "SE", "SK\\SP\\OSP", 5000, 100, None, 150, "t2_tse_tra"),
    (T2, "SE", "SK", 4500, 102, None, 111, "Ax T2 FSE"),
    (T2, "SE", "SK", 3000, 80, None, 90, "T2W_TSE"),
    (T2, "SE", "SK\\SP\\MP", 3200, 408, None, 120, "t2_spc_sag_iso"),
    (T2, "SE\\RM", "SK", 2500, 68, 0, 90, "Sag CUBE T2"),
    (T2, "SE", "SK", 4000, 105, None, 90, ""),
    (T2, "SE", "SK", 3500, 90, None, 120, "t2_tse_spair"),
    # PD, also as the first echo of two
    (PD, "SE", "SK", 2500, 12, None, 150, "pd_tse_tra"),
    (PD, "SE", "SK\\SP\\OSP", 3000, 14, None, 180, "pd+t2_tse_tra"),
    (T2, "SE", "SK\\SP\\OSP", 3000, 96, None, 180, "pd+t2_tse_tra"),
    (PD, "SE", "SK", 4000, 12, None, 90, ""),
    (PD, "GR", "SP", 24, 2.2, None, 6, "mpm_pdw_flash"),
    # FLAIR
    (FLAIR, "SE\\IR", "SK\\SP", 9000, 87, 2500, 150, "t2_tirm_tra_dark-fluid"),
    (FLAIR, "SE\\IR", "SK\\SP\\MP", 5000, 393, 1800, 120, "t2_spc_da-fl_sag"),
    (FLAIR, "SE\\IR", "SK\\SP\\MP", 6000, 394, 2200, 120, ""),
    (FLAIR, "IR", "SK", 11000, 125, 2800, 90, "FLAIR_longTR"),
    (FLAIR, "SE\\IR", "SK", 8800, 145, 2250, 90, "Ax T2 FLAIR"),
    (FLAIR, "SE\\RM\\IR", "SK", 6300, 130, 1830, 90, "Sag CUBE FLAIR"),
    (FLAIR, "SE\\IR", "SK", 4800, 300, 1650, 90, "3D FLAIR VISTA"),
    (FLAIR, "IR", "SK", 10000, 140, None, 90, "T2 FLAIR"),
    # Nothing is stated: another contrast
    (None, "GR", "SP\\OSP", 650, 20, None, 20, "t2_fl2d_tra_hemo"),
    (None, "GR", "SP", 28, 20, None, 15, "SWI_Images"),
    (None, "GR", "SS\\SP", 40, 25, None, 15, "Ax SWAN"),
    (None, "GR", "SP", 600, 16, None, 20, "T2* GRE"),
    (None, "SE\\IR", "SK", 5000, 38, 160, 150, "STIR cor"),
    (None, "SE\\IR", "SK", 4000, 60, 220, 150, ""),
    (None, "SE\\IR", "SK\\MP", 7500, 320, 3000, 120, "t2_spc_DIR_sag"),
    (None, "SE\\IR", "SK\\SP\\OSP", 4500, 60, 150, 150, "t2_tirm_cor_hippocampus"),
    (None, "EP", "SK\\SP", 6000, 90, None, 90, "ep2d_diff_3scan_trace"),
    (None, "EP\\GR", "SK", 2000, 30, None, 80, ""),
    (None, "EP\\SE", "NONE", 8000, 80, None, 90, "DTI 32 dir"),
    (None, "GR", "SP\\MTC", 22, 3.6, None, 18, "TOF_3D_multi-slab"),
    (None, "GR", "SS", 5.2, 2.3, None, 50, "FIESTA-C"),
    (None, "GR", "SK\\SS", 6.0, 2.7, None, 50, "t2_ci3d_tra"),
    (None, "GR\\IR", "SK\\SP\\MP", 5000, 2.98, 2500, 5, "mp2rage_INV2"),
    (None, "GR\\IR", "SK\\SP\\MP", 5000, 2.98, 700, 4, ""),
    # Nothing is stated: between two, unknown, or contradictory
    (None, "SE", "SK", 1500, 50, None, 90, ""),
    (None, "SE", "SK", 4000, 100, None, 90, "t1_tse_tra"),
    (None, "SE", "SK", 500, 10, None, 90, "t2_tse_tra"),
    (None, "SE", "SK", 4000, 12, None, 90, "Ax T2 FLAIR"),
    (None, "GR\\IR", "SP\\MP", 2300, 3, 900, 9, "t2_spc"),
    (None, "GR", "NONE", 12, 4, None, 20, ""),
    (None, "", "", None, None, None, None, ""),
    (None, "SE", "SK", 0, 0, None, 90, ""),
    (None, "SE", "SK", np.nan, np.inf, None, 90, ""),
]


@pytest.mark.parametrize(("contrast", "sequence", "variant", "tr", "te", "ti", "flip", "named"), PROTOCOLS)
def test_a_protocol_states_its_contrast(contrast, sequence, variant, tr, te, ti, flip, named):
    found = header_contrast(entries(sequence, variant, tr, te, ti, flip, named))
    assert (found.contrast if found else None) is contrast


@pytest.mark.parametrize(
    ("contrast", "named"),
    [
        (T1, "T1 sag post Gd"), (T1, "MPRAGE"), (T1, "sub-01_T1w"), (T1, "T1_fatsat"), (T1, "3D_FSPGR"), (T2, "AX_T2"),
        (T2, "sT2W_TSE"), (FLAIR, "T2 FLAIR"), (FLAIR, "3D_Brain_VIEW_FLAIR"), (FLAIR, "t2-flair"), (PD, "PDw_tse"),
        (None, "T1 and T2"), (None, "head"), (None, "t1 map"), (None, "T1rho"), (None, "QSM"), (None, "t2star"),
        (None, "localizer T1"), (None, "ADC (T2)"), (None, "STIR T1"),
    ],
)  # fmt: skip
def test_a_name_alone_states_a_contrast_where_it_is_clear(contrast, named):
    found = header_contrast(entries(named=named))
    assert (found.contrast if found else None) is contrast


def test_the_reason_says_the_timing_and_nothing_that_people_wrote():
    found = header_contrast(entries("GR\\IR", "SP\\MP", 2300, 3, 900, 9, "t1 of Jane Doe"))
    assert found.reason == "inversion recovery gradient echo, TR 2300 ms, TE 3 ms, TI 900 ms"
    found = header_contrast(entries("GR", "NONE", 12, 4, None, 20, "T1 of Jane Doe"))
    assert found.reason == "gradient echo, TR 12 ms, TE 4 ms, flip angle 20 degrees, its description says T1w"
    found = header_contrast(entries("SE\\IR", "SK", 11000, 125, 2800, 90))
    assert found.reason == "inversion recovery spin echo, TR 11000 ms, TE 125 ms, TI 2800 ms"


def test_an_enhanced_header_states_its_contrast():
    timing = {"RepetitionTime": (2000.0,), "EffectiveEchoTime": (2.4,), "InversionTimes": (900.0,)}
    inverted = {"EchoPulseSequence": "GRADIENT", "InversionRecovery": "YES", **timing}
    assert header_contrast(inverted).contrast is T1
    assert header_contrast(inverted | {"AcquisitionContrast": "T1"}).contrast is T1
    assert header_contrast(inverted | {"AcquisitionContrast": "T2"}) is None
    assert header_contrast(inverted | {"AcquisitionContrast": "DIFFUSION"}) is None
    assert header_contrast(inverted | {"EchoPlanarPulseSequence": "YES"}) is None
    spin = {"EchoPulseSequence": "SPIN", "RepetitionTime": (9000.0,), "EffectiveEchoTime": (120.0,)}
    assert header_contrast(spin).contrast is T2
    assert (
        header_contrast(spin | {"InversionTimes": (2500.0,), "AcquisitionContrast": "FLUID_ATTENUATED"}).contrast
        is FLAIR
    )
    balanced = {"EchoPulseSequence": "GRADIENT", "SteadyStatePulseSequence": "FREE_PRECESSION"}
    assert (
        header_contrast(balanced | {"RepetitionTime": (5.0,), "EffectiveEchoTime": (2.4,), "FlipAngle": (50.0,)})
        is None
    )


@pytest.mark.parametrize(
    ("what", "given"),
    [
        ("localizer", {"kind": "ORIGINAL\\PRIMARY\\LOCALIZER"}),
        ("localizer", {"named": "3-Plane Loc"}),
        ("localizer", {"named": "AAHScout"}),
        ("localizer", {"named": "Repérage 3 plans"}),
        ("localizer", {"named": "Localisateur"}),
        ("localizer", {"named": "Übersicht"}),
        ("localizer", {"named": "Lokalisator"}),
        ("localizer", {"named": "Locator"}),
        ("diffusion", {"kind": "DERIVED\\PRIMARY\\DIFFUSION\\ADC"}),
        ("diffusion", {"kind": "DERIVED\\PRIMARY\\M\\FA"}),
        ("diffusion", {"named": "ep2d_diff_b1000_TRACEW"}),
        ("diffusion", {"DiffusionBValue": (1000.0,)}),
        ("angiography", {"named": "TOF_3D"}),
        ("angiography", {"AngioFlag": "Y"}),
        ("angiography", {"named": "s3DI_MC_HR"}),
        ("angiography", {"SequenceName": "*fi3d1r"}),
        ("susceptibility", {"named": "Mag_Images", "SequenceName": "*swi3d1r"}),
        ("susceptibility", {"named": "FSBB"}),
        ("susceptibility", {"named": "t2_fl2d_tra_hemo"}),
        ("susceptibility", {"named": "Hämo tra"}),
        ("map", {"named": "Cartographie T1"}),
        ("map", {"named": "T2-Karte"}),
        ("screenshot", {"kind": "DERIVED\\SECONDARY\\POSDISP\\M", "named": "PosDisp: [8] t1_mprage"}),
        ("angiography", {"TimeOfFlightContrast": "YES"}),
        ("projection", {"kind": "DERIVED\\SECONDARY\\PROJECTION IMAGE"}),
        ("projection", {"named": "t1 MIP"}),
        ("phase or real part", {"kind": "ORIGINAL\\PRIMARY\\P\\ND"}),
        ("phase or real part", {"kind": "ORIGINAL\\PRIMARY\\PHASE MAP\\P\\FFE"}),
        ("phase or real part", {"ComplexImageComponent": "IMAGINARY"}),
        ("field map", {"named": "gre_field_mapping"}),
        ("functional", {"named": "rest_bold"}),
        ("perfusion", {"named": "pCASL"}),
        ("perfusion", {"AcquisitionContrast": "PERFUSION"}),
        ("map", {"named": "T1 map"}),
        ("susceptibility", {"named": "Mag_Images_SWI"}),
        ("subtraction", {"kind": "DERIVED\\SECONDARY\\SUBTRACTION"}),
        ("", {"named": "t1_mprage_sag"}),
        ("", {"named": "sub-01_T1w ASSET"}),
        ("", {"named": "Ax FLAIR fs", "DiffusionBValue": (0.0,)}),
    ],
)  # fmt: skip
def test_what_a_series_is_for_is_told(what, given):
    assert purpose(entries(**given)) == what


def test_the_anatomy_is_put_first():
    original = rank_penalty(entries(), 160)
    assert original > rank_penalty(entries(kind="DERIVED\\PRIMARY\\M"), 160)
    assert original - 3 > rank_penalty(entries(kind="DERIVED\\SECONDARY\\MPR"), 160)
    assert original - 5 > rank_penalty(entries(named="localizer"), 160)
    assert original - 3 > rank_penalty(entries(), 3)


@pytest.mark.parametrize(
    "other",
    [
        ("GR", "NONE", 600, 20, None, 20, "t2*"),
        ("GR", "SP", 29, 20, None, 15, ""),
        ("GR", "SS", 5.2, 2.3, None, 50, "FIESTA-C"),
        ("EP", "SK", 2000, 30, None, 80, ""),
        ("SE\\IR", "SK", 5000, 38, 160, 150, "STIR cor"),
    ],
)
def test_a_contrast_known_to_be_another_is_worth_less_than_an_unknown_one(other):
    assert rank_penalty(entries(*other), 160) < rank_penalty(entries(), 160) - 1


@pytest.mark.parametrize(
    "named", ["t1_mprage KM", "+C Ax T1", "T1 post Gd", "3D T1 GADO", "AX T1 injecté", "T1 nach KM"]
)
def test_before_a_contrast_agent_comes_before_after(named):
    assert (
        rank_penalty(entries(named="t1"), 160)
        > rank_penalty(entries(named=named), 160)
        > rank_penalty(entries(kind=""), 3)
    )


@pytest.mark.parametrize(
    "named", ["T1 ohne KM", "T1 vor KM", "AX T1 sans injection", "T1 pre contrast", "T1 w/o Gd", "T1 non-contrast"]
)
def test_no_contrast_agent_is_no_contrast_agent(named):
    assert rank_penalty(entries(named=named, ContrastBolusAgent="NONE"), 160) == rank_penalty(entries(named="t1"), 160)


def test_the_header_tells_of_a_contrast_agent_too():
    assert rank_penalty(entries(ContrastBolusAgent="Gadovist"), 160) < rank_penalty(entries(), 160)


def test_of_mp2rage_the_image_without_noise_comes_first_and_its_parts_last():
    derived = "DERIVED\\PRIMARY\\M\\UNI"
    denoised = rank_penalty(entries(named="t1_mp2rage_sag_UNI-DEN", kind=derived), 176)
    uniform = rank_penalty(entries(named="t1_mp2rage_sag_UNI_Images", kind=derived), 176)
    assert denoised > uniform > max(rank_penalty(entries(named=f"t1_mp2rage_sag_INV{n}"), 176) for n in (1, 2))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("ORIGINAL\\PRIMARY\\P\\ND", "phases"),
        ("ORIGINAL\\PRIMARY\\PHASE MAP\\P\\FFE", "phases"),
        ("ORIGINAL\\PRIMARY\\I_FFE\\I\\FFE", "imaginary parts"),
        ("DERIVED\\PRIMARY\\DIFFUSION\\ADC\\ND\\NORM", "diffusion coefficients"),
        ("ORIGINAL\\PRIMARY\\ADC_UNSPECIFIED\\ADC\\UNSPECIFIED", "diffusion coefficients"),
        ("DERIVED\\PRIMARY\\DIFFUSION\\FA\\ND", "fractional anisotropy"),
        ("DERIVED\\PRIMARY\\DIFFUSION\\TENSOR", "tensors"),
        ("DERIVED\\PRIMARY\\PERFUSION\\RELCBF", "blood flow"),
        ("DERIVED\\PRIMARY\\T1 MAP\\NONE", "relaxation times"),
        ("DERIVED\\PRIMARY\\M\\T-TEST", "statistics"),
        ("DERIVED\\PRIMARY\\VELOCITY\\NONE", "velocities"),
    ],
)
def test_what_the_scanner_computed_is_named(kind, what):
    assert what in quantity(entries(kind=kind))


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "ORIGINAL\\PRIMARY\\M\\ND\\NORM",
        "ORIGINAL\\PRIMARY\\M_IR\\M\\IR",
        "ORIGINAL\\PRIMARY\\R_IR\\R\\IR",  # the real part of inversion recovery shows the tissues
        "DERIVED\\SECONDARY\\REFORMATTED\\AVERAGE",
        "DERIVED\\PRIMARY\\MPR\\NORM",
        "DERIVED\\PRIMARY\\M\\ND\\UNI",
        "DERIVED\\PRIMARY\\DIFFUSION\\TRACEW",
        "P\\I\\M",  # the first two values say nothing of the kind
    ],
)
def test_a_scan_is_no_quantity(kind):
    assert quantity(entries(kind=kind)) == ""


def test_further_entries_that_name_a_quantity():
    assert quantity(entries(ComplexImageComponent="PHASE")) == "phases"
    assert quantity(entries(SOPClassUID="1.2.840.10008.5.1.4.1.1.30")) == "measured quantities"
    derived = "DERIVED\\SECONDARY\\COMBINED"
    assert "ADC" in quantity(entries(named="Apparent Diffusion Coefficient (mm2/s)", kind=derived))
    assert "ADC" in quantity(entries(named="dADC Map ADC", kind=derived))
    assert quantity(entries(named="DWI with ADC", kind="ORIGINAL\\PRIMARY\\M")) == ""
