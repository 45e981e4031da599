"""The migrations, up and down, on both engines with data in the tables."""

from datetime import date, timedelta

import alembic.command
import alembic.config
import click
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.models import (
    Appointment,
    AppointmentHistory,
    AuditLine,
    Base,
    MayActFor,
    Message,
    Patient,
    PatientMerge,
    PhoneAccount,
    Practitioner,
    PractitionerTreatment,
    SpacingGroup,
    Treatment,
    VisitLink,
    WrongNumber,
)
from scheduler.models.constraints import missing
from scheduler.models.constraints.postgresql import EXCLUSIONS
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.support.engines import ROOT


@pytest.fixture
def full(engine: Engine) -> Engine:
    with Session(engine) as session:
        make_clinic(session)
        make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    return engine


def alembic_run(engine: Engine, command: str, target: str) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with engine.connect().execution_options(writing=True) as connection:
        config.attributes["connection"] = connection
        getattr(alembic.command, command)(config, target)
        connection.commit()


def test_down_and_up_again_leaves_the_schema_whole(full: Engine) -> None:
    alembic_run(full, "downgrade", "base")
    assert set(inspect(full).get_table_names()) <= {"alembic_version"}
    alembic_run(full, "upgrade", "head")
    with full.connect() as connection:
        assert missing(connection) == set()
        assert connection.execute(text("SELECT count(*) FROM calendar_state")).scalar_one() == 1


def test_models_and_migrations_agree(full: Engine) -> None:
    def ours(_object: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
        return not (kind == "index" and reflected and name in EXCLUSIONS)

    with full.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, Base.metadata) == []


def leave_behind(engine: Engine, *, too_near: bool) -> None:
    """A database of before 0014 in which a merged record still has a visit, on Monday at 10:00; with `too_near` the record
    that was kept has one at 12:00."""
    with Session(engine) as session:
        make_clinic(session)
        kept, merged = make_patient(session), make_patient(session)
        make_appointment(session, patient=merged, starts_local=local(MONDAY, "10:00"))
        if too_near:
            make_appointment(
                session, patient=kept, starts_local=local(MONDAY, "12:00"), practitioner="p2", room="Room 2"
            )
        ids = {"kept": kept.id, "merged": merged.id}
    alembic_run(engine, "downgrade", "0013")
    with Session(engine) as session:
        session.add(
            PatientMerge(
                kept_patient_id=ids["kept"], merged_patient_id=ids["merged"], merged_at=NOW, merged_by="x", moved={}
            )
        )
        session.commit()


def test_a_visit_left_on_a_merged_record_goes_to_the_one_that_was_kept(engine: Engine) -> None:
    leave_behind(engine, too_near=False)
    alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        (visit,) = session.scalars(select(Appointment))
        assert visit.patient_id == session.scalar(select(PatientMerge.kept_patient_id))
        assert (visit.version, visit.changed_by) == (2, "system:upgrade")
        assert len(session.scalars(select(AppointmentHistory)).all()) == 2


def test_one_that_is_too_near_there_stops_the_upgrade_by_name(engine: Engine) -> None:
    leave_behind(engine, too_near=True)
    with Session(engine) as session:
        merged = session.scalar(select(PatientMerge.merged_patient_id))
        (left,) = session.scalars(select(Appointment.public_id).where(Appointment.patient_id == merged))
    with pytest.raises(click.ClickException, match=rf"{left} \(treatment_spacing\)"):
        alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        merged = session.scalar(select(PatientMerge.merged_patient_id))
        assert session.scalar(select(Appointment.patient_id).where(Appointment.public_id == left)) == merged
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "0013"


def test_a_link_texted_before_the_upgrade_is_for_the_number_that_its_text_went_to(engine: Engine) -> None:
    """Also when its patient has another number by now; one that no text tells of works no more."""
    with Session(engine) as session:
        make_clinic(session)
        patient, other = make_patient(session), make_patient(session)
        visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
        old = patient.phone_account
        assert old
        texts = (("move-link", 0, 0), ("displaced", 1, 1), ("reply", 2, 2), ("move-link", 3, 4))
        for kind, made, texted in texts:
            session.add_all(
                (
                    VisitLink(
                        token_hash=kind + str(made),
                        appointment_id=visit.id,
                        schedule_version=1,
                        patient_id=patient.id,
                        phone_account_id=old.id,
                        created_at=NOW + timedelta(seconds=made),
                        expires_at=NOW + timedelta(hours=48),
                    ),
                    Message(
                        direction="out",
                        kind=kind,
                        number=old.number,
                        body="",
                        status="delivered",
                        created_at=NOW + timedelta(seconds=texted),
                        appointment_id=visit.id,
                        patient_id=patient.id,
                    ),
                )
            )
        patient.phone_account = other.phone_account
        session.commit()
        expected = [("displaced1", old.id), ("move-link0", old.id)]
    alembic_run(engine, "downgrade", "0017")
    assert "phone_account_id" not in {column["name"] for column in inspect(engine).get_columns("move_link")}
    alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        links = select(VisitLink.token_hash, VisitLink.phone_account_id).order_by(VisitLink.token_hash)
        assert [tuple(link) for link in session.execute(links)] == expected
        assert session.scalars(select(VisitLink.expires_at)).first() == NOW + timedelta(hours=48)


OLD_CLINICS = {  # treatments of before 0019: slug, names, whether it needles → its kind afterwards
    "one assessment": [
        ("ims-assessment", "Assessment", "Évaluation", False, "assessment"),
        ("ims", "IMS", "SIM", True, "ims"),
        ("follow-up", "Follow-up", "Suivi", False, "other"),
    ],
    "two of needling": [
        ("first", "First visit", "Bilan", False, "assessment"),
        ("ims", "IMS", "SIM", True, "ims"),
        ("dry", "Dry needling", "Aiguilles", True, "ims"),
    ],
    "several assessments": [
        ("long", "Assessment, long", "Évaluation", False, "other"),
        ("short", "Assessment, short", "Évaluation", False, "other"),
    ],
    "none": [("follow-up", "Follow-up", "Suivi", False, "other"), ("ims-2", "IMS", "SIM", False, "other")],
}
OLD_TREATMENT = text(
    "INSERT INTO treatment (slug, name_en, name_fr, minutes, buffer_minutes, needling, needs_clearance, online, position, "
    "spacing_group_id) VALUES (:slug, :english, :french, 30, 0, :needling, false, true, 9, "
    "(SELECT id FROM spacing_group WHERE needling = :needling))"
)


@pytest.mark.parametrize("treatments", OLD_CLINICS.values(), ids=OLD_CLINICS)
def test_treatments_of_before_get_their_kind(engine: Engine, treatments: list[tuple[str, str, str, bool, str]]) -> None:
    """And what never had an effect goes: IMS by somebody who may not needle."""
    alembic_run(engine, "downgrade", "0018")
    with Session(engine) as session:
        session.add_all(
            [
                SpacingGroup(slug="ims", name="IMS", min_days=7, needling=True),
                Practitioner(slug="p", given_name="P", family_name="P"),
            ]
        )
        session.flush()
        for slug, english, french, needling, _kind in treatments:
            session.execute(OLD_TREATMENT, {"slug": slug, "english": english, "french": french, "needling": needling})
        session.execute(text("DROP TRIGGER ims_by_who_may_needle_does" + on_table(engine, "practitioner_treatment")))
        session.execute(text("INSERT INTO practitioner_treatment SELECT p.id, t.id FROM practitioner p, treatment t"))
        session.commit()
    alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        found = {row.slug: row for row in session.scalars(select(Treatment))}
        assert {slug: row.kind for slug, row in found.items()} == {one[0]: one[4] for one in treatments}
        assert all(row.needs_clearance for row in found.values() if row.kind == "ims")
        done = session.scalars(select(PractitionerTreatment.treatment_id))
        assert set(done) == {row.id for row in found.values() if row.kind != "ims"}


def on_table(engine: Engine, table: str) -> str:
    return f" ON {table}" if engine.dialect.name == "postgresql" else ""


def test_treatments_keep_their_visits_when_they_get_a_kind(full: Engine) -> None:
    def visits() -> list[tuple[object, ...]]:
        with full.connect() as connection:
            asked = "SELECT a.id, t.slug, t.needling, d.practitioner_id FROM appointment a JOIN treatment t ON t.id = "
            does = "a.treatment_id JOIN practitioner_treatment d ON d.treatment_id = t.id ORDER BY d.practitioner_id"
            return [tuple(row) for row in connection.execute(text(asked + does))]

    before = visits()
    assert len(before) == 2
    alembic_run(full, "downgrade", "0018")
    assert visits() == before
    alembic_run(full, "upgrade", "head")
    assert visits() == before
    with full.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text("DELETE FROM treatment WHERE slug = 'ims'"))


def test_a_wrong_number_of_before_0020_is_one_of_each_patient_who_has_it(full: Engine) -> None:
    with Session(full) as session:
        said = make_patient(session).phone_account_id
        agreed = make_patient(session).phone_account_id
    alembic_run(full, "downgrade", "0019")
    with full.connect().execution_options(writing=True) as connection:
        change = "UPDATE phone_account SET {} WHERE id = {}"
        at = "'2026-11-01 10:00:00.000000'"
        connection.execute(text(change.format(f"wrong_number_at = {at}", said)))
        connection.execute(text(change.format(f"unreachable_at = {at}, unreachable_why = 'wrong number'", agreed)))
        connection.commit()
    alembic_run(full, "upgrade", "head")
    with Session(full) as session:
        marks = session.scalars(select(WrongNumber).order_by(WrongNumber.id)).all()
        assert {mark.phone_account_id: bool(mark.stopped_at) for mark in marks} == {said: False, agreed: True}
        assert session.get_one(PhoneAccount, agreed).unreachable_at is None
    alembic_run(full, "downgrade", "0019")
    with full.connect() as connection:
        row = "SELECT unreachable_why, wrong_number_at IS NULL FROM phone_account WHERE id = {}"
        assert connection.execute(text(row.format(agreed))).one() == ("wrong number", True)
        assert connection.execute(text(row.format(said))).one() == (None, False)


def test_a_calendar_address_that_should_have_ended_ends_with_the_upgrade(engine: Engine) -> None:
    with Session(engine) as session:
        make_clinic(session)
        moved, restricted, kept, merged, other = (make_patient(session) for _ in range(5))
        restricted.restricted_at = NOW
        session.add(AuditLine(at=NOW, actor="x", what="patient.changed", patient_id=moved.id, details="phone_account"))
        session.add(AuditLine(at=NOW, actor="x", what="patient.changed", patient_id=other.id, details="note"))
        session.add(
            PatientMerge(kept_patient_id=kept.id, merged_patient_id=merged.id, merged_at=NOW, merged_by="x", moved={})
        )
        session.commit()
        before = {each.id: each.feed_token for each in (moved, restricted, kept, other)}
        alone = other.id
    alembic_run(engine, "downgrade", "0018")
    alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        after = {each: session.get_one(Patient, each).feed_token for each in before}
    assert {each for each in before if after[each] == before[each]} == {alone}


def test_before_0027_children_are_acted_for_by_the_only_adult_on_the_number(full: Engine) -> None:
    born = {"adult": date(1980, 1, 1), "child": date(2020, 1, 1), "other": date(1981, 1, 1), "unknown": None}
    families = {
        "one adult": ("adult", "child"),
        "two": ("adult", "child", "other"),
        "who knows": ("adult", "child", "unknown"),
    }
    expected = set()
    with Session(full) as session:
        for name, members in families.items():
            made = [make_patient(session, birth_date=born[who]) for who in members]
            for each in made:
                each.phone_account_id = made[0].phone_account_id
            session.commit()
            if name == "one adult":
                expected = {(made[0].id, made[1].id, "child")}
    alembic_run(full, "downgrade", "0026")
    alembic_run(full, "upgrade", "head")
    with Session(full) as session:
        acting = session.execute(select(MayActFor.actor_id, MayActFor.patient_id, MayActFor.kind)).all()
        assert {tuple(row) for row in acting} == expected
