"""What a text asks for, and what is left to people."""

import pytest

from scheduler.domain.reply import Reply, Wish, read_reply

CONFIRM, AGREE, MOVE, CHOOSE, WRONG = Wish


@pytest.mark.parametrize(
    "body",
    [
        "C",
        "c",
        " C. ",
        "c!",
        "confirm",
        "Confirmed.",
        "OUI C",
        "Ok, confirmed",
        "Je confirme",
        "I confirm my appointment",
        "confirmé",
        "Confirmée, merci beaucoup",
        "«C»",
        "“C”",
        "Ｃ",
        "C\n",
    ],
)
def test_this_confirms(body: str) -> None:
    assert read_reply(body) == Reply(CONFIRM)


@pytest.mark.parametrize("body", ["Ok", "OK 👍", "ok merci", "Okay, thanks!", "oui", "Oui oui"])
def test_this_agrees_to_what_was_asked_if_anything_was(body: str) -> None:
    assert read_reply(body) == Reply(AGREE)
    assert read_reply(f"{body} 2") == Reply(AGREE, 2)


@pytest.mark.parametrize("body", ["C 2", "c2", "C-2", "2 c", "C #2", "C2 merci", "confirmer 2", "C ٢"])
def test_this_confirms_the_second(body: str) -> None:
    assert read_reply(body) == Reply(CONFIRM, 2)


@pytest.mark.parametrize(
    "body",
    [
        "M",
        "m.",
        "move",
        "Déplacer",
        "DEPLACER svp",
        "Je voudrais déplacer mon rendez-vous",
        "I need to reschedule",
        "changer",
        "Can I move my appointment?",
        "reporter",
        "move it please",
    ],
)
def test_this_asks_to_move(body: str) -> None:
    assert read_reply(body) == Reply(MOVE)


def test_a_number_alone_answers_which() -> None:
    assert read_reply("2") == Reply(CHOOSE, 2)
    assert read_reply("2 please") == Reply(CHOOSE, 2)
    assert read_reply("M1") == Reply(MOVE, 1)


@pytest.mark.parametrize(
    "body",
    [
        "Wrong number",
        "sorry, wrong number!!",
        "Mauvais numéro",
        "C'est un faux numéro",
        "you have the wrong person",
        "Wrong phone number",
        "not the right number",
        "Vous avez le mauvais no.",
        "Vous vous trompez de numéro",
        "erreur de numéro",
    ],
)
def test_a_wrong_number_says_so(body: str) -> None:
    assert read_reply(body) == Reply(WRONG)


@pytest.mark.parametrize(
    "word", "STOP stop. STOPALL UNSUBSCRIBE Cancel END quit Arrêt START YES yes! UNSTOP HELP info AIDE".split()
)
def test_words_that_twilio_takes_are_none_of_ours(word: str) -> None:
    assert read_reply(word) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "   ",
        "👍",
        "?",
        "no",
        "non",
        "C 0",
        "C 10",
        "C 1 2",
        "12",
        "C 8 décembre",
        "ok but can I come at 5?",
        "I can't confirm",
        "not ok",
        "don't move it",
        "c'est trop tard",
        "je ne peux pas venir",
        "M 17h30",
        "move to Friday",
        "C M",
        "cc",
        "ok?no",
        "ne pas confirmer",
        "I am running late",
        "a" * 1600,
        "\x00",
    ],
)
def test_anything_else_is_for_people(body: str) -> None:
    assert read_reply(body) is None
