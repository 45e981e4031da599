"""What a text asks for, and what is left to people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.folding import fold
from scheduler.domain.phone import inbound_word
from scheduler.domain.texts.reply import Reply, Wish, is_signed_stop, read_reply, without_signature

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


NAMES = {"jane", "d", "amico", "damico"}
SIGNATURES = [
    "Sent from my iPhone",
    "sent from my iphone.",
    "Sent from my iPhone 15 Pro Max",
    "Envoyé de mon iPhone",
    "Envoye\u0301 de mon iPad",
    "Envoyé depuis mon appareil mobile Samsung",
    "Envoyé à partir de mon cellulaire",
    "Sent from my Galaxy S21 Ultra 5G",
    "Sent from my Samsung Galaxy smartphone",
    "Sent from my Bell Samsung device over Canada's largest network.",
    "Sent from Outlook for iOS<https://aka.ms/o0ukef>",
    "Sent from Yahoo Mail on Android",
    "Get Outlook for Android<https://aka.ms/AAb9ysg>",
    "Télécharger Outlook pour iOS",
    "Envoyé à partir d’Outlook pour Android",
    "Sent from my Verizon, Samsung Galaxy smartphone",
    "--\nJane",
    "-- \nJane D'Amico",
    "—\nJane",
    "--\nJANE\n\nSent from my iPhone",
    "--",
]


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("between", ["\n", "\n\n", "\r\n", " \n \n"])
def test_a_signature_says_nothing(signature: str, between: str) -> None:
    for body, wish in (("C", CONFIRM), ("ok merci", AGREE), ("M", MOVE), ("wrong number", WRONG)):
        assert read_reply(body + between + signature, NAMES) == Reply(wish), body
    assert read_reply(f"C 2{between}{signature}\n", NAMES) == Reply(CONFIRM, 2)
    assert read_reply(f"Thank you,{between}c{between}{signature}", NAMES) == Reply(CONFIRM)
    assert read_reply(signature, NAMES) is None
    for body in ("but later please", "STOP", "YES", "HELP", "cancel", "no"):
        assert read_reply(body + between + signature, NAMES) is None, body


@pytest.mark.parametrize(
    "body",
    [
        "C\nbut I'd rather come later",
        "C\nJane",
        "C\n--\nLater",
        "C\n--\nnot Jane",
        "C\n--\nJane 5",
        "C\n--\nbut I'd rather come later\nSent from my iPhone",
        "C\nSent from my iPhone, but I'd rather come later",
        "C\nSent from my iPhone\nbut I'd rather come later",
        "C\nSent from my iPhone at 5",
        "C\nEnvoyé de mon iPhone à 17h",
        "C\nSent from my mother's phone",
        "C\nSent from my bed",
        "C\nSent from my",
        "C\nSent from 5",
        "C\nGet Outlook",
        "C\nGet me another day",
        "C Sent from my iPhone",
        "C\n--\nJane\n--\nFriday",
    ],
)
def test_what_is_no_signature_for_certain_is_for_people(body: str) -> None:
    assert read_reply(body, NAMES) is None


def test_a_name_that_is_not_known_may_be_a_word() -> None:
    assert read_reply("C\n--\nMay") is None
    assert read_reply("C\n--\nMay", {"may"}) == Reply(CONFIRM)


@pytest.mark.parametrize("body", ["STOP\nSent from my iPhone", "Arrêt.\n\nEnvoyé de mon iPad", "stop all\n--"])
def test_a_stop_above_a_signature_is_one(body: str) -> None:
    assert is_signed_stop(body) or inbound_word(body) is not None


@pytest.mark.parametrize(
    "body",
    ["STOP", "stop it\nSent from my iPhone", "CANCEL\nSent from my iPhone", "START\nSent from my iPhone", "C\n--", ""],
)
def test_this_is_no_stop_above_a_signature(body: str) -> None:
    assert not is_signed_stop(body)


_lines = st.sampled_from(
    ["C", "ok", "M 2", "STOP", "oui merci", "wrong number", "no", "but later", "5", "", "--", "Jane", *SIGNATURES]
)
_bodies = st.lists(_lines, max_size=6).map("\n".join)
_foreign = st.text(st.characters(categories=["L"]), min_size=2, max_size=12)


@given(_bodies | st.text())
def test_what_is_left_of_a_text_is_its_beginning_and_has_no_signature(body: str) -> None:
    left = without_signature(body, NAMES)
    assert body.splitlines()[: len(left.splitlines())] == left.splitlines()
    assert without_signature(left, NAMES) == left


@given(_bodies, st.sampled_from(SIGNATURES))
def test_a_signature_never_changes_what_a_text_means(body: str, signature: str) -> None:
    if "--" not in body and "—" not in body:  # below dashes a signature's words would be a name's
        assert read_reply(f"{body}\n{signature}", NAMES) == read_reply(body, NAMES)


@given(st.sampled_from(["C", "ok", "M", "C 2"]), st.sampled_from(SIGNATURES), _foreign, st.data())
def test_one_word_more_anywhere_leaves_it_to_people(body: str, signature: str, word: str, data: st.DataObject) -> None:
    """Any word that says nothing by itself in a reply or in a signature."""
    beside = (f"C {word}", f"M {word}", f"C\nSent from my iPhone {word}")
    harmless = any(read_reply(one) is not None for one in beside)
    words = f"{body}\n{signature}".split(" ")
    at = data.draw(st.integers(0, len(words)))
    if not harmless and fold(word).strip() and fold(word) not in NAMES:
        assert read_reply(" ".join([*words[:at], word, *words[at:]]), NAMES) is None


@given(st.text())
def test_what_follows_a_c_confirms_only_when_it_is_a_signature_or_says_nothing(rest: str) -> None:
    reply = read_reply(f"C\n{rest}", NAMES)
    assert reply in (None, Reply(WRONG)) or reply == read_reply(f"C {without_signature(rest, NAMES)}", NAMES)
