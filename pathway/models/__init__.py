"""What is stored, and what can never be false. Later modules may use earlier ones, never the other way:

people → accounts, preferences, grants → notices; people → definitions → rulebook, plans → enrollments → observations,
interventions → measures, alerts → proposals → care_tasks → reminders, guidance; audit.
"""

from pathway.models.accounts import ApiToken, Scope, SignInAttempt
from pathway.models.alerts import Alert, AlertStatus, Episode, Evidence, Hit, Judgement
from pathway.models.audit import AccessReview, AuditEvent, AuditSeal, Purpose
from pathway.models.calendars import CalendarFeed, Closure, SiteActivity
from pathway.models.care_tasks import LIVE_TASK, CareTask, TaskGround, TaskStatus
from pathway.models.definitions import (
    Pathway,
    PathwayVersion,
    Release,
    Route,
    RouteMode,
    Stage,
    Track,
    VersionStatus,
)
from pathway.models.enrollments import LIVE, Enrollment, EnrollmentStatus, Stay
from pathway.models.grants import Cover, EmergencyGrant, EmergencyReason, Sight
from pathway.models.guidance import (
    Audience,
    ChecklistAnswer,
    ChecklistItem,
    Doubt,
    EducationGiven,
    Finding,
    InfoText,
    LinkKind,
    Policy,
    Restriction,
    RestrictionEffect,
    Statement,
    StatementLink,
    TeachBack,
    Topic,
)
from pathway.models.interventions import Administration, ExerciseItem, Intervention
from pathway.models.measures import Measure
from pathway.models.notices import Notice
from pathway.models.observations import Observation, ObservationItem, ObservationStatus, QualityFlag
from pathway.models.people import CareTeamMember, Membership, Patient, Site, User
from pathway.models.plans import OWN_LADDER, Activity, InterventionKind, Ladder, RowMode, Rung, Shift, StageActivity
from pathway.models.preferences import DIGEST_HOUR, PLAIN_ADDRESS, MessageSettings, PersonalChannel
from pathway.models.proposals import Proposal, ProposalGround, ProposalStatus
from pathway.models.records import (
    Erasure,
    LegalHold,
    Merge,
    MergeRow,
    MergeStatus,
    PatientNumber,
    RetentionPolicy,
    Transfer,
    TransferStatus,
)
from pathway.models.reminders import (
    ClockHold,
    Delivery,
    DeliveryStatus,
    Dispatch,
    Heartbeat,
    OutboxHold,
    Reminder,
    SweepRun,
    Urgency,
    delivery_key,
    digest_key,
)
from pathway.models.rulebook import (
    MeasureKind,
    ObservationKind,
    Rule,
    RuleSet,
    RuleSetUse,
    RuleSetVersion,
    SiteRuleSet,
)

__all__ = [
    "DIGEST_HOUR", "LIVE", "LIVE_TASK", "OWN_LADDER", "PLAIN_ADDRESS", "AccessReview", "Activity", "Administration",
    "Alert", "AlertStatus", "ApiToken", "Audience", "AuditEvent", "AuditSeal", "CalendarFeed", "CareTask",
    "CareTeamMember", "ChecklistAnswer", "ChecklistItem", "ClockHold", "Closure", "Cover", "Delivery",
    "DeliveryStatus", "Dispatch", "Doubt", "EducationGiven", "EmergencyGrant", "EmergencyReason", "Enrollment",
    "EnrollmentStatus", "Episode", "Erasure", "Evidence", "ExerciseItem", "Finding", "Heartbeat", "Hit", "InfoText",
    "Intervention", "InterventionKind", "Judgement", "Ladder", "LegalHold", "LinkKind", "Measure", "MeasureKind",
    "Membership", "Merge", "MergeRow", "MergeStatus", "MessageSettings", "Notice", "Observation", "ObservationItem",
    "ObservationKind", "ObservationStatus", "OutboxHold", "Pathway", "PathwayVersion", "Patient", "PatientNumber",
    "PersonalChannel", "Policy", "Proposal", "ProposalGround", "ProposalStatus", "Purpose", "QualityFlag",
    "Release", "Reminder", "Restriction", "RestrictionEffect", "RetentionPolicy", "Route", "RouteMode", "RowMode",
    "Rule", "RuleSet", "RuleSetUse", "RuleSetVersion", "Rung", "Scope", "Shift", "Sight", "SignInAttempt", "Site",
    "SiteActivity", "SiteRuleSet", "Stage", "StageActivity", "Statement", "StatementLink", "Stay", "SweepRun",
    "TaskGround", "TaskStatus", "TeachBack", "Topic", "Track", "Transfer", "TransferStatus", "Urgency", "User",
    "VersionStatus", "delivery_key", "digest_key",
]  # fmt: skip
