"""The bodies of a list's import: symbols as text, and what became of each line."""

from typing import Any

from rest_framework import serializers

from core.api.bodies import Body
from core.api.refusals import IMPOSSIBLE
from market.imports import watchlist as lists
from market.imports.master.adding import Candidate


class ImportSerializer(Body):
    text = serializers.CharField(
        max_length=2**20,
        trim_whitespace=False,
        help_text="Symbols parted by commas or line ends, or a table, as other programs export them.",
    )
    look = serializers.BooleanField(default=False, help_text="Only say what it would come to.")

    def validate_text(self, text: str) -> lists.Watchlist:
        try:
            return lists.parse(text)
        except ValueError as reason:
            raise serializers.ValidationError(str(reason), code=IMPOSSIBLE) from None


class CandidateSerializer(serializers.Serializer[Candidate]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    group = serializers.CharField(source="entry.group")
    becomes = serializers.CharField(help_text="What adding it does, in words.")
    reason = serializers.CharField(help_text="Why; empty for what goes without saying.")
    is_added = serializers.BooleanField(help_text="False: it is refused.")


class LeftOutSerializer(serializers.Serializer[Any]):
    given = serializers.CharField(help_text="As it stands in the text.")
    reason = serializers.CharField(help_text="Why, and what it looks like.")


class ImportedSerializer(serializers.Serializer[Any]):
    """What became of each line of a list: nothing is left out without being named."""

    instruments = CandidateSerializer(many=True)
    left_out = LeftOutSerializer(many=True)
    already = serializers.ListField(child=serializers.CharField(), help_text="Those that the list had.")
