"""What strategies said, as the pages show it."""

from django import template

from signals import words

register = template.Library()
register.simple_tag(words.side, name="side")
register.simple_tag(words.strategy, name="strategy")
register.simple_tag(words.stance, name="stance")
register.simple_tag(words.doubts, name="doubts")
register.filter("analyst", words.analyst)
