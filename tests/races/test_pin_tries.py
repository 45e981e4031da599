"""Wrong PINs at once are counted one by one: five are compared, whoever hurries."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import ClinicComputer, ComputerSignIn, StaffUser
from scheduler.usecases.staff import clinic_computers
from scheduler.usecases.staff.staff import hash_password
from tests.factories import NOW


def test_of_twenty_pins_tried_at_once_five_are_compared(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with Session(engine) as session:
        clinic_computers.register(session, name="Front desk", actor=Actor("staff", "owner"), now=NOW)
        computer = session.scalars(select(ClinicComputer.id)).one()
        person = StaffUser(
            username="robin",
            display_name="Robin",
            role="receptionist",
            password_hash="x",
            created_at=NOW,
            pin_hash=hash_password("472916"),
        )
        session.add(person)
        session.commit()
        staff_id = person.id
        clinic_computers.note_full_sign_in(session, computer_id=computer, staff_id=staff_id, now=NOW)
    compared: list[str] = []

    def compare(_hashed: str | None, typed: str) -> bool:
        compared.append(typed)
        return False

    monkeypatch.setattr(clinic_computers, "secret_matches", compare)
    left: list[int] = []
    together = threading.Barrier(2)

    def guess(first: int) -> None:
        together.wait()
        for number in range(first, first + 10):
            with Session(engine) as session, pytest.raises(clinic_computers.WrongPin) as wrong:
                clinic_computers.pass_pin(
                    session, computer_id=computer, staff_id=staff_id, pin=f"{number:06}", address="", now=NOW
                )
            left.append(wrong.value.left)

    threads = [threading.Thread(target=guess, args=(first,)) for first in (0, 500_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compared) == 5
    assert sorted(left) == [0] * 16 + [1, 2, 3, 4]
    with Session(engine) as session:
        assert session.scalars(select(ComputerSignIn.wrong_pins)).one() == 5
        with pytest.raises(clinic_computers.WrongPin):
            clinic_computers.pass_pin(
                session,
                computer_id=computer,
                staff_id=staff_id,
                pin="472916",
                address="",
                now=NOW + timedelta(hours=1),
            )
