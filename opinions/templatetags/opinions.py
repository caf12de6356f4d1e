"""Second opinions, as the pages show them."""

from django import template

from opinions import formatting as opinion_formatting

register = template.Library()
register.simple_tag(opinion_formatting.stance, name="stance")
register.simple_tag(opinion_formatting.doubts, name="doubts")
register.filter("analyst", opinion_formatting.analyst)
