"""Which series each person has, and what is odd about them.

Comes in: a planned `Person`.
Goes out: `SeriesPlan`s, each with what should become of it.
Refuses: nothing.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from screening.phantom.dicom import Encoding, Storage, Syntax
from screening.phantom.people import Person, Role
from screening.reasons import Reason


class Kind(StrEnum):
    """What a series shows."""

    CHEST = "chest"
    SCOUT = "scout"
    REPORT = "report"
    SAGITTAL = "sagittal"
    HEAD = "head"


class Damage(StrEnum):
    """What happened to the files of a series on their way."""

    NONE = "none"
    TRUNCATED_FILE = "truncated_file"
    MISSING_IN_HEART = "missing_in_heart"
    MISSING_OUTSIDE = "missing_outside"
    DUPLICATE_FILE = "duplicate_file"


@dataclass(frozen=True, slots=True)
class Technique:
    """How a chest is scanned and reconstructed."""

    increment_mm: float = 3.0
    thickness_mm: float = 3.0
    kernel: str = "medium"
    kvp: float = 120.0
    noise_hu: float = 14.0
    matrix: int = 256
    contrast_hu: float = 0.0
    is_gated: bool = False
    is_heart_only: bool = False


@dataclass(frozen=True, slots=True)
class Scanner:
    """One make: what its headers say and how it stores pixels."""

    manufacturer: str
    model: str
    kernels: tuple[str, str, str]  # soft, medium, sharp
    storage: Storage
    # GE writes the contrast tag into every file, empty where none was given.
    has_empty_contrast_tag: bool = False


SCANNERS = (
    Scanner("SIEMENS", "Phantom Definition", ("B20f", "B30f", "B60f"), Storage.UNSIGNED_12),
    Scanner(
        "GE MEDICAL SYSTEMS",
        "Phantom LightSpeed",
        ("SOFT", "STANDARD", "LUNG"),
        Storage.SIGNED_PADDED,
        has_empty_contrast_tag=True,
    ),
    Scanner("TOSHIBA", "Phantom Aquilion", ("FC02", "FC08", "FC52"), Storage.SIGNED),
    Scanner("SIEMENS", "Phantom Biograph PET/CT", ("B20s", "B30s", "B60s"), Storage.PER_SLICE),
    Scanner("Philips", "Phantom Brilliance", ("A", "B", "L"), Storage.UNSIGNED_12),
)
_KERNELS = ("soft", "medium", "sharp")

# (study, series, protocol, body part); None: the tag is absent.
_TEXTS: tuple[tuple[str | None, ...], ...] = (
    ("CT Thorax nativ", "Thorax  3.0  B30f", "01_Thorax_Nativ", "CHEST"),
    ("CT CHEST W/O CONTRAST", "AX STD", "5.1 CHEST ROUTINE", "CHEST"),
    ("Chest unenhanced", "unenhanced std", "Thx", "THORAX"),
    ("", "", "", ""),
    ("TDM thoracique sans injection", "MEDIASTIN", "Thorax SANS IV", "THORAX"),
    (None, None, None, None),
    ("TC TORACE SENZA MDC", "torace std", "Torace", "TORACE"),
    ("胸部 単純", "胸部 3mm", "胸部", "CHEST"),
    ("Thorax ohne KM", "Weichteil", "Lunge low dose", "CHEST"),
    ("?", "Series 4", "X", "CHEST"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """One series of a person and what should become of it."""

    name: str
    kind: Kind = Kind.CHEST
    study: str = "index"
    days: int = 0  # from the person's index date
    technique: Technique = field(default_factory=Technique)
    damage: Damage = Damage.NONE
    contrast_agent: str | None = None
    texts: tuple[str | None, ...] = _TEXTS[0]
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "AXIAL")
    encoding: Encoding = field(default_factory=Encoding)
    has_any_date: bool = True
    has_acquisition_date: bool = True
    is_other_person: bool = False
    source: str | None = None  # the series this one is made from
    reason: Reason | None = None  # why it gives no score, or what is to be known of it
    note: str = "a usable scan"

    @property
    def has_score(self) -> bool:
        """Whether the series should be scored."""
        return self.reason in (None, Reason.MISSING_SLICE, Reason.NO_SCAN_DATE)


def scanner_of(person: Person) -> Scanner:
    """Give the scanner a person was scanned on."""
    return SCANNERS[person.number % len(SCANNERS)]


def kernel_name(scanner: Scanner, kernel: str) -> str:
    """Give a kernel's name in the language of its maker."""
    return scanner.kernels[_KERNELS.index(kernel)]


def _encoding(person: Person) -> Encoding:
    """Choose how the files are written: mostly plain, some implicit, compressed or bare."""
    storage = scanner_of(person).storage
    if person.role is Role.DUPLICATE_SLICE:
        return Encoding(storage, Syntax.RLE)
    if person.role is Role.MISSING_OUTSIDE:
        return Encoding(storage, Syntax.IMPLICIT, has_preamble=False)
    is_implicit = person.number % 4 == 2
    return Encoding(storage, Syntax.IMPLICIT if is_implicit else Syntax.EXPLICIT)


def _main(person: Person) -> SeriesPlan:
    """Plan the ordinary unenhanced chest scan, in this person's variety."""
    increment, thickness = ((3.0, 3.0), (2.5, 2.5), (3.0, 5.0), (3.0, 3.0))[person.number % 4]
    technique = Technique(
        increment_mm=increment,
        thickness_mm=thickness,
        kernel=_KERNELS[person.number % 3 % 2],
        kvp=100.0 if person.number % 6 == 4 else 120.0,
        noise_hu=(11.0, 14.0, 17.0)[person.number % 3],
        matrix=320 if person.role is Role.HIGH else 256,  # small: saves time and disk
    )
    return SeriesPlan(
        name="main",
        technique=technique,
        contrast_agent="" if scanner_of(person).has_empty_contrast_tag else None,
        texts=_TEXTS[person.number % len(_TEXTS)],
        encoding=_encoding(person),
        has_acquisition_date=person.number % 6 != 5,
    )


def _scout(main: SeriesPlan) -> SeriesPlan:
    return replace(
        main,
        name="scout",
        kind=Kind.SCOUT,
        source="main",
        texts=(main.texts[0], "Topogram  0.6  T20f", "Topogram", "CHEST"),
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        reason=Reason.LOCALIZER,
        note="a scout: a projection, not slices",
    )


def _report(main: SeriesPlan) -> SeriesPlan:
    return replace(
        main,
        name="report",
        kind=Kind.REPORT,
        texts=(main.texts[0], "Patient Protocol", None, None),
        reason=Reason.NOT_CT,
        note="a dose report without images",
    )


def _refused(main: SeriesPlan, reason: Reason, note: str) -> SeriesPlan:
    return replace(main, reason=reason, note=note)


def _thick_and_thin(main: SeriesPlan) -> list[SeriesPlan]:
    """Plan one acquisition reconstructed twice: thick, and thin with overlap over the heart."""
    thick = Technique(5.0, 5.0, kernel="medium", noise_hu=10.0)
    thin = Technique(1.25, 2.5, kernel="medium", noise_hu=16.0, is_heart_only=True)
    coarse = _refused(
        replace(main, name="thick", technique=thick),
        Reason.NOT_CHOSEN,
        "5 mm slices of the same acquisition over the whole chest",
    )
    note = "overlapping slices over the heart only, nearer to the 2.5 to 3 mm of the score"
    return [replace(main, technique=thin, note=note), coarse, replace(_scout(main), source="thick")]


def _contrast_pair(main: SeriesPlan) -> list[SeriesPlan]:
    """Plan one study before and after contrast agent."""
    plain = replace(
        main,
        texts=("CT Chest biphasic", "Thx unenhanced", "Thx", "THORAX"),
        note="the unenhanced half of a study",
    )
    enhanced = replace(
        main,
        name="enhanced",
        technique=replace(main.technique, contrast_hu=190.0),
        contrast_agent="Ultravist 370",
        texts=("CT Chest biphasic", "Thx venös", "Thx KM", "THORAX"),
        reason=Reason.CONTRAST_TAG,
        note="the same study after contrast agent, and the header says so",
    )
    return [plain, enhanced, _scout(plain)]


def _formal_prior(main: SeriesPlan) -> list[SeriesPlan]:
    gated = Technique(3.0, 3.0, noise_hu=14.0, is_gated=True, is_heart_only=True)
    prior = replace(
        main,
        name="gated",
        study="prior",
        days=-400,
        technique=gated,
        texts=("CT Herz Calcium Score", "CaScore  3.0  B35f", "CaScoreSeq", "HEART"),
        reason=Reason.GATED_CALCIUM_SCORE,
        note="a gated calcium-score scan: the person was formally scored",
    )
    return [main, prior]


def _same_images(main: SeriesPlan) -> list[SeriesPlan]:
    copy = _refused(
        replace(main, name="copy", study="copy", source="main"),
        Reason.DUPLICATE_IMAGES_OF,
        "the images of the other study under new UIDs; either of the two may be the copy",
    )
    return [main, copy, _report(main)]


def _two_people(main: SeriesPlan) -> list[SeriesPlan]:
    note = "two people with other names, sexes and birth dates share this number"
    first = _refused(main, Reason.IDENTITY_CONFLICT, note)
    other = replace(first, name="other", study="other", days=-30, is_other_person=True)
    return [first, replace(other, source="main")]


def _sagittal(main: SeriesPlan) -> list[SeriesPlan]:
    reformat = replace(
        main,
        name="sagittal",
        kind=Kind.SAGITTAL,
        source="main",
        texts=(main.texts[0], "SAG MPR", "Thorax", "CHEST"),
        image_type=("DERIVED", "SECONDARY", "REFORMATTED"),
        reason=Reason.DERIVED,
        note="sagittal slices computed from the axial ones",
    )
    return [main, reformat, _scout(main)]


def _head(main: SeriesPlan) -> list[SeriesPlan]:
    head = replace(
        main,
        kind=Kind.HEAD,
        contrast_agent=None,
        texts=("CCT nativ", "Kopf  5.0  H31s", "Schädel", "HEAD"),
        reason=Reason.NOT_CHEST,
        note="a head, no chest",
    )
    return [head]


def _damaged(main: SeriesPlan, role: Role) -> list[SeriesPlan]:
    """Plan the scans whose files suffered."""
    match role:
        case Role.MISSING_IN_HEART:
            plan = replace(main, damage=Damage.MISSING_IN_HEART)
            return [
                _refused(plan, Reason.MISSING_SLICE_IN_HEART, "one slice inside the heart is gone")
            ]
        case Role.MISSING_OUTSIDE:
            note = "one slice above the heart is gone; the heart is whole"
            return [replace(main, damage=Damage.MISSING_OUTSIDE, note=note)]
        case Role.TRUNCATED:
            note = "one file above the heart is cut short; the heart is whole"
            return [replace(main, damage=Damage.TRUNCATED_FILE, note=note)]
    note = "one slice lies there twice, in two files with one UID"
    plan = replace(main, damage=Damage.DUPLICATE_FILE, note=note)
    earlier = replace(main, name="earlier", study="earlier", days=-310, note="an earlier scan")
    return [plan, earlier, _scout(main)]


def _ordinary(person: Person, main: SeriesPlan) -> list[SeriesPlan]:
    plans = [main]
    if person.number % 4 == 0:
        plans.append(_scout(main))
    if person.number % 6 == 0:
        plans.append(_report(main))
    return plans


def _refused_alone(main: SeriesPlan, role: Role) -> SeriesPlan:
    """Plan the one scan that is not scored whatever its quality."""
    match role:
        case Role.CHILD:
            return _refused(main, Reason.MINOR, "a child")
        case Role.CONTRAST_PIXELS:
            bright = replace(main.technique, contrast_hu=210.0)
            plan = replace(main, technique=bright, contrast_agent=None, texts=_TEXTS[3])
            return _refused(plan, Reason.CONTRAST_PIXELS, "contrast agent the header is silent on")
        case Role.WIDE_INCREMENT:
            wide = replace(main, technique=replace(main.technique, increment_mm=7.5))
            return _refused(wide, Reason.INCREMENT_OVER_5MM, "slices 7.5 mm apart")
        case Role.NO_DATE:
            plan = replace(main, has_any_date=False, has_acquisition_date=False)
            note = "no date in any tag: scored, but nobody's index scan"
            return _refused(plan, Reason.NO_SCAN_DATE, note)
        case Role.OPTED_OUT:
            return _refused(main, Reason.OPTED_OUT, "the person has opted out of everything")
    return main


_DAMAGED = (Role.MISSING_IN_HEART, Role.MISSING_OUTSIDE, Role.TRUNCATED, Role.DUPLICATE_SLICE)
_MANY = {
    Role.THICK_THIN: _thick_and_thin,
    Role.CONTRAST_PAIR: _contrast_pair,
    Role.FORMAL_PRIOR: _formal_prior,
    Role.SAME_IMAGES: _same_images,
    Role.TWO_PEOPLE: _two_people,
    Role.SAGITTAL: _sagittal,
    Role.HEAD_ONLY: _head,
}


def plan_series(person: Person) -> tuple[SeriesPlan, ...]:
    """Plan every series of a person; a series comes after the one it is made from."""
    main = _main(person)
    if person.role in _MANY:
        plans = _MANY[person.role](main)
    elif person.role in _DAMAGED:
        plans = _damaged(main, person.role)
    elif person.role is Role.HIGH:
        plans = [main, _scout(main), _report(main)]
    elif person.role is Role.STENT:
        plans = [replace(main, note="metal stents in the coronaries"), _report(main)]
    elif person.role is Role.ORDINARY:
        plans = _ordinary(person, main)
    else:
        plans = [_refused_alone(main, person.role)]
    return tuple(plans)
