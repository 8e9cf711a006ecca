"""The rule texts of the vocabulary, and the names they may use, as the parser needs them.

A table of its own, so that these tests depend on no shipped file.
"""

from __future__ import annotations

from fractions import Fraction

from pathway.engine.catalogue import Kind
from pathway.engine.names import Names, measure_types

# code: (applies, test)
RULES = {
    "NUT-5": ("age >= 18", "loss-pct >= 5"),
    "NUT-10": ("age >= 18", "loss-pct >= 10"),
    "NUT-BMI1": ("age >= 18", "bmi-loss >= 1"),
    "NUT-BMI185": ("age >= 18", "bmi < 18.5"),
    "NUT-INTAKE": ("age >= 18", "intake < 75 and intake-days > 14"),
    "NUT-RISK2": ("", "size(nutrition-risk) >= 2"),
    "NUT-UNSAFE": ("stage(nutrition) >= N2", "swallow-unsafe"),
    "EAT-3": ("", "eat-10 >= 3"),
    "EAT-8": ("", "eat-10 >= 8"),
    "PEG-60": ("(stage(nutrition) >= N1 or stage(bulbar) >= W2) and not active(gastrostomy)", "fvc-pct < 60"),
    "PEG-50": ("(stage(nutrition) >= N2 or stage(bulbar) >= W2) and not active(gastrostomy)", "fvc-pct < 50"),
    "PEG-30": ("(stage(nutrition) >= N2 or stage(bulbar) >= W2) and not active(gastrostomy)", "fvc-pct < 30"),
    "DQ-USUAL": ("age >= 18", "known(weight) and not known(usual-weight)"),
    "NUT-FEED": ("", "feed-time > 30 or feed-cough"),
    "NUT-Z05": ("", "weight-z-fall >= 0.5"),
    "NUT-Z1": ("", "weight-z-fall >= 1"),
    "NUT-ASP": ("", "count(aspiration, 14 d) >= 1"),
    "NUT-BMIZ1": ("", "bmi-z < -1 or bmi-z > 1"),
    "NUT-BMIZ2": ("", "bmi-z < -2"),
    "NUT-CHANGE5": ("", "weight-change <= -5"),
    "RESP-R1": (
        "stage(respiratory) = R0",
        "known(fvc-pct) and known(best-pressure) and known(spo2-rest) and known(any-symptom)",
    ),
    "RESP-R2": ("stage(respiratory) <= R1", "fvc-pct < 80 or best-pressure < pressure-cut"),
    "RESP-SX": ("stage(respiratory) = R1", "any-symptom"),
    "RESP-NP": ("stage(respiratory) <= R3", "not-performable(fvc-pct, fvc, vc, snip, mip)"),
    "RESP-SR2": ("stage(respiratory) = R1", "fvc-pct < 80 or fvc-pct-fall >= 10"),
    "RESP-SR3": ("stage(respiratory) <= R2", "any-symptom or sleep-study = abnormal"),
    "RESP-NS2": ("stage(respiratory) = R1", "sleep-study = abnormal or spo2-asleep < 94 or paco2 > 6.0"),
    "RESP-R5": ("stage(respiratory) = R4", "niv-use > niv-extended or fvc-pct < 30 or paco2 > 6.0"),
    "NIV-USE4": ("active(niv)", "niv-use < 4"),
    "INF-1": ("", "count(chest-infection, 14 d) >= 1"),
    "INF-N": ("", "count(chest-infection, 14 d) >= 1"),
    "INF-W": ("", "count(chest-infection, 14 d) >= 1"),
    "INF-2": ("", "count(chest-infection, 12 mo, antibiotics=true) >= 2"),
    "ADM-1": ("", "count(hospital-admission, 14 d) >= 1"),
    "ADM-2": ("", "count(hospital-admission, 12 mo) >= 2"),
    "PCF-A": ("age >= 12", "pcf < 270"),
    "PCF-P": ("age >= 8", "pcf < 160"),
    "VC-1.1": ("age >= 8", "vital-capacity < 1.1"),
    "OVR-O2": ("stage(overall) = O1", "kings >= 1"),
    "OVR-O3": ("stage(overall) <= O2", "kings >= 3 or mitos >= 1"),
    "OVR-O4": ("stage(overall) <= O3", "kings >= 4 or mitos >= 3"),
    "OVR-S2": ("stage(overall) = O1", "any-dmt"),
    "OVR-S3": ("stage(overall) <= O2", "stage(respiratory) >= R4 or stage(nutrition) >= N4"),
    "OVR-S4": ("stage(overall) <= O3", "stage(respiratory) >= R5 or stage(nutrition) >= N5"),
    "OVR-P2": ("stage(overall) = O1", "completed(mdt-review)"),
    "FS-FAST": ("", "dfs > 1.0 or 3 * fs-slope >= 4"),
    "FS-PMA": ("", "dfs > 0.5 or count(new-region, 3 mo) >= 1"),
    "DX-UMN": ("", "umn-signs"),
    "PHEN-N": ("", "motor-function = sitter or motor-function = walker"),
    "PHEN-S": ("", "motor-function = non-sitter or motor-function = walker"),
    "PHEN-W": ("", "motor-function = non-sitter or motor-function = sitter"),
    "MOB-1": ("", "q8 <= 3"),
    "MOB-2": ("", "q8 <= 2 or not community-distance"),
    "MOB-3": ("", "q8 <= 1"),
    "FALL-1": ("", "count(fall, 14 d) >= 1"),
    "FALL-2": ("", "count(fall, 6 mo) >= 2"),
    "GROWTH-5": ("age < 18", "height - prev(height) > 5"),
    "OVERWORK": ("", "count(post-exercise-soreness, 14 d, above=24) >= 2 or count(strength-fall, 14 d) >= 1"),
    "LOW-ACTIVITY": ("stage(musculoskeletal) = K0", "days-since(exercise-session) > 14"),
    "ROM-10": ("", "rom-loss >= 10"),
    "PAIN-4": ("", "pain >= 4"),
    "BUL-1": ("", "q1 <= 3 or q3 <= 3"),
    "BUL-2": ("", "q1 <= 2 or q3 <= 2"),
    "BUL-3": ("", "q1 <= 1 or q3 <= 1"),
    "AAC-1": ("", "q1 <= 3"),
    "CHOKE": ("", "count(choking, 7 d) >= 1"),
    "SUP-P1": ("stage(supportive) = P0", "known(acp-status)"),
    "SUP-P2": ("stage(supportive) <= P1", "acp-status = recorded"),
    "SUP-P3": ("", "stage(respiratory) >= R3 or stage(nutrition) >= N3 or kings >= 4"),
    "MOOD": ("", "mood-screen or carer-strain"),
    "SPINE-15": ("", "cobb >= 15 and cobb < 50"),
    "SPINE-20": ("", "cobb > 20"),
    "SPINE-RATE": ("age >= 4", "cobb-rate >= 10"),
    "SPINE-50": ("age >= 4", "cobb >= 50"),
    "SPINE-ASYM": ("", "count(new-asymmetry, 28 d) >= 1"),
    "HIP-PAIN": ("", "count(hip-pain, 28 d) >= 1"),
    "FRACTURE": ("", "count(fracture, 28 d) >= 1"),
    "TRT-T2": ("stage(treatment) = T1", "loading-complete"),
    "RIL-3": ("active(riluzole)", "alt-x > 3"),
    "RIL-5": ("active(riluzole)", "alt-x > 5"),
    "RIL-FEVER": ("active(riluzole)", "count(fever, 7 d) >= 1"),
    "NUS-UP": ("any-nusinersen", "urine-protein > 0.2"),
    "OA-AAV9": ("", "aav9-titre > 50"),
    "OA-TAPER": ("oa-given and not oa-tapered", "oa-alt-x < 2 and oa-ast-x < 2 and oa-liver"),
    "OA-LFT2": ("oa-given and not oa-tapered", "oa-alt-x >= 2 or oa-ast-x >= 2 or not oa-liver"),
    "OA-TMA": ("oa-given", "platelets < 150 and count(bruising, 7 d) >= 1"),
    "RIS-DOSE": ("active(risdiplam)", "risdiplam-mismatch > 5"),
    "RIS-BAND": ("active(risdiplam)", "risdiplam-row > risdiplam-row-prescribed"),
    "MOT-C": ("", "prev(chop-intend) - chop-intend >= 4"),
    "MOT-HINE": ("", "prev(hine-2) - hine-2 >= 2"),
    "MOT-H": ("", "prev(hfmse) - hfmse >= 3"),
    "MOT-R": ("", "prev(rulm) - rulm >= 2"),
    "MOT-6": ("", "prev(walk-6min) - walk-6min >= 30"),
    "MOT-CONF": ("", "hfmse-confirmed or rulm-confirmed"),
    "MILESTONE": ("", "count(milestone-lost, 28 d) >= 1"),
    "NICE-FVC50": ("age >= 18", "fvc-pct < 50"),
    "NICE-FVC80S": ("age >= 18", "fvc-pct < 80 and near(any-symptom, fvc-pct)"),
    "NICE-P40": ("age >= 18", "best-pressure < 40"),
    "NICE-PS": ("age >= 18", "best-pressure < pressure-cut and near(any-symptom, best-pressure)"),
    "NICE-RATE": ("age >= 18", "pressure-fall > 10"),
    "NICE-GAS": ("age >= 18", "spo2-rest <= spo2-cut"),
    "NICE-OVN": ("age >= 18", "spo2-rest > spo2-cut and near(sleep-symptom, spo2-rest)"),
    "NICE-URG": ("age >= 18", "paco2 > 6.0 kPa"),
    "NICE-SLEEP": ("age >= 18", "paco2 <= 6.0 kPa and near(any-symptom, paco2)"),
    "AAN-SNIP40": ("age >= 18", "snip < 40"),
    "AAN-ORTHO": ("age >= 18", "has(respiratory-symptoms, orthopnoea)"),
    "AAN-FVC50": ("age >= 18", "fvc-pct < 50"),
    "AAN-MIP60": ("age >= 18", "mip < 60"),
    "AAN-NOCT90": ("age >= 18", "oximetry-lt-90 > 1"),
    "RAD-GAS": ("age >= 18", "paco2 >= 45 mm[Hg]"),
    "RAD-NOCT": ("age >= 18", "oximetry-le-88 >= 5 and oximetry-recorded >= 120"),
    "RAD-MIP": ("age >= 18", "mip < 60"),
    "RAD-FVC": ("age >= 18", "fvc-pct < 50"),
    "RAD-ELIG": ("age >= 18", "(RAD-GAS or RAD-NOCT or RAD-MIP or RAD-FVC) and any-symptom and not lung-disease"),
    "RAD-CONT": ("age >= 18 and active(niv)", "niv-use >= 4"),
    "EUR-NIV": (
        "age >= 18",
        "(any-symptom or epworth > 9) and (fvc-pct <= 80 or snip <= 40) and (oximetry-significant or paco2 >= 6.5 kPa)",
    ),
    "EFNS-NIV": (
        "age >= 18",
        "any-symptom and (fvc-pct < 80 or snip < 40 or mip < 60 or oximetry-significant or paco2 > 45 mm[Hg])",
    ),
    "CHEST-FVC80S": ("age >= 18", "fvc-pct < 80 and near(any-symptom, fvc-pct)"),
    "CHEST-FVC50": ("age >= 18", "fvc-pct < 50"),
    "CHEST-P40": ("age >= 18", "snip < 40 or mip < 40"),
    "CHEST-CO2": ("age >= 18", "paco2 > 45 mm[Hg]"),
}

# of schedule rows
WHENS = (
    "any-symptom",
    "RIL-3",
    "age-today < 2",
    "age-today >= 1 and age-today < 3",
    "cobb > 20 and not skeletal-maturity",
    "cobb > 20",
    "dmt-months >= 12",
    "active(risdiplam)",
    "OA-LFT2",
    "age-today >= 14 and age-today < 18",
)

# of interventions
OFFERS = (
    "stage(respiratory) >= R3",
    "stage(respiratory) >= R5",
    "stage(cough) >= C2",
    "stage(nutrition) >= N2 or stage(bulbar) >= W2",
    "age-today >= 18 and not active(riluzole)",
    "age-today >= 18",
    "age-today >= 18 and sod1 = pathogenic",
    "smn1-confirmed",
    "smn1-confirmed and age-today < 2 and not aav9-titre > 50",
    "smn1-confirmed and age-today >= 2 and not aav9-titre > 50",
)

# code: (canonical unit, accepted units with their factors)
_QUANTITIES: dict[str, tuple[str, dict[str, str]]] = {
    "height": ("cm", {"m": "100", "[in_i]": "2.54"}),
    "weight": ("kg", {"g": "0.001", "[lb_av]": "0.45359237"}),
    "usual-weight": ("kg", {"g": "0.001", "[lb_av]": "0.45359237"}),
    "bmi-z": ("{Zscore}", {}),
    "weight-z": ("{Zscore}", {}),
    "body-fat": ("%", {}),
    "energy-measured": ("kcal/d", {}),
    "intake": ("%", {}),
    "eat-10": ("{score}", {}),
    "feed-time": ("min", {"h": "60"}),
    "vitamin-d": ("nmol/L", {"ng/mL": "2.496"}),
    "fvc-pct": ("%", {}),
    "fvc": ("L", {"mL": "0.001"}),
    "vc": ("L", {"mL": "0.001"}),
    "snip": ("cm[H2O]", {"hPa": "1.0197162", "kPa": "10.197162", "mm[Hg]": "1.35951"}),
    "mip": ("cm[H2O]", {"hPa": "1.0197162", "kPa": "10.197162", "mm[Hg]": "1.35951"}),
    "mep": ("cm[H2O]", {"hPa": "1.0197162", "kPa": "10.197162", "mm[Hg]": "1.35951"}),
    "pcf": ("L/min", {"L/s": "60"}),
    "spo2": ("%", {}),
    "paco2": ("kPa", {"mm[Hg]": "0.133322387415"}),
    "respiratory-rate": ("/min", {}),
    "epworth": ("{score}", {}),
    "borg-dyspnoea": ("{score}", {}),
    "niv-use": ("h/d", {}),
    "mrc-sum": ("{score}", {}),
    "mune": ("{count}", {}),
    "ecas": ("{score}", {}),
    "smn2-copies": ("{count}", {}),
    "qol": ("{score}", {}),
    "chop-intend": ("{score}", {}),
    "hine-2": ("{score}", {}),
    "hfmse": ("{score}", {}),
    "rulm": ("{score}", {}),
    "walk-6min": ("m", {}),
    "cobb": ("deg", {}),
    "hip-migration": ("%", {}),
    "rom-loss": ("deg", {}),
    "bone-density-z": ("{Zscore}", {}),
    "pain": ("{score}", {}),
    "exercise-session": ("min", {"h": "60"}),
    "post-exercise-soreness": ("h", {"min": "1/60"}),
    "alt": ("U/L", {"ukat/L": "60"}),
    "ast": ("U/L", {"ukat/L": "60"}),
    "platelets": ("10*9/L", {}),
    "urine-protein": ("g/L", {"mg/dL": "0.01"}),
    "troponin-i": ("ng/L", {"ng/mL": "1000"}),
    "wbc": ("10*9/L", {}),
    "creatinine": ("umol/L", {"mg/dL": "88.42"}),
    "aav9-titre": ("{titre}", {}),
}

_BOOLEANS = (
    "swallow-unsafe feed-cough lung-disease umn-signs community-distance smn1-confirmed mood-screen "
    "carer-strain skeletal-maturity liver-unremarkable"
).split()
_EVENTS = (
    "aspiration chest-infection hospital-admission fall choking fever bruising milestone-lost new-region "
    "hip-pain new-asymmetry fracture strength-fall"
).split()
_DATES = "onset-date diagnosis-date".split()
_PANELS = "overnight-oximetry alsfrs-r".split()
_CODED = {
    "sleep-study": "normal abnormal",
    "onset-site": "limb bulbar respiratory",
    "sod1": "pathogenic vus negative",
    "acp-status": "offered declined recorded",
    "motor-function": "non-sitter sitter walker",
}
_SETS = {
    "nutrition-risk": "chewing-swallowing low-mood medicines constipation breathing-work",
    "respiratory-symptoms": (
        "breathlessness orthopnoea recurrent-infections disturbed-sleep unrefreshing-sleep "
        "nightmares daytime-sleepiness poor-concentration confusion hallucinations morning-headache "
        "fatigue poor-appetite"
    ),
    "respiratory-signs": (
        "raised-rate shallow-breathing weak-cough weak-sniff abdominal-paradox accessory-muscles reduced-expansion"
    ),
}
# code: unit
MEASURE_UNITS = {
    "age": "a",
    "age-today": "a",
    "intake-days": "d",
    "bmi": "kg/m2",
    "usual-bmi": "kg/m2",
    "bmi-loss": "kg/m2",
    "loss-pct": "%",
    "weight-change": "%",
    "weight-slope": "%/mo",
    "weight-z-fall": "/3 mo",
    "best-pressure": "cm[H2O]",
    "pressure-cut": "cm[H2O]",
    "pressure-fall": "cm[H2O]/3 mo",
    "any-symptom": "",
    "sleep-symptom": "",
    "spo2-rest": "%",
    "spo2-asleep": "%",
    "spo2-cut": "%",
    "vital-capacity": "L",
    "fvc-pct-fall": "points/6 mo",
    "supine-drop": "%",
    "oximetry-le-88": "min",
    "oximetry-lt-90": "min",
    "oximetry-recorded": "min",
    "oximetry-significant": "",
    "niv-extended": "h/d",
    "alsfrs-total": "{score}",
    "alsfrs-bulbar": "{score}",
    "alsfrs-fine": "{score}",
    "alsfrs-gross": "{score}",
    "alsfrs-respiratory": "{score}",
    "alsfrs-6": "{score}",
    "dfs": "/mo",
    "fs-slope": "/mo",
    "kings": "",
    "kings-a": "",
    "kings-b": "",
    "mitos": "",
    "mitos-movement": "",
    "mitos-swallowing": "",
    "mitos-communication": "",
    "mitos-breathing": "",
    "peg-window": "",
    "hb": "kcal/d",
    "tdee-als": "kcal/d",
    "fvc-pred-ecsc": "L",
    "fvc-pred-nhanes3": "L",
    "cobb-rate": "deg/a",
    "chop-change": "{score}",
    "hine-change": "{score}",
    "hfmse-change": "{score}",
    "rulm-change": "{score}",
    "walk-change": "m",
    "hfmse-confirmed": "",
    "rulm-confirmed": "",
    "alt-x": "x",
    "ast-x": "x",
    "oa-alt-x": "x",
    "oa-ast-x": "x",
    "oa-liver": "",
    "oa-given": "",
    "oa-tapered": "",
    "oa-volume": "mL",
    "any-dmt": "",
    "any-nusinersen": "",
    "dmt-months": "mo",
    "days-to-dmt": "d",
    "loading-complete": "",
    "risdiplam-row": "",
    "risdiplam-dose": "mg",
    "risdiplam-volume": "mL",
    "risdiplam-row-prescribed": "",
    "risdiplam-mismatch": "%",
    "imt-mip-change": "%",
    "q1": "{score}",
    "q2": "{score}",
    "q3": "{score}",
    "q4": "{score}",
    "q5": "{score}",
    "q6": "{score}",
    "q7": "{score}",
    "q8": "{score}",
    "q9": "{score}",
    "q10": "{score}",
    "q11": "{score}",
    "q12": "{score}",
}

TRACKS = {
    "overall": "O1 O2 O3 O4 O5 O9".split(),
    "respiratory": "R0 R1 R2 R3 R4 R5 R6".split(),
    "cough": "C0 C1 C2 C3".split(),
    "nutrition": "N0 N1 N2 N3 N4 N5".split(),
    "mobility": "M0 M1 M2 M3 M4".split(),
    "musculoskeletal": "K0 K1 K2 K3".split(),
    "bulbar": "W0 W1 W2 W3".split(),
    "treatment": "T0 T1 T2 T3 T4".split(),
    "supportive": "P0 P1 P2 P3 P4 P5".split(),
}
INTERVENTIONS = (
    "niv mouthpiece-ventilation tracheostomy-ventilation breath-stacking mi-e gastrostomy walking-aid "
    "wheelchair-manual wheelchair-powered hoist seating car-seat standing-frame splints spinal-brace "
    "aac-device assistive-technology imt-programme riluzole edaravone-iv edaravone-oral tofersen "
    "nusinersen-eu nusinersen-us nusinersen-high-dose onasemnogene-iv onasemnogene-it risdiplam "
).split()
ACTIVITIES = (
    "mdt-review mdt-discussion alsfrs-r neurology-review pft-set respiratory-exam overnight-study "
    "blood-gas respiratory-visit niv-decision niv-download niv-reevaluation niv-adherence cough-review "
    "kit-check weight record-usual-weight dietitian-review swallow-screen vfss gastrostomy-talk "
    "gastrostomy-assessment tube-review stoma-check vitamin-d ot-review equipment-provision "
    "powered-mobility-assessment physio-review motor-scale walk-test mune spine-xray brace-discussion "
    "orthopaedic-review dexa speech-review voice-banking aac-referral psychosocial-review transition-plan "
    "infection-call ecas acp-discussion palliative-review bereavement-contact genetics-offer "
    "riluzole-offer dmt-decision alt-riluzole alt-repeat alt-post-stop riluzole-stop-decision wbc "
    "tofersen-dose nusinersen-dose nusinersen-labs urine-protein-repeat oa-infusion oa-lft oa-lft-extra "
    "oa-platelets oa-troponin aav9-retest risdiplam-dose-check imt-review imt-outcome "
).split()


def _context(code: str) -> dict[str, tuple[str, ...]]:
    """The context keys that the tests use."""
    known: dict[str, dict[str, tuple[str, ...]]] = {
        "chest-infection": {"antibiotics": ("true", "false")},
        "fvc-pct": {"posture": ("sitting", "supine")},
        "hospital-admission": {"cause": ()},
    }
    return known.get(code, {})


def kinds() -> dict[str, Kind]:
    """Every observation kind, by code; nothing expires."""
    found = {}
    for code, (unit, also) in _QUANTITIES.items():
        units = {unit: Fraction(1), **{other: Fraction(factor) for other, factor in also.items()}}
        found[code] = Kind(code, code, "quantity", unit, units, context=_context(code))
    for kind_type, codes in (("boolean", _BOOLEANS), ("event", _EVENTS), ("date", _DATES), ("panel", _PANELS)):
        found.update({code: Kind(code, code, kind_type, context=_context(code)) for code in codes})
    for code, values in _CODED.items():
        found[code] = Kind(code, code, "coded", values=tuple(values.split()))
    for code, items in _SETS.items():
        found[code] = Kind(code, code, "set", items=tuple(items.split()))
    return found


NAMES = Names(kinds(), measure_types(MEASURE_UNITS), frozenset(RULES), TRACKS, INTERVENTIONS, ACTIVITIES)
