from __future__ import annotations

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from common.admin.base import ReadOnlyAdmin
from common.admin.files import ExportAdminMixin, ImportAdminMixin, ImportResource
from common.services import audit
from members.models import CreditScore, Member
from members.services import credit


class CreditScoreRow(forms.Form):
    """One line of a file: whose score it is, how much, and as of when."""

    external_id = forms.CharField(max_length=100)
    score = forms.IntegerField(min_value=0, max_value=credit.MOST)
    at = forms.DateTimeField()

    def __init__(self, *args, members: dict[str, Member], **kwargs):
        super().__init__(*args, **kwargs)
        self.members = members

    def clean_external_id(self):
        member = self.members.get(self.cleaned_data["external_id"])
        if member is None:
            raise ValidationError(gettext("No such member: %s") % self.cleaned_data["external_id"])
        if member.status != Member.Status.ACTIVE:
            raise ValidationError(gettext("%s is no active member.") % member)
        return member

    def clean_at(self):
        if self.cleaned_data["at"] > timezone.now():
            raise ValidationError(gettext("This is in the future."))
        return self.cleaned_data["at"]


class CreditScoreResource(ImportResource):
    """External id, score, at: both ways."""

    row_form = CreditScoreRow
    taken = 0
    external_id = Field("member__external_id", "external_id")

    class Meta:
        model = CreditScore
        name = _("credit scores")
        fields = ("external_id", "score", "at")
        import_id_fields = ("external_id",)
        force_init_instance = True
        use_bulk = True

    def prepare(self, dataset):
        """The members that the file names, and what is known of them."""
        names = {str(name) for name in dataset["external_id"]}
        self.members = {member.external_id: member for member in Member.objects.filter(external_id__in=names)}
        known = CreditScore.objects.filter(member__in=self.members.values()).values_list("member_id", "at", "score")
        self.known = {(member_id, at): score for member_id, at, score in known}

    def form_options(self):
        return {"members": self.members}

    def fill(self, instance, data):
        """A score that is known is left out; another one for the same instant is refused."""
        instance.member, instance.score, instance.at = data["external_id"], data["score"], data["at"]
        known = self.known.setdefault((instance.member.pk, instance.at), None)
        if known not in (None, instance.score):
            raise ValidationError({"at": gettext("Another score is known for this instant: %s") % known})

    def skip_row(self, instance, original, row, import_validation_errors=None):
        if import_validation_errors:
            return False
        key = (instance.member.pk, instance.at)
        known, self.known[key] = self.known[key], instance.score
        return known == instance.score

    def bulk_create(self, using_transactions, dry_run, raise_errors, batch_size=None, result=None):
        """The service keeps them, and tells that they came."""
        words = [credit.Word(row.member, row.score, row.at) for row in self.create_instances]
        self.taken += len(words)
        self.create_instances.clear()
        credit.record(words, timezone.now())

    def after_import(self, dataset, result, **kwargs):
        summary = gettext("Imported %d credit scores.") % self.taken
        audit.record(self.actor, "members.credit.import", None, summary, timezone.now())


@admin.register(CreditScore)
class CreditScoreAdmin(ImportAdminMixin, ExportAdminMixin, ReadOnlyAdmin):
    """External credit scores as they were told to us."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_permission = "members.import_creditscore"
    resource_classes = [CreditScoreResource]
    empty = _("No credit score was sent yet. They come as member.credit_updated events, or as a file.")
    list_display = ["member", "score", "at"]
    list_select_related = ["member"]
    search_fields = ["=member__external_id", "member__name"]
    search_help_text = _("A member's external id or name.")
    date_hierarchy = "at"
