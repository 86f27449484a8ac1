from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Merchant(models.Model):
    """A company that sells on the marketplace, with one or more stores."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    active = models.BooleanField(
        _("its staff may enter"),
        default=True,
        help_text=_("Switched off, its staff see and do nothing from that moment on. Orders and cards go on."),
    )
    contact = models.CharField(
        _("contact"),
        max_length=200,
        blank=True,
        help_text=_("Whom members may ask about their data; shown where they give consent (PIPL 23)."),
    )

    class Meta:
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")
        ordering = ["code"]

    def __str__(self):
        return self.name


class Deed(models.TextChoices):
    """What somebody may do at the merchants' site."""

    LOOK = "look", _("Look at everything of the merchant")
    EDIT = "edit", _("Edit memberships, prices, segments and drafts of campaigns")
    INSIGHT = "insight", _("Look at what consenting members bought")
    START = "start", _("Start and stop what spends points")
    BUY = "buy", _("Buy points")


class StaffRole(models.Model):
    """What a member of staff may do for one merchant."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        OPERATOR = "operator", _("Operator")
        FINANCE = "finance", _("Finance")
        VIEWER = "viewer", _("Viewer")

    staff = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="merchant_role", verbose_name=_("staff member")
    )
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="staff_roles", verbose_name=_("merchant"))
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.VIEWER)

    class Meta:
        verbose_name = _("merchant's staff member")
        verbose_name_plural = _("merchants' staff")

    def __str__(self):
        return f"{self.staff} ({self.get_role_display()})"

    def may(self, deed: str) -> bool:
        """Whether the role allows the deed."""
        return deed in _DEEDS[self.role]


_DEEDS: dict[str, frozenset[str]] = {
    StaffRole.Role.OWNER: frozenset(Deed.values),
    StaffRole.Role.OPERATOR: frozenset({Deed.LOOK, Deed.EDIT, Deed.INSIGHT}),
    StaffRole.Role.FINANCE: frozenset({Deed.LOOK, Deed.START, Deed.BUY}),
    StaffRole.Role.VIEWER: frozenset({Deed.LOOK}),
}
