"""Users in admin: one choice of a role, from which groups and staff follow."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from jaxsite.auth.roles import ROLES, role_of

pytestmark = pytest.mark.django_db
ADD = "/admin/auth/user/add/"
PASSWORD = {"password1": "kept in a vault", "password2": "kept in a vault", "usable_password": "true"}


def add(client: Client, role: str, name: str = "tina") -> User | None:
    client.post(ADD, {"username": name, "role": role, **PASSWORD})
    return User.objects.filter(username=name).first()


def change(client: Client, user: User, **values: object) -> str:
    fields = {"username": user.username, "is_active": "on", "email": ""} | values
    sent = fields | {
        f"{name}_{part}": text
        for name, when in (("date_joined", user.date_joined),)
        for part, text in enumerate((f"{when:%Y-%m-%d}", f"{when:%H:%M:%S}"))
    }
    answer = client.post(f"/admin/auth/user/{user.pk}/change/", sent)
    user.refresh_from_db()
    return "" if answer.status_code == 302 else answer.content.decode()


@pytest.mark.parametrize(
    ("role", "groups", "is_staff", "is_superuser"),
    [
        ("viewer", ["viewer"], False, False),
        ("trader", ["trader"], False, False),
        ("operator", ["operator"], True, False),
        ("trader and operator", ["operator", "trader"], True, False),
        ("administrator", [], True, True),
    ],
)
def test_groups_and_staff_follow_from_the_role(
    admin_client: Client, role: str, groups: list[str], is_staff: bool, is_superuser: bool
) -> None:
    user = add(admin_client, role)
    assert user
    assert sorted(user.groups.values_list("name", flat=True)) == groups
    assert (user.is_staff, user.is_superuser) == (is_staff, is_superuser)


def test_no_user_is_made_without_a_role_and_each_says_what_it_may(admin_client: Client) -> None:
    page = admin_client.get(ADD).content.decode()
    assert all(role.may in page for role in ROLES.values())
    assert "checked" not in page.split("usable_password")[0], "none is chosen for you"
    assert add(admin_client, "") is None
    assert add(admin_client, "own") is None


def test_another_role_takes_away_what_the_first_one_gave(admin_client: Client) -> None:
    user = add(admin_client, "operator")
    assert user
    user.user_permissions.add(Permission.objects.get(codename="add_tradeapproval"))
    assert change(admin_client, user, role="trader") == ""
    assert [group.name for group in user.groups.all()] == ["trader"]
    assert not user.is_staff
    assert not user.user_permissions.exists()


def test_users_of_before_keep_their_own_choice_of_groups(admin_client: Client) -> None:
    night_watch = Group.objects.create(name="night watch")
    user = User.objects.create_user("ann", is_staff=True)
    user.groups.add(night_watch, Group.objects.get(name="trader"))
    assert "own choice of groups" in admin_client.get("/admin/auth/user/").content.decode()
    page = admin_client.get(f"/admin/auth/user/{user.pk}/change/")
    assert page.context["adminform"].form["role"].initial == "own"
    groups = [group.pk for group in user.groups.all()]
    assert change(admin_client, user, role="own", is_staff="on", groups=groups, first_name="Ann") == ""
    assert (user.first_name, user.is_staff, user.groups.count()) == ("Ann", True, 2)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_recognised_until_something_is_added(admin_client: Client, role: str) -> None:
    user = add(admin_client, role)
    assert user
    assert role_of(user) == ROLES[role]
    user.groups.add(Group.objects.create(name="night watch"))
    assert role_of(user) is None


def test_a_role_whose_group_was_deleted_is_refused(admin_client: Client) -> None:
    Group.objects.get(name="trader").delete()
    assert add(admin_client, "trader") is None


class TestStaff:
    """Staff that may manage users make none more powerful than themselves."""

    @pytest.fixture
    def clerk(self, client: Client) -> Client:
        user = User.objects.create_user("clerk", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(content_type__model="user"))
        client.force_login(user)
        return client

    def test_they_make_no_administrator(self, clerk: Client) -> None:
        assert "administrator:" not in clerk.get(ADD).content.decode()
        root = Client()
        root.force_login(User.objects.create_superuser("root"))
        assert "administrator:" in root.get(ADD).content.decode(), "what one is not offered, another still is"
        assert add(clerk, "administrator") is None
        assert add(clerk, "trader")

    def test_they_change_and_delete_no_administrator(self, clerk: Client) -> None:
        root = User.objects.create_superuser("root")
        change(clerk, root, role="viewer")
        clerk.post(f"/admin/auth/user/{root.pk}/password/", PASSWORD)
        clerk.post(f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"})
        root.refresh_from_db()
        assert root.is_superuser
        assert not root.check_password("kept in a vault")

    def test_they_make_nobody_a_superuser(self, clerk: Client) -> None:
        user = User.objects.create_user("ben")
        assert change(clerk, user, role="own", is_superuser="on") == ""
        assert not user.is_superuser
