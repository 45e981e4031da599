"""The tables. Importing this package makes `Base.metadata` whole."""

from scheduler.models.access import (
    ApiToken,
    BookingDraft,
    Heartbeat,
    IdempotentAnswer,
    RateCounter,
    RecoveryCode,
    SignInCode,
    StaffUser,
)
from scheduler.models.appointment import Appointment, AppointmentHistory, AppointmentNote, ImsAnswer, Screening
from scheduler.models.audit import AuditLine
from scheduler.models.base import Base
from scheduler.models.breach import Breach
from scheduler.models.calls import ReminderCall
from scheduler.models.clearance import ImsReview
from scheduler.models.clinic import (
    CalendarState,
    CardState,
    Closure,
    Practitioner,
    PractitionerTreatment,
    Room,
    SpacingGroup,
    TimeOff,
    Treatment,
    WorkingHours,
)
from scheduler.models.clinic_computer import ClinicComputer, ComputerSignIn
from scheduler.models.correction import CorrectionRequest
from scheduler.models.kept_form import KeptForm
from scheduler.models.known_browser import (
    ActingCode,
    BirthDateAsked,
    KnownBrowser,
    MayActFor,
    NumberRequest,
    PrivateVisit,
)
from scheduler.models.live_session import LiveSession
from scheduler.models.lock_box import LockBox, LockBoxOpening, LockBoxPerson
from scheduler.models.look import Look
from scheduler.models.moving_in import ImportedRow, ImportRun, PatientNumber
from scheduler.models.page_text import PageText
from scheduler.models.patient import Patient, PatientMerge, PhoneAccount
from scheduler.models.patient_search import PatientSearchWord, PhoneNumberEnding
from scheduler.models.replies import ReplyChoice
from scheduler.models.retention import RetentionAct, RetentionHold
from scheduler.models.setting import Setting
from scheduler.models.sms import EarlyReceipt, Message, Reminder, SmsSender
from scheduler.models.sms_text import SmsText
from scheduler.models.text_agreement import TextAgreement
from scheduler.models.visit_link import VisitLink
from scheduler.models.wrong_number import WrongNumber

__all__ = [
    "ActingCode",
    "ApiToken",
    "Appointment",
    "AppointmentHistory",
    "AppointmentNote",
    "AuditLine",
    "Base",
    "BirthDateAsked",
    "BookingDraft",
    "Breach",
    "CalendarState",
    "CardState",
    "ClinicComputer",
    "Closure",
    "ComputerSignIn",
    "CorrectionRequest",
    "EarlyReceipt",
    "Heartbeat",
    "IdempotentAnswer",
    "ImportRun",
    "ImportedRow",
    "ImsAnswer",
    "ImsReview",
    "KeptForm",
    "KnownBrowser",
    "LiveSession",
    "LockBox",
    "LockBoxOpening",
    "LockBoxPerson",
    "Look",
    "MayActFor",
    "Message",
    "NumberRequest",
    "PageText",
    "Patient",
    "PatientMerge",
    "PatientNumber",
    "PatientSearchWord",
    "PhoneAccount",
    "PhoneNumberEnding",
    "Practitioner",
    "PractitionerTreatment",
    "PrivateVisit",
    "RateCounter",
    "RecoveryCode",
    "Reminder",
    "ReminderCall",
    "ReplyChoice",
    "RetentionAct",
    "RetentionHold",
    "Room",
    "Screening",
    "Setting",
    "SignInCode",
    "SmsSender",
    "SmsText",
    "SpacingGroup",
    "StaffUser",
    "TextAgreement",
    "TimeOff",
    "Treatment",
    "VisitLink",
    "WorkingHours",
    "WrongNumber",
]
