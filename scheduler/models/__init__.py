"""The tables. Importing this package makes `Base.metadata` whole."""

from scheduler.models.base import Base
from scheduler.models.clinic.clinic import (
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
from scheduler.models.clinic.page_text import PageText
from scheduler.models.clinic.setting import Setting
from scheduler.models.moving_in import ImportedRow, ImportRun, PatientNumber
from scheduler.models.patients.correction import CorrectionRequest
from scheduler.models.patients.known_browser import (
    ActingCode,
    BirthDateAsked,
    KnownBrowser,
    MayActFor,
    NumberRequest,
    PrivateVisit,
)
from scheduler.models.patients.patient import Patient, PatientMerge, PhoneAccount
from scheduler.models.patients.protection import LockBox, LockBoxOpening, LockBoxPerson
from scheduler.models.patients.retention import RetentionAct, RetentionHold
from scheduler.models.patients.search import PatientSearchWord, PhoneNumberEnding
from scheduler.models.staff.access import (
    ApiToken,
    BookingDraft,
    Heartbeat,
    IdempotentAnswer,
    RateCounter,
    RecoveryCode,
    SignInCode,
    StaffUser,
)
from scheduler.models.staff.audit import AuditLine
from scheduler.models.staff.breach import Breach
from scheduler.models.staff.clinic_computer import ClinicComputer, ComputerSignIn
from scheduler.models.staff.kept_form import KeptForm
from scheduler.models.staff.live_session import LiveSession
from scheduler.models.staff.look import Look
from scheduler.models.texts.calls import ReminderCall
from scheduler.models.texts.replies import ReplyChoice
from scheduler.models.texts.sms import EarlyReceipt, Message, Reminder, SmsSender
from scheduler.models.texts.sms_text import SmsText
from scheduler.models.texts.text_agreement import TextAgreement
from scheduler.models.texts.wrong_number import WrongNumber
from scheduler.models.visits.appointment import Appointment, AppointmentHistory, AppointmentNote, ImsAnswer, Screening
from scheduler.models.visits.ims_review import ImsReview
from scheduler.models.visits.visit_link import VisitLink

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
