"""Admin of users: one choice, the role, says what a user may do and whether the admin lets them in."""

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin.users import user_of
from jaxsite.auth.roles import ROLES, Role, role_of

OWN = "own"
OWN_CHOICE = "own choice of groups"
CHOICES = [(role.name, f"{role.name}: {role.may}") for role in ROLES.values()]


if TYPE_CHECKING:
    ModelForm = forms.ModelForm[User]
    Admin = auth_admin.UserAdmin[User]
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = UserChangeForm[User]
else:
    Admin = auth_admin.UserAdmin
    ModelForm, CreationForm, ChangeForm = forms.ModelForm, AdminUserCreationForm, UserChangeForm


class RoleForm(ModelForm):
    """A form of a user with the choice of a role; what follows from it is stored with the user."""

    role = forms.ChoiceField(choices=CHOICES, widget=forms.RadioSelect)

    @property
    def chosen(self) -> Role | None:
        return ROLES.get(self.cleaned_data["role"])

    def clean_role(self) -> str:
        name: str = self.cleaned_data["role"]
        if name in ROLES and (missing := ROLES[name].missing_groups()):
            raise forms.ValidationError(f"There is no group {' and '.join(sorted(missing))}: make it first.")
        return name

    def save(self, commit: bool = True) -> User:
        if self.chosen:
            self.chosen.set_flags(self.instance)
        return super().save(commit)

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]  # the admin calls it as save_m2m, after the row is stored
        if self.chosen:
            self.chosen.set_groups(self.instance)


class NewUserForm(RoleForm, CreationForm):
    pass


class ChangedUserForm(RoleForm, ChangeForm):
    role = forms.ChoiceField(
        choices=[*CHOICES, (OWN, f"{OWN_CHOICE}: those below")],
        widget=forms.RadioSelect,
        help_text="A role sets groups, staff and superuser status, and takes away permissions of one's own.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = role_of(self.instance)
        self.fields["role"].initial = role.name if role else OWN


admin.site.unregister(User)


@admin.register(User)
class UserAdmin(Admin):
    form = ChangedUserForm
    add_form = NewUserForm
    add_fieldsets = (
        (None, {"classes": ["wide"], "fields": ["username", "role"]}),
        ("Password", {"classes": ["wide"], "fields": ["usable_password", "password1", "password2"]}),
    )
    fieldsets = (
        (None, {"fields": ["username", "password", "is_active", "role"]}),
        ("Personal info", {"fields": ["first_name", "last_name", "email"]}),
        (
            OWN_CHOICE.capitalize(),
            {
                "classes": ["collapse"],
                "description": "Used with the role of that name only.",
                "fields": ["is_staff", "is_superuser", "groups", "user_permissions"],
            },
        ),
        ("Important dates", {"fields": ["last_login", "date_joined"]}),
    )
    list_display = ["username", "role", "is_active", "last_login"]

    @admin.display
    def role(self, user: User) -> str:
        role = role_of(user)
        return role.name if role else OWN_CHOICE

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups", "user_permissions")

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Offer the administrator's role to administrators only."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if "role" in form.base_fields and not user_of(request).is_superuser:
            field: Any = deepcopy(form.base_fields["role"])  # it is shared with the forms of others
            field.choices = [choice for choice in field.choices if choice[0] != "administrator"]
            form.base_fields["role"] = field
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return [] if user_of(request).is_superuser else ["is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    """Return whether a user is no administrator, or one asks who is one."""
    return not (user and user.is_superuser) or user_of(request).is_superuser
