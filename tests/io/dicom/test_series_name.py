"""Names of series as scanners and those who run them write them, and such as name somebody.

They were written for this test, in the manner of each vendor; they belong to nobody.
"""

import time

import pytest

from mriseg.io.dicom.series_name import LEFT_OUT, shown_name
from mriseg.io.dicom.vocabulary import NAMESAKES, WORDS

USEFUL = """
t1_mprage_sag_p2_iso
AX FLAIR 3MM POST GAD
t1_mprage_sag_p2_iso_1.0mm
t1_mprage_tra_p2_iso_0.9
t1_mpr_ns_sag_p2_iso_1mm
t1_se_tra_p2_3mm
t1_tse_cor_384_KM
t1_fl2d_tra
t1_fl3d_sag_iso
t1_vibe_fs_tra_dyn
t2_tse_tra_512
t2_tse_tra_p2_3mm
t2_tirm_tra_dark-fluid_fs
t2_tirm_tra_dark-fluid_p2
t2_space_dark-fluid_sag_p3_iso_ir
t2_spc_da-fl_sag_p2_iso
t2_fl2d_tra_hemo
t2_swi_tra_p2_2mm
t1_space_sag_p2_iso
PD+T2_tse_tra
pd_tse_fs_cor
ep2d_diff_3scan_trace_p2
ep2d_diff_3scan_trace_p2_TRACEW
ep2d_diff_3scan_trace_p2_ADC
ep2d_diff_mddw_64_p2_FA
ep2d_bold_moco_p2_s2
ep2d_perf
resolve_3scan_trace_tra_p2_192
gre_field_mapping_2mm
AAHead_Scout_64ch-head-coil
AAHead_Scout_64ch-head-coil_MPR_sag
localizer
localizer_3D
SWI_Images
mIP_Images(SW)
Pha_Images
Mag_Images
MoCoSeries
Perfusion_Weighted
relCBF
T1w_MPR_vNav_RMS
T1w_MPR1
SpinEchoFieldMap_AP
SpinEchoFieldMap1_PA
rfMRI_REST1_AP
tfMRI_MOTOR_PA_SBRef
dMRI_dir98_AP
ADNI3 MPRAGE
Accelerated Sagittal MPRAGE
Accelerated Sag IR-FSPGR
Sagittal 3D FLAIR
Axial T2 STAR
Axial T2-Star
Field Mapping
Axial rsfMRI (Eyes Open)
Axial 3D PASL (Eyes Open)
WIP T1W_3D_TFE SENSE
WIP sT1W_3D_TFE
sT1W_3D_TFE_iso
sT1W_3D_TFE_1mm_iso
T2W_TSE SENSE
T2W_TSE_TRA
FLAIR_longTR
T2W_FLAIR SENSE
VEN_BOLD
SmartBrain
3D_Brain_VIEW_FLAIR_SHC
sDWI_ssh
dADC
isoDWI
eADC
T2W_DRIVE_CLEAR
SWIp
B1_calibration_Brain
Ref_HEAD
Survey_32ch_HeadCoil
Survey SHC
mDIXON-Quant
3D T1 TFE
s3DI_MC_HR
Ax T1 FSPGR+C BRAVO
Sag CUBE T2 FLAIR
Sag T1 CUBE +C
AX T2 PROPELLER
Ax DWI 1000b ASSET
COR T2 FRFSE FS
3-Plane Loc
3Plane Loc SSFSE
Ax 3D SWAN
FILT_PHA: Ax SWAN
3D ASL (non-contrast)
Apparent Diffusion Coefficient (mm2/s)
Exponential Apparent Diffusion Coefficient
Ax 3D TOF
Calibration Scan
SAG 3D T1 BRAVO
Silent T1
Ax T2 FLAIR FS
AX T1 F/S
AX T1 W/O
Ax T1 w/wo C
AX T1 PRE
AX T1 POST
AX GRE T2*
AXIAL T2
T2 AX FSE
T1 SAG SE
AX DIFFUSION
FLAIR_FatSat
T1 FFE3D
T2 FSE
FASE
M-Voxel
T1 axial nach KM
T1 cor nach KM
t1 mprage nach KM
T2 axial Kopf
Schädel axial T1
SAG T1 SANS INJ
AX FLAIR
AXIAL T1 GADO
T1 SAG CRANEO
T1 AXIAL CON CONTRASTE
encefalo FLAIR assiale
b0_500_1000_2000
t1_mprage 1.0x1.0x1.0 b0-500-1000
TE 80 TR 2300 T2
t2_qtse_tra_p2
COR PITUITARY T1 POST
IAC T2 FIESTA
eT1W_SE
3DT1
sagT1MPRAGE
anat-T1w_acq-mprage_run-01
func-bold_task-rest_run-01
dwi_dir-AP_b1000
CINE 4D flow
MR ELASTOGRAPHY
tête T1
3D FLAIR SPACE 1 mm iso
Ax T2 FLAIR PROPELLER
SAG T1 FLAIR
Sag T2 CUBE FLAIR FS
Ax DTI 30 directions
DTI_64dir_b1000
AX T1 MEMP
3D T1 MPRAGE 0.8mm
T1W/3D/TFE
BRAIN T1 SE SAG 5mm
Cor T2 TSE Hippocampus
COR T1 POST FS PITUITARY
ORBITS COR STIR
AX CISS 0.6 mm IAC
TOF_3D_multi-slab
TOF 3D Circle of Willis
MRA COW
MRV phase contrast
pCASL PLD 1800
ASL_3D_tra_iso_3.0_highres
QSM multi-echo 5 echoes
gre_qsm_5echo_iso1mm
T1 MAP MP2RAGE UNI-DEN
mp2rage_INV1
MP2RAGE_UNI_Images
T1_images_MP2RAGE
t1_mp2rage_sag_p3_iso_UNI_Images
FLAIR 3D sag 1.2mm
3D SAG T2 SPACE FLAIR ISO
ABCD_T2w_SPC_vNav
CMRR multiband EPI
mb4_ep2d_bold_2mm_AP
ep2d_se_revPE
T2*W GRE hemo
T2 star weighted
T2-weighted FLAIR
T1-weighted with contrast
Turbo Spin Echo T2 axial
Proton density fat sat
DIXON in-phase
DIXON opp water
T1 VIBE Dixon tra W
Silenz MRA
MAVRIC SL COR
SyMRI 3D-QALAS
OPTIC NERVE T2 FS
CERVICAL SPINE SAG T2
HWS sag T2
LWS sag T1
KNIE PD FS
STEALTH T1 POST 1mm
NeuroNav T1 3D
cerveau T2 ax
T2 FLAIR TRA nativ
T1 TRA KM
T1 3D KM MPR tra
DWI b1000 ADC
DWI SSh AX
isotropic DWI trace
T2 TSE CLEAR
VWI T1 black blood
SWAN phase
MIN IP SWAN
REG - DWI
screensave
"""
# With what must not be shown of each.
HOSTILE = {
    "12 March 1980": ["12", "march", "1980"],
    "Born 12 March 1980 T1": ["born", "12", "march", "1980"],
    "T1 3. Mai 1975": ["3", "mai", "1975"],
    "SMITH JOHN": ["smith", "john"],
    "SMITH^JOHN": ["smith", "john"],
    "T1 SMITH^JOHN": ["smith", "john"],
    "T1 Smith, John": ["smith", "john"],
    "john.smith@hospital.org": ["john", "smith", "hospital", "org", "@"],
    "T1 john_smith@mr.org": ["john", "smith", "mr", "@"],
    "AX T1 j.smith@brain.org": ["smith", "brain", "@"],
    "MRC25097": ["mrc", "25097"],
    "AWP45123 T1": ["awp", "45123"],
    "+49 30 1234567": ["49", "30", "1234567"],
    "T1 555-123-4567": ["555", "123", "4567"],
    "Tel 030 12345": ["tel", "030", "12345"],
    "ID A-123-B": ["id", "123"],
    "T1 MRN 0012345": ["mrn", "12345"],
    "T1 AB12345": ["ab", "12345"],
    "ax T1 room 5 Dr Brown": ["room", "5", "dr", "brown"],
    "Jane Doe 42y F": ["jane", "doe", "42"],
    "T1 born 1980": ["born", "1980"],
    "T1 12-03-80": ["12", "03", "80"],
    "T1 12/3/1980": ["12", "1980"],
    "T1 80 03 12": ["80", "03", "12"],
    "T1 19 80 03 12": ["19", "80", "03"],
    "Emily Post T1": ["emily", "post"],
    "T1 Emily Swan": ["emily", "swan"],
    "T1 ZHANG WEI": ["zhang", "wei"],
    "T1 LE VAN AN": ["le", "van", "an"],
    "LI NA T1": ["li", "na"],
    "Müller T1": ["müller"],
    "Universitätsklinikum Charité T1": ["klinik", "charit"],
    "St. Mary's Hospital T1": ["mary", "hospital"],
    "T1 7QX91": ["7qx", "91"],
    "T1 1234": ["1234"],
    "X123 T1": ["123"],
    "P123 sag": ["123"],
    "C:\\Users\\jdoe\\T1": ["users", "jdoe"],
    "www.hospital.com T1": ["hospital", "com"],
    "T1 Иванов": ["иванов"],
    "T1 山田太郎": ["山田"],
    "T1 May 5": ["may", "5"],
    "T1 Dec 24": ["dec", "24"],
    "twelfth of March T1": ["twelfth", "march"],
    "Patient: Smith": ["patient", "smith"],
    "case 17 T1": ["case", "17"],
    "sub-0123 T1w": ["sub", "123"],
    "T1 (Mr. Kowalski)": ["mr", "kowalski"],
    "JaneDoeT1": ["jane", "doe"],
    "T1JaneDoe": ["jane", "doe"],
    "T1\u001b[2J‮​": ["\u001b", "‮", "​"],
    "ｓｍｉｔｈ T1": ["ｓｍｉｔｈ"],
}
FREQUENT_NAMES = """
smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson
thomas taylor moore jackson martin lee perez thompson harris sanchez clark ramirez lewis robinson walker king wright
scott torres nguyen hill flores adams nelson baker hall rivera campbell mitchell carter roberts muller muelller
schmidt schneider fischer weber meyer wagner becker schulz hoffmann koch bauer richter klein wolf schroder neumann
braun zimmermann rossi russo ferrari dubois durand leroy moreau wang li zhang liu chen yang huang zhao wu zhou kim
park choi jung kang cho tanaka sato suzuki james mary robert patricia john jennifer michael linda david elizabeth
william barbara richard susan joseph jessica karen sarah charles lisa daniel nancy matthew betty anthony sandra mark
ashley emily anna maria peter hans klaus ursula eva max paul jan january february march april may june july august
september october november december januar februar marz maerz mai juni juli oktober dezember monday sunday
"""


@pytest.mark.parametrize("name", USEFUL.strip().splitlines())
def test_what_vendors_and_users_call_series_is_shown_whole(name):
    assert shown_name(name) == name


@pytest.mark.parametrize(("name", "parts"), HOSTILE.items())
def test_what_could_say_who_was_scanned_is_not_shown(name, parts):
    shown = shown_name(name).lower()
    assert not [part for part in parts if part.lower() in shown]


@pytest.mark.parametrize("name", FREQUENT_NAMES.split())
def test_no_frequent_name_and_no_month_is_shown_in_any_place(name):
    for called in (name, f"t1 {name} sag", f"{name}_t2", f"sag{name.title()}T1", f"T1{name}", f"{name}12"):
        assert name not in shown_name(called).lower()


def test_what_is_left_stays_in_its_order_and_what_is_left_out_is_told_once():
    assert shown_name("t1_Smith-Jones_12 mprage (Dr. No)  sag") == f"t1_{LEFT_OUT} mprage ({LEFT_OUT})  sag"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("T1 TE 12", "T1 TE 12"), ("T1 12", "T1 12"), ("T1 123", "T1 …"), ("T1 512", "T1 512"), ("T1 1980", "T1 …"),
        ("T1 12 30", "T1 …"), ("T1 12x30", "T1 12x30"), ("b1980 T2", "… T2"), ("b1950 T2", "b1950 T2"),
        ("TR 98000 T1", "TR … T1"),
        ("T1 3 mm", "T1 3 mm"), ("T1 3000 mm", "T1 … mm"), ("T1 e3", "T1 e3"), ("T1 e312", "T1 …"),
        ("T1 0.8", "T1 0.8"),
        ("T1 01.02.03", "T1 …"), ("sagOT1 T2", "… T2"), ("T1wright T2", "… T2"),
    ],
)  # fmt: skip
def test_a_number_is_shown_where_it_measures_something(name, shown):
    assert shown_name(name) == shown


def test_words_are_written_as_they_are_compared():
    assert all(word == word.lower() and word.isascii() for word in WORDS)
    assert NAMESAKES < WORDS


def test_a_name_of_any_kind_costs_little():
    began = time.perf_counter()
    for name in ("t1" * 128, "a1" * 128, "sag" * 85, "1." * 128, "…@" * 128, "Tt" * 128, "/".join("t1" * 64)):
        shown_name(name)
    assert time.perf_counter() - began < 1
