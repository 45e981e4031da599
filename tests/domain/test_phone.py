import pytest

from scheduler.domain.phone import InboundWord, inbound_word, masked


@pytest.mark.parametrize(
    "body",
    "STOP|stop| Stop \n|STOP.|Stop!|stop all|STOPALL|unsubscribe|Cancel|end|QUIT|arret|Arrêt|ARRÊT|«arrêt»".split("|"),
)
def test_words_that_stop_messages(body):
    assert inbound_word(body) == InboundWord.STOP


def test_an_accent_sent_as_a_letter_of_its_own_does_not_matter():
    assert inbound_word("arre\u0302t") == InboundWord.STOP


@pytest.mark.parametrize("body", ["START", "unstop", "Yes", "yes!"])
def test_words_that_start_them_again(body):
    assert inbound_word(body) == InboundWord.START


@pytest.mark.parametrize("body", ["HELP", "info", "Aide", "help?"])
def test_words_that_ask_for_help(body):
    assert inbound_word(body) == InboundWord.HELP


@pytest.mark.parametrize("body", ["", "   ", "👍", "please stop", "stop it", "I can't come", "yes please", "oui", "C"])
def test_anything_else_is_a_message_for_the_desk(body):
    assert inbound_word(body) is None


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+14165550142", "•••-•••-0142"), ("(416) 555-0142", "•••-•••-0142"), ("0142", "•••"), ("", "•••")],
)
def test_a_masked_number_shows_its_last_four_digits_at_most(number, shown):
    assert masked(number) == shown
