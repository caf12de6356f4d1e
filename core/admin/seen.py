"""Forms that know what was shown when they were filled in, so that two editors of one row lose nothing."""

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import QueryDict

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


class SeenForm(ModelForm):
    """Sends along what it showed: only what was changed in it counts, unless it has changed meanwhile.

    What was typed stays in the form, beside what another has written; saving once more replaces that.
    """

    compared: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored: dict[str, Any] = {name: self._stored(name) for name in self.compared}
        for name in self.fields.keys() & {*self.compared}:
            self.fields[name].show_hidden_initial = True
            if self.instance.pk:
                self.initial.setdefault(name, self.stored[name])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk:
            for name in [name for name in self.compared if name in self.changed_data and name in cleaned]:
                self._compare(name, cleaned[name])
        return cleaned

    def _compare(self, name: str, value: Any) -> None:
        bound = self[name]
        shown = bound.field.to_python(self.data.get(bound.html_initial_name, ""))
        if self.stored[name] in (shown, value):
            return
        data = cast(QueryDict, self.data).copy()
        data[bound.html_initial_name] = bound.field.prepare_value(self.stored[name]) or ""
        self.data = data
        self.add_error(name, ValidationError(meanwhile(self.stored[name]), code="stale"))

    def _stored(self, name: str) -> Any:
        instance: Model = self.instance
        return getattr(instance, name)


def meanwhile(value: object) -> str:
    """Return what another user has made of a field, and what saving again does."""
    now = f"made this “{value}”" if value else "emptied this"
    return f"Someone else has {now} meanwhile. Save again to replace it."
