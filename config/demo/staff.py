"""The demo's sign-ins. Their passwords are printed and the same everywhere: for a demo only."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.core.management import call_command

from common.models import Staff
from merchants.models import Merchant, StaffRole

PASSWORD = "demo-only"
OPERATORS = {
    "olivia": ("operations", "writes rules and campaigns"),
    "felix": ("finance", "puts them in force, adjusts points"),
    "rita": ("risk", "looks at what was refused"),
    "sam": ("support", "answers members"),
}
Role = StaffRole.Role
MERCHANTS = {
    "lan": ("lantu", Role.OWNER),
    "leo": ("lantu", Role.OPERATOR),
    "fay": ("lantu", Role.FINANCE),
    "vic": ("lantu", Role.VIEWER),
    "mo": ("moxiang", Role.OWNER),
}


@dataclass(frozen=True)
class SignIn:
    """What to type, where, and who that is."""

    username: str
    site: str
    words: str


def hire() -> list[SignIn]:
    """One person for each role, an administrator, and the people of two merchants; made once, then left as they are."""
    call_command("sync_roles", verbosity=0, stdout=_Silence())
    signs = [SignIn("admin", "/admin/", "administrator, may do everything")]
    _employ("admin", Staff.Site.OPERATORS, is_superuser=True)
    for name, (role, words) in OPERATORS.items():
        person = _employ(name, Staff.Site.OPERATORS)
        person.groups.add(Group.objects.get(name=role))
        signs.append(SignIn(name, "/admin/", f"{role}: {words}"))
    for name, (code, role) in MERCHANTS.items():
        merchant = Merchant.objects.get(code=code)
        person = _employ(name, Staff.Site.MERCHANTS)
        person.groups.add(Group.objects.get(name="merchant"))
        StaffRole.objects.get_or_create(staff=person, defaults={"merchant": merchant, "role": role})
        signs.append(SignIn(name, "/merchant/", f"{role} of {merchant.name}"))
    return signs


def find(username: str) -> Staff:
    """One of them."""
    return Staff.objects.get(username=username)


def _employ(username: str, site: str, *, is_superuser: bool = False) -> Staff:
    person, created = Staff.objects.get_or_create(
        username=username,
        defaults={"site": site, "is_staff": True, "is_superuser": is_superuser, "first_name": username.title()},
    )
    if created:
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
    return person


class _Silence:
    """Takes what a command says and keeps it to itself."""

    def write(self, text: str) -> None:
        pass
