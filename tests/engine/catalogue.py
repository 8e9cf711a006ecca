"""A hand-written catalogue of observation kinds, so that engine tests need no content files."""

from __future__ import annotations

from fractions import Fraction

from pathway.engine.catalogue import ByAge, Catalogue, Kind, Range

ONCE_KNOWN = ByAge(None, None)


def between(low: str, high: str) -> Range:
    return Range(Fraction(low), Fraction(high))


def always(days: int | None) -> ByAge:
    return ByAge(days, days)


def quantity(
    code: str,
    unit: str,
    hard: tuple[str, str],
    *,
    days: int | None = 183,
    also: dict[str, str] | None = None,
    child: tuple[str, str] | None = None,
    **more: object,
) -> Kind:
    factors = {unit: Fraction(1), **{name: Fraction(factor) for name, factor in (also or {}).items()}}
    adult_range = between(*hard)
    settings: dict[str, object] = {
        "hard": ByAge(adult_range, between(*child) if child else adult_range),
        "valid": always(days),
        "constant": always(1 if days is None else 0),
        "unit_optional": unit in ("{score}", "{count}", "{Zscore}", "{titre}"),
    }
    return Kind(code, code.replace("-", " ").capitalize(), "quantity", unit, factors, **{**settings, **more})  # type: ignore[arg-type]


def plain(code: str, type_: str, *, days: int | None = 183, **more: object) -> Kind:
    title = code.replace("-", " ").capitalize()
    constant = always(1 if days is None else 0)
    return Kind(code, title, type_, valid=always(days), constant=constant, **more)  # type: ignore[arg-type]


KILOGRAMS = {"g": "0.001", "[lb_av]": "0.45359237"}
PRESSURES = {"hPa": "1.0197162", "kPa": "10.197162", "mm[Hg]": "1.35951"}
POSTURE = {"context": {"posture": ("sitting", "supine")}, "default_context": {"posture": "sitting"}}
SYMPTOMS = (
    "breathlessness",
    "orthopnoea",
    "disturbed-sleep",
    "unrefreshing-sleep",
    "nightmares",
    "daytime-sleepiness",
    "morning-headache",
    "fatigue",
)
ITEMS = ("1", "2", "3", "4", "5a", "5b", "6", "7", "8", "9", "10", "11", "12")

KINDS = [
    quantity(
        "height",
        "cm",
        ("30", "250"),
        also={"m": "100", "[in_i]": "2.54"},
        soft=ByAge(between("120", "220"), None),
        valid=ByAge(None, 183),
        constant=ByAge(1, 0),
        decimals=1,
        context={"method": ("standing", "supine", "arm-span", "ulna", "segmental")},
    ),
    quantity("weight", "kg", ("25", "300"), child=("1", "200"), also=KILOGRAMS, decimals=2),
    quantity("usual-weight", "kg", ("25", "300"), also=KILOGRAMS, days=None, decimals=2),
    quantity("weight-z", "{Zscore}", ("-10", "10"), soft=ByAge(between("-5", "5"), between("-5", "5")), decimals=2),
    quantity(
        "body-fat",
        "%",
        ("1", "75"),
        context={"method": ("dexa", "bia"), "device": (), "formula": ()},
        required_context=("method", "device", "formula"),
    ),
    quantity("intake", "%", ("0", "300"), days=30, context={"days": ()}),
    plain("nutrition-risk", "set", days=100, items=("low-mood", "medicines")),
    quantity(
        "fvc-pct",
        "%",
        ("5", "200"),
        soft=ByAge(between("10", "150"), between("10", "150")),
        context={**POSTURE["context"], "reference": ("device", "ecsc", "nhanes3", "gli-2012", "gli-global")},
        default_context=POSTURE["default_context"],
    ),
    quantity("fvc", "L", ("0.2", "9"), child=("0.05", "9"), also={"mL": "0.001"}, decimals=2, **POSTURE),
    quantity("vc", "L", ("0.2", "9"), child=("0.05", "9"), also={"mL": "0.001"}, decimals=2, **POSTURE),
    quantity("snip", "cm[H2O]", ("0", "200"), also=PRESSURES, magnitude_only=True),
    quantity("mip", "cm[H2O]", ("0", "200"), also=PRESSURES, magnitude_only=True, context={"interface": ("mask",)}),
    quantity("pcf", "L/min", ("10", "1000"), also={"L/s": "60"}),
    quantity(
        "spo2",
        "%",
        ("50", "100"),
        days=30,
        context={
            "activity": ("rest", "exercise", "asleep", "position-change"),
            "oxygen": ("room-air", "supplemental"),
            "posture": (),
        },
    ),
    quantity("paco2", "kPa", ("2", "15"), days=30, also={"mm[Hg]": "0.133322387415"}),
    plain(
        "overnight-oximetry",
        "panel",
        items=("minutes-le-88", "minutes-lt-90", "recording-minutes", "significant"),
    ),
    plain("respiratory-symptoms", "set", days=30, items=SYMPTOMS),
    plain("respiratory-signs", "set", days=30, items=("weak-cough", "weak-sniff")),
    plain("lung-disease", "boolean", days=None, absent_means=False),
    plain("chest-infection", "event", context={"antibiotics": ("true", "false")}),
    plain("onset-date", "date", days=None, context={"precision": ("day", "month")}),
    plain("diagnosis-date", "date", days=None),
    plain("sod1", "coded", days=None, values=("pathogenic", "vus", "negative")),
    plain("alsfrs-r", "panel", items=ITEMS),
    quantity("cobb", "deg", ("0", "150"), days=400),
    *(
        quantity(code, "{score}", ("0", "66"), days=400, child=("0", "66"))
        for code in ("chop-intend", "hine-2", "hfmse", "rulm")
    ),
    quantity("walk-6min", "m", ("0", "1000"), days=400),
    quantity("post-exercise-soreness", "h", ("0", "240"), also={"min": "1/60"}),
    *(
        quantity(code, "U/L", ("1", "10000"), days=100, also={"ukat/L": "60"}, context={"uln": ()})
        for code in ("alt", "ast")
    ),
    plain("liver-unremarkable", "boolean", days=100),
]

CATALOGUE = Catalogue(
    kinds={kind.code: kind for kind in KINDS},
    disease_modifying=frozenset(
        {
            "riluzole",
            "edaravone-iv",
            "edaravone-oral",
            "tofersen",
            "nusinersen-eu",
            "nusinersen-us",
            "nusinersen-high-dose",
            "onasemnogene-iv",
            "onasemnogene-it",
            "risdiplam",
        }
    ),
    nusinersen=frozenset({"nusinersen-eu", "nusinersen-us", "nusinersen-high-dose"}),
)
