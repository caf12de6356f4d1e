"""What people see and do under /admin/ beside the apps' pages: one file per noun."""

from allauth.account import admin as account_admin
from allauth.mfa import admin as factor_admin
from django.contrib import admin

from jaxsite.admin import changes, queue, tokens, users

__all__ = ["changes", "queue", "tokens", "users"]

# E-mail addresses, which are not used, and factors, whose secrets no user may see.
admin.site.unregister([account_admin.EmailAddress, factor_admin.Authenticator])
