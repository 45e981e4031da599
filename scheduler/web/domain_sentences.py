"""The sentences by which the domain refuses input (`Invalid.errors`), for the translators' tools to find.

The domain knows no gettext: it writes English sentences, which are message ids. A test compares this list with it.
"""

from flask_babel import lazy_gettext as _l

SENTENCES = (
    _l("A record cannot be merged with itself."),
    _l("An IMS treatment stays in its group."),
    _l("Answer yes or no."),
    _l("Begin and end are the same."),
    _l("Choose 1 to 12 visits."),
    _l("Choose English or French."),
    _l("Choose a time zone like America/Toronto."),
    _l("Choose at least one day of the week."),
    _l("Choose one of the practitioners."),
    _l("Choose one of the spacing groups."),
    _l("Choose receptionist, practitioner or owner."),
    _l("Enter a name."),
    _l("Give a name of 1 to 100 characters."),
    _l("Give a name of 1 to 80 characters."),
    _l("Give at least 1 day."),
    _l("Give 5 to 480 minutes, in steps of 5."),
    _l("Give hours and minutes only."),
    _l("Give the day you last had IMS or dry needling."),
    _l("IMS visits are never less than 7 days apart."),
    _l("One of the two has been merged already."),
    _l("Say that the two are one person."),
    _l("The clocks changed then: that time does not exist, or exists twice."),
    _l("The end is before the beginning."),
    _l("The last day is before the first one."),
    _l("There is a room of this name already."),
    _l("There is a spacing group of this name already."),
    _l("There is a token of this name already."),
    _l("There is somebody of this user name already."),
    _l("These hours overlap others. End those first."),
    _l("This birth date is in the future."),
    _l("This birth date is too long ago."),
    _l("This day is still to come. Give the day you last had IMS or dry needling."),
    _l("This is not your password."),
    _l("This is the last owner. Make somebody else an owner first."),
    _l("This is the password that you have now. Choose another."),
    _l("This is too long for a text."),
    _l("This name is too long: 100 letters at most."),
    _l("This note is too long: 2,000 letters at most."),
    _l("Use small letters, digits, dots and hyphens, at most 60."),
    _l("Write something first."),
    _l("You cannot do this to your own account. Ask another owner."),
)
PASSWORD_SENTENCES = (
    _l("Use at least 12 characters: three or four words do well."),
    _l("Use at most 200 characters."),
    _l("This password is among the first that anybody would try. Use three or four words that do not belong together."),
    _l("This password repeats itself too much. Use three or four words that do not belong together."),
    _l("This password is little more than a name that everybody here knows. Add some words of your own."),
)
SETTING_SENTENCES = (
    _l("Choose a province or territory."),
    _l("Choose English, French or both."),
    _l("Choose a time zone like America/Toronto."),
    _l("Choose owner or everybody."),
    _l("Type a number of days from 1 to 366."),
    _l("Type a number of hours from 0 to 720."),
    _l("Type a number of minutes from 0 to 43200."),
    _l("Type a number of parts from 0 to 10000000; 0 is no limit."),
    _l("Type a number of minutes from 1 to 120."),
    _l("Type a telephone number like 613-555-0100."),
    _l("Type a time like 21:00."),
    _l("Type days before the visit, 1 to 30, like 3,1."),
    _l("Type the clinic's address, at most 200 letters."),
    _l("Type the clinic's name, at most 80 letters."),
)
ROW_SENTENCES = (
    _l("Type a number of days from 0 to 365."),
    _l("Type a number of minutes from 0 to 120."),
    _l("Type a number of minutes from 5 to 480."),
    _l("Type a number from 0 to 999."),
)
