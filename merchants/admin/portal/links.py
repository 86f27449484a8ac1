from __future__ import annotations

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from common.admin import tags, words
from common.admin.base import actor
from common.admin.files import ImportAdminMixin, ImportResource
from members.services import identities
from merchants.admin.links import COLOURS
from merchants.admin.site import site
from merchants.models import BrandMember, Club, Deed
from merchants.services import links

from .base import PortalReadOnlyAdmin, may, merchant_of, role_of


class BrandMemberRow(forms.Form):
    """One line of a file: a card of the brand, and what the brand knows of it."""

    external_card = forms.CharField(max_length=60)
    phone = forms.CharField(max_length=40, required=False)
    source = forms.ChoiceField(choices=BrandMember.Source.choices, required=False)
    level = forms.CharField(max_length=40, required=False)
    points = forms.IntegerField(min_value=0, max_value=10**12, required=False)
    membership = forms.CharField(max_length=60, required=False)

    def __init__(self, *args, clubs: dict[str, Club], **kwargs):
        super().__init__(*args, **kwargs)
        self.clubs = clubs

    def clean_phone(self):
        """Only the digest goes on from here."""
        phone = self.cleaned_data["phone"]
        digest = identities.digest(phone) if phone else ""
        if digest is None:
            raise ValidationError(gettext("Not a phone number."))
        return digest

    def clean_membership(self):
        name = self.cleaned_data["membership"]
        if name and name not in self.clubs:
            raise ValidationError(gettext("You have no brand's membership “%s”.") % name)
        if not name and len(self.clubs) != 1:
            raise ValidationError(gettext("Name the brand's membership."))
        return self.clubs[name] if name else next(iter(self.clubs.values()))


class BrandMemberResource(ImportResource):
    """Cards of the brand, always new rows or ones that wait; nothing of another merchant can be named."""

    row_form = BrandMemberRow
    external_card = Field("external_card", "external_card")

    class Meta:
        model = BrandMember
        name = _("members of the brand")
        fields = ("external_card", "source", "level_name", "points")
        import_id_fields = ("external_card",)
        force_init_instance = True
        use_bulk = True

    def __init__(self, *, merchant=None, **kwargs):
        super().__init__(**kwargs)
        self.merchant = merchant

    def prepare(self, dataset):
        rows = Club.objects.filter(merchant=self.merchant, scope=Club.Scope.BRAND).exclude(status=Club.Status.CLOSED)
        self.clubs = {club.name: club for club in rows.select_related("merchant")}
        self.met: set[tuple[int, str]] = set()

    def form_options(self):
        return {"clubs": self.clubs}

    def fill(self, instance, data):
        key = (data["membership"].pk, data["external_card"])
        if key in self.met:
            raise ValidationError({"external_card": gettext("This card stands in the file twice.")})
        self.met.add(key)
        instance.club, instance.external_card, instance.phone_digest = data["membership"], key[1], data["phone"]
        instance.source = data["source"] or BrandMember.Source.OFFLINE
        instance.level_name, instance.points = data["level"], data["points"] or 0

    def bulk_create(self, using_transactions, dry_run, raise_errors, batch_size=None, result=None):
        """The service keeps them, and matches them."""
        by_club: dict[int, list[BrandMember]] = {}
        for row in self.create_instances:
            by_club.setdefault(row.club_id, []).append(row)
        self.create_instances.clear()
        for rows in by_club.values():
            lines = [
                links.Line(row.external_card, row.phone_digest, row.source, row.level_name, row.points) for row in rows
            ]
            links.take_in(rows[0].club, lines, actor=self.actor, at=timezone.now())


@admin.register(BrandMember, site=site)
class BrandMemberAdmin(ImportAdminMixin, PortalReadOnlyAdmin):
    """The brand's members outside the platform, and whether they were found here. Who is meant by a conflict is not shown."""

    tenant = "club__merchant"
    import_permission = ""
    resource_classes = [BrandMemberResource]
    empty = _(
        "No member of the brand yet. Import a file with the columns external_card, phone, source, level and points; "
        "phones are kept as digests only, and only members are found who agreed to it."
    )
    list_display = ["external_card", "club", "source", "state", "level_name", "points_brought", "imported_at"]
    list_select_related = ["club"]
    list_filter = ["status", "source", "club"]
    search_fields = ["=external_card"]
    search_help_text = _("A card of the brand.")
    fields = ["club", ("external_card", "source"), "state", ("level_name", "points_brought"), "imported_at", "card"]
    readonly_fields = ["state", "points_brought"]

    def has_import_permission(self, request):
        return may(request, Deed.EDIT)

    def get_import_resource_kwargs(self, request, *args, **kwargs):
        merchant = merchant_of(request) if role_of(request) else None
        return {"actor": actor(request), "merchant": merchant}

    @tags.tagged(_("status"), COLOURS)
    def state(self, row):
        return row.status, row.get_status_display()

    @admin.display(description=_("points at the brand"), ordering="points")
    def points_brought(self, row):
        return words.number(row.points)
