"""Which words of an export may be told of it: none that could name a person.

Comes in: names of files, types and statuses as an export writes them.
Goes out: how they are called in the counts.
Refuses: what FHIR R4 does not define; a file is then called by its place, a word "unreadable".
"""

import re
from pathlib import Path

# The resource types of FHIR R4 that exports of patients hold.
_TYPES = (
    "Account AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic "
    "Binary BodyStructure Bundle CarePlan CareTeam ChargeItem Claim ClaimResponse "
    "ClinicalImpression CodeSystem Communication CommunicationRequest Composition Condition "
    "Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse "
    "DetectedIssue Device DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport "
    "DocumentManifest DocumentReference Encounter Endpoint EnrollmentRequest "
    "EnrollmentResponse EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Flag Goal Group "
    "GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation "
    "ImmunizationRecommendation InsurancePlan Invoice Library Linkage List Location Measure "
    "MeasureReport Media Medication MedicationAdministration MedicationDispense "
    "MedicationKnowledge MedicationRequest MedicationStatement MessageHeader "
    "MolecularSequence NutritionOrder Observation OperationOutcome Organization "
    "OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person "
    "PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire "
    "QuestionnaireResponse RelatedPerson RequestGroup ResearchStudy ResearchSubject "
    "RiskAssessment Schedule ServiceRequest Slot Specimen StructureDefinition Subscription "
    "Substance SupplyDelivery SupplyRequest Task ValueSet VerificationResult VisionPrescription"
)
TYPES = frozenset(_TYPES.split())
_STATUSES = (
    "registered preliminary final amended corrected appended partial cancelled "
    "entered-in-error unknown unconfirmed provisional differential confirmed refuted active "
    "on-hold completed stopped draft intended not-taken preparation in-progress not-done "
    "available inactive planned arrived triaged onleave finished"
)
STATUSES = frozenset(_STATUSES.split())
_FILE_WORDS = TYPES | {"export", "bulk", "all", "part", "ndjson", "jsonl", "gz"}
_APART = re.compile(r"[._-]")
# More digits may be a number or a day of birth, and so may several such parts together.
_COUNTER = re.compile(r"\d{1,3}")


def file_called(file: Path, place: int, n: int) -> str:
    """Return a file's name where types and at most one counter make it up, else its place."""
    others = [word for word in _APART.split(file.name) if word and word not in _FILE_WORDS]
    if not others or (len(others) == 1 and _COUNTER.fullmatch(others[0])):
        return file.name
    return f"file {place} of {n} by path"


def type_called(kind: str) -> str:
    """Return a resource type that there is."""
    return f"type {kind}" if kind in TYPES else "a type that FHIR R4 does not know"


def status_called(status: str) -> str:
    """Return a status that there is."""
    return status if status in STATUSES else "unreadable"
