"""Forms of the desk's account and settings pages."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField, ValidationError

from scheduler.domain.errors import Invalid
from scheduler.web.forms.fields import tidy


class DeskForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    """access.py checks the CSRF token of every page."""

    class Meta:
        csrf = False

    def show_refusal(self, refused: Invalid) -> None:
        """The domain's sentences, beside the fields they are about."""
        for name, sentence in refused.errors.items():
            field = self[name] if name in self else next(iter(self))
            field.errors = [*field.errors, _(sentence)]


class PasswordForm(DeskForm):
    current = PasswordField(_l("Your password now"))
    new = PasswordField(_l("New password"))
    again = PasswordField(_l("New password, once more"))

    def validate_again(self, field: Field) -> None:
        if field.data != self.new.data:
            raise ValidationError(_("This is not the same as the new password above."))


class CodeForm(DeskForm):
    code = StringField(_l("The 6 digits that it shows"), filters=[tidy])


class ConfirmForm(DeskForm):
    """Before something weighty, the password once more."""

    password = PasswordField(_l("Your password"))


class PinForm(DeskForm):
    pin = StringField(_l("New PIN, 6 digits"), filters=[tidy])
    current = PasswordField(_l("Your password"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.current.id = "pin-current"  # another form of the page has the name as well


class PasswordAgainForm(DeskForm):
    """A field of its own name: it is sent along with another form's."""

    password_again = PasswordField(_l("Your password"))


def meanwhile(form: DeskForm, now: dict[str, str], typed: dict[str, str]) -> list[str]:
    """What somebody else has set while this form was open: the field, and what stands there now."""
    return [
        _("%(field)s: now %(value)s", field=form[name].label.text, value=value or "–")
        for name, value in now.items()
        if name in form and value != typed.get(name)
    ]
