"""The form that takes a list of symbols: pasted, or as a file."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import FileExtensionValidator

from market.imports import watchlist

LARGEST = 2**20


class ListForm(forms.Form):
    text = forms.CharField(
        label="Symbols",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60, "spellcheck": "false"}),
        help_text="One a line, or parted by commas: AAPL, BRK.B, NASDAQ:MSFT. Vendors' spellings are known.",
    )
    file = forms.FileField(
        label="or a file",
        required=False,
        validators=[FileExtensionValidator(["csv", "tsv", "txt"])],
        help_text="As TradingView, IB, Yahoo or brokers export it, or a table with a column Symbol.",
    )

    def clean_file(self) -> "UploadedFile[Any] | None":
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > LARGEST:
            raise ValidationError("The file is larger than a list of symbols can be (1 MB).")
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        text, file = cleaned.get("text") or "", cleaned.get("file")
        try:
            parsed = watchlist.parse(watchlist.decoded(file.read()) if file else text)
        except ValueError as reason:
            raise ValidationError(str(reason)) from reason
        if not self.errors and not parsed.entries and not parsed.left_out:
            raise ValidationError("There is nothing in it. Paste symbols, or choose a file.")
        return cleaned | {"watchlist": parsed}
