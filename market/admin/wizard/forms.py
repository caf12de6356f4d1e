"""What is entered in the wizard's first two steps."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import FileExtensionValidator
from django.template.defaultfilters import filesizeformat

from market.admin.forms import SymbolField
from market.imports.csvfile import presets
from market.imports.csvfile.layout import PRICES
from market.imports.csvfile.preview import CHOICES, NOT_NEEDED
from market.prices import Timeframe

LARGEST = 64 * 2**20
LARGEST_TABLE = 16 * 2**20  # of files that take a hundred times as long to read as a text
TABLES = (".xlsx", ".parquet")
KINDS = ["csv", "tsv", "txt", "asc", "gz", "zip", "xlsx", "parquet"]
COMMON_ZONES = ["America/New_York", "UTC", "Europe/London", "Europe/Berlin", "Asia/Tokyo"]
AS_READ = ("", "as the file shows")


@cache
def zones() -> list[tuple[str, Any]]:
    common = [(name, name) for name in COMMON_ZONES]
    others = [(name, name) for name in sorted(available_timezones() - {*COMMON_ZONES})]
    return [("", "each time names its own, or they are dates"), ("Common", common), ("All", others)]


class UploadForm(forms.Form):
    file = forms.FileField(
        validators=[FileExtensionValidator(KINDS)],
        help_text="CSV or another text, also in .gz or .zip (of one file or several), .xlsx or .parquet.",
    )

    def clean_file(self) -> "UploadedFile[Any]":
        file: UploadedFile[Any] = self.cleaned_data["file"]
        is_table = str(file.name).lower().endswith(TABLES)
        largest = LARGEST_TABLE if is_table else LARGEST
        if (file.size or 0) > largest:
            other = "save it as CSV" if is_table else "use manage.py import_candles"
            raise ValidationError(f"The file is larger than {filesizeformat(largest)}: {other}.")
        return file


class LayoutForm(forms.Form):
    """What the file as a whole is. `columns` are named above the preview, each in a field of its own."""

    symbol = SymbolField(
        required=False,
        max_length=16,
        help_text="Whose bars these are, unless a column or the names of several files say so.",
    )
    timeframe = forms.ChoiceField(
        choices=[(timeframe.value, timeframe.value) for timeframe in Timeframe if not timeframe.built_from],
        help_text="1h and 1w are built from 15m and 1d.",
    )
    zone = forms.ChoiceField(
        label="Time zone", choices=zones, required=False, help_text="Of times that are written without one."
    )
    stamps = forms.ChoiceField(
        label="Times say",
        choices=[("", "as usual in such files"), ("open", "when bars open"), ("close", "when bars close")],
        required=False,
    )
    preset = forms.ChoiceField(
        label="Shape of",
        choices=[AS_READ, *((preset.name, f"{preset.title} ({preset.name})") for preset in presets.PRESETS)],
        required=False,
        help_text="Whose files without a header look like this. It says what the columns are.",
    )
    date_order = forms.ChoiceField(
        label="Dates begin with",
        choices=[AS_READ, ("month", "the month: 01/31/2024"), ("day", "the day: 31/01/2024")],
        required=False,
    )
    decimal = forms.ChoiceField(
        label="Decimal mark", choices=[AS_READ, (".", "a point"), (",", "a comma")], required=False
    )
    delimiter = forms.ChoiceField(
        label="Columns are parted by",
        choices=[
            AS_READ,
            (",", "commas"),
            (";", "semicolons"),
            ("\\t", "tabs"),
            ("|", "bars"),
            ("\\s", "spaces"),
        ],
        required=False,
    )
    skip = forms.IntegerField(
        label="Lines to leave out", min_value=0, max_value=1000, required=False, help_text="Before the table."
    )

    def clean_delimiter(self) -> str:
        return str(self.cleaned_data["delimiter"]).replace("\\t", "\t").replace("\\s", " ")


class ColumnForm(forms.Form):
    """One select for each column, above it."""

    def __init__(self, columns: list[str], *args: Any, is_preset: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_preset = is_preset  # and says what they are
        choices = [(name, "not needed" if name == NOT_NEEDED else name) for name in CHOICES]
        for number, what in enumerate(columns):
            field = forms.ChoiceField(label=f"Column {number + 1}", choices=choices, initial=what)
            field.widget.attrs["aria-label"] = field.label
            self.fields[f"column_{number}"] = field

    @property
    def columns(self) -> list[str]:
        return [self.cleaned_data[name] for name in self.fields]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        chosen = [what for what in cleaned.values() if what != NOT_NEEDED]
        if twice := sorted({what for what in chosen if chosen.count(what) > 1}):
            raise ValidationError(f"Two columns are called {', '.join(twice)}.")
        missing = [what for what in PRICES if what not in chosen]
        if not {"date", "time"}.intersection(chosen):
            missing.insert(0, "date")
        if missing and not self.is_preset:
            raise ValidationError(f"Say which column is {', '.join(missing)}.")
        return cleaned
