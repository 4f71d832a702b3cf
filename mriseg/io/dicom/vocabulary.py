"""The words that names of series are made of: sequences, planes, weightings, parts of the body, reconstructions.

In small letters without accents, as `mriseg.io.dicom.series_name` compares them. English, and of German, French,
Spanish, Italian, Portuguese and Dutch what stands in names of series there. No word is in here that is a frequent name
of people, places or months, but for those of `NAMESAKES`, which say something of a series too.
"""

_PLANES = """
ax axi axial axials axiale axialen axiaal assiale tra tran trans transv transverse transversal transversale transaxial
transaxiaal cor coro coronal coronals coronale coronaal koronal koronar kor frontal sag sagi sagit sagittal sagittals
sagittale sagittaal sagital saggital parasagittal paracoronal obl oblique oblik double plane planes planar multiplanar
multiplane orthogonal ortho tri triplane iso isotropic isotrop isometric volume volumetric vol vols whole full partial
half slab slabs slice slices slc slicethickness thick thin thickness section sections dim reformat reformats
reformatted reform ref recon recons reconstruction reconstructed rekonstruktion mpr mprs mpvr cpr curved ap pa lr rl
hf fh si is rot rotated tilt tilted axes axis left right links rechts gauche droite droit izquierda izquierdo derecha
derecho sinistra destra esquerda direita anterior posterior superior inferior lateral medial upper lower top bottom
"""
_WEIGHTINGS = """
w wi wt wtd weighted weighting weight gewichtet pondere ponderee ponderado ponderada pesata gewogen pd pdw pdwi rho
proton protons density densite densidad densita dens dp dpw flair flairs dark darkfluid fluid darkfl fl
fluidattenuated attenuated attenuation inversion recovery ir stir tirm spir spair dixon mdixon mdix ideal lava flex fs
fat fatsat fatsup fatsuppressed fatsuppression sat sats saturation saturated supp suppr suppressed suppression fw
water wat wats wfs in opp out phase phases opposed inphase outphase inopp ip op se tse fse frfse ssfse hasteirm ge gre
gr grad gradient field echo echoes echos gradientecho spin spinecho turbo turbospinecho fast ultrafast turboflash tfl
tfe ffe fe ssfp bssfp psif fisp truefisp trufi balanced bffe btfe fid spoiled spgr fspgr irfspgr efgre efgre3d
irprepped prep prepared mprage memprage mpragerms memp rms rage mpr mp mde mdeft mp2rage me multi multiecho dual
dualecho single shot singleshot multishot ms ss sshot dir psir uni unidenoised den denoised inv ciss dess medic merge
fgre flash haste space vista view cube brainview vibe thrive xd bliss ethrive quick vane mvane starvibe tir tirms irse
rare fastse fase ssq pasta primefse isofse rssg basg tgse ns spc da mddw shc ssh drive quant quantitative mc voxel
qtse fiesta cosmic vibrant disco iq mrcp cmrr mavric semac sl symri vwi black blood mpm t1rho t2star t2s r1 r2 r2s
r2star star 2d 3d 4d f/s w/o w/wo
"""
_FAMILIES = """
dwi dti dki dsi dmri diff diffusion diffusie difusion diffusione diffusionweighted tensor trace tracew traceweighted
adc eadc dadc isodwi sdwi ddwi colfa fa md lowb highb bval bvals bvalue bvalues b0 revb0 revpe pe pol polarity reverse
reversed rev rpe pepolar topup blipup blipdown blip up down ivim hardi noddi muse resolve rs readout segmented
rssegmented epi epi2d ep ep2d epse epfid mbep mbep2d epi3d ss3d zoom zoomit exponential apparent coefficient coeff
coef fmri rfmri tfmri rsfmri bold rest resting restingstate state task motor visual language eyes open closed movie
sbref mb mbs multiband sms caipi caipirinha perf perfusion perfusie asl pasl casl pcasl pseudo continuous pulsed label
control labeling labelling delay pld m0 m0scan dsc dce cbf cbv mtt ttp tmax relcbf relcbv rel rcbf rcbv gbp pbp
penumbra bolus dynamic dyn dynamics dynamique dinamico ktrans tof mra mrv mrangio mrangiography mrvenography angio
angiography angiographie angiografia venous venogram venography venographie venen veins arteries arterial artery
carotid carotids willis cow circle polygon ce cemra pc pca phasecontrast inhance inflow ifir tricks twist trance fbi
swi swip swiphase sw swan esw fsbb qsm ven venbold susceptibility suszeptibilitat susceptibilite hemo haemo hemorrhage
hem mag magnitude pha phaseimage filt filtered mip mips minip minips mnip pjn projection projections collapsed col mrs
svs csi spectroscopy spectro press steam mega slaser laser mt mtc mtr mton mtoff magnetization magnetisation transfer
cest apt aptw uteu ute zte silent silenz quiet petra nerve nerves neurography 4dflow flow flows cine csf velocity venc
pcflow map maps mapping mapit t1map t2map relax relaxometry synthetic synth synt syntac magic mdme qalas mr
fingerprinting mrf elastography mre field fieldmap fieldmaps fieldmapping fmap fm b1 b1map b1calibration b1cal afi
shim shimming shims
"""
_PREPARATION = """
loc local localizer localizers localiser localisers localisateur localizador localizzatore lokalizer locator scout
scouts aascout aahead aaheadscout survey surv pilot plan planplane topogram scanogram uebersicht ubersicht overview
planung planungssequenz positioning position karte karten carte mappa parametric fraction percent calibration calib
cal coil coils asset ref refs reference refscan prescan scan scans sensescan sense asc acs grappa sensitivity head
headneck neck hn headcoil channel channels ch elements body array test adjust adjustment smartbrain smart brain aa
autoalign align auto exam hisense arc ipat pat acceleration accelerated accel acc compressed cs csense hypersense
hyperband factor fov rfov rect matrix mat res hires highres highresolution hr lowres resolution high hi low standard
std normal norm normalized nonnorm nd ndnorm dis dis2d dis3d distortion corrected corr correction uncorrected raw orig
original prim primary secondary derived filter filtered prescannormalize pure clear scic cleared ai airecon airx
deepresolve deep dl dlr sharp smooth boost gain nex nsa avg average averages averaged ave mean mov moco mocoseries
motion vnav vnavs navigator nav nocorr setter tracking promo tracked prop propeller blade multivane radial radar jet
arms mvxd ssm gated gating triggered trig trigger resp free breathhold bh run runs rep reps repeat repeated rpt wdh
wiederholung nochmal again bis second first third last session ses acq acquisition acquis series serie serien image
images img imgs imagen bild bilder set sets combined combine merged composed compose composing comb stitched fused
fusion overlay subtraction subtracted subtr subt subtraktion soustraction sustraccion difference diff wip delrec rec
reg registered coreg resampled resliced aligned mni navi neuronav stereotaxy stereotactic stealth brainlab guidance
planning gamma knife radiosurgery cyberknife protocol prot protokoll protocole protocolo routine kurz lang complete
komplett clinical research study studie basic basis option optional opt alt alternative new old neu fast short te tr
ti fa flip angle echo1 echo2 deg degree hz khz ms sec mm cm mm2 mm3 iso1 mmiso t tesla dir dirs direction directions
encoding enc bw bandwidth etl pf fourier partialfourier half long longtr shorttr longte shortte anat func dwi beh
fmapepi mri mrt irm rm rmn mr neuro screen screening follow followup control kontrolle verlauf baseline adni hcp abcd
ppmi sw adult child kids pediatric paediatric infant ped baby neonatal fetal fetus
"""
_CONTRAST_AGENT = """
c ce post pre prec postc precontrast postcontrast gd gado gadolinium gad gadovist dotarem prohance magnevist
multihance clariscan contrast contrasts contraste contrasto kontrast kontrastmittel km mdc iv inj injection injected
injektion inyeccion iniezione nach vor ohne mit after before with without wo w o noncontrast non no not none nativ
nativo nativa nativer avant apres sans avec sin con antes despues senza prima dopo sem depois zonder met voor na
enhanced unenhanced enhancement plain native screensave early late delayed delay spat fruh frueh min minute minutes
"""
_PARTS = """
brain brains hirn gehirn head kopf schadel schaedel neurocranium neurokranium cranium cranial kranium skull tete crane
cerveau encephale encephalique cabeza craneo cerebro cerebral cerebrale encefalo testa cranio cervello cabeca hersenen
hoofd schedel intracranial pituitary hypophysis hypophyse hipofisis ipofisi sella sellar turcica orbit orbits orbita
orbitae orbiten orbite optic opticus nerve chiasm iac iacs iam iams kleinhirn cerebellum cerebellar pontine angle kbw
khbw cpa brainstem stem midbrain pons posterior fossa temporal temporallappen lobe lobes hippocampus hippocampal hippo
amygdala epilepsy epilepsie epi seizure ms tumor tumour tumeur stroke schlaganfall avc ictus trauma dementia demenz
alzheimer parkinson glioma meningioma metastases mets infarct internal auditory canal canals ear ears innenohr
felsenbein petrous sinus sinuses nnh face facial gesicht trigeminal trigeminus vessel vessels gefasse gefaesse neck
hals cou cuello collo spine spinal wirbelsaule wirbelsaeule rachis columna colonna cspine tspine lspine hws bws lws
cervical cerv thoracic thorax lumbar lumbal sacrum sacral cord myelon rucken abdomen abd abdominal liver leber kidney
kidneys pelvis becken prostate prostata breast mamma heart cardiac knee knie shoulder schulter hip hufte huefte ankle
wrist hand foot elbow gm wm gmwm gray grey white matter cortex cortical subcortical deep nuclei basal ganglia
ventricle ventricles
"""
_JOINING = """
and und et y e plus or with of the for from by to at de du des la le el il di da do der die das im am an zu
"""
# What names people, too, or is too short to say: shown only where everything beside it is known.
_WEAK = f"""
swan bravo post head star long short early blade flash hand foot kurz lang knie neu gray grey white field sharp smart
pat min press merge vista na si ha mr b s m black no not none non save {_JOINING}
"""
NAMESAKES = frozenset(_WEAK.split())
WORDS = NAMESAKES.union(
    *(group.split() for group in (_PLANES, _WEIGHTINGS, _FAMILIES, _PREPARATION, _CONTRAST_AGENT, _PARTS))
)
