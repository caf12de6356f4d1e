"""Signals as text, for templates."""

from django import template

from signals import formatting as signal_formatting

register = template.Library()
register.simple_tag(signal_formatting.side, name="side")
register.simple_tag(signal_formatting.strategy, name="strategy")
register.simple_tag(signal_formatting.page_address, name="signal_address")
