"""Pages of policies that come in editions: drafts are written, put in force by a second person, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.money import MoneyField
from common.admin.seen import SeenForm, agreed
from common.problems import Problem
from loyalty.models import Edition
from loyalty.services import editions

COLOURS = {"draft": tags.WAITING, "planned": tags.NEWS, "in_force": tags.GOOD, "past": ""}


class PublishForm(SeenForm):
    """From when on."""

    effective_at = forms.DateTimeField(
        label=_("in force from"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help_text=_("Empty: at once."),
    )


class PartInline(TabularInline):
    """Rows that are part of an edition; they can be touched as long as the edition is a draft."""

    extra = 0


class EditionAdmin(AuditedAdmin):
    """The editions of one policy, the newest first.

    A subclass gives `fieldsets` and `inlines`, and may say more in `says` (what an edition says, name by name: the
    page before publishing tells from it what changes) and in `consequences` (what publishing does).
    Publishing asks for the permission `publish_<model>` (config/roles.py).
    """

    list_display = ["title", "state_label", "note", "effective_at", "drafted_by", "published_by"]
    list_display_links = ["title"]
    list_filter = ["status"]
    list_select_related = ["drafted_by", "published_by"]
    search_fields = ["note", "=number"]
    search_help_text = _("Words of what is new, or the edition's number.")
    actions_detail: Sequence[str] = ["publish", "draft_from"]
    settled_fieldsets: Sequence[Any] = ()
    readonly_fields: Sequence[str] = [
        "state_label", "effective_at", "drafted_by", "drafted_at", "published_by", "published_at",
    ]  # fmt: skip
    origin = (
        _("Who and when"),
        {
            "fields": [
                ("state_label", "effective_at"),
                ("drafted_by", "drafted_at"),
                ("published_by", "published_at"),
            ]
        },
    )

    def get_queryset(self, request):
        """Each row knows which edition is in force."""
        current = self.model._default_manager.in_force(timezone.now()).values("pk")[:1]
        return super().get_queryset(request).annotate(current_id=Subquery(current))

    def get_fieldsets(self, request, obj=None):
        """What is settled may be said in words above (`settled_fieldsets`); the form is for drafts."""
        if self.settled_fieldsets and not self._is_edited(request, obj):
            return [*self.settled_fieldsets, self.origin]
        return [*self.fieldsets, self.origin] if obj else self.fieldsets

    def get_inlines(self, request, obj):
        return self.inlines if self._is_edited(request, obj) or not self.settled_fieldsets else []

    def _is_edited(self, request, obj) -> bool:
        return obj is None or self.has_change_permission(request, obj)

    # What may be done ---------------------------------------------------------------------------------------

    def has_change_permission(self, request, obj=None):
        """Only drafts can be changed."""
        return (obj is None or obj.is_draft) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        """Only drafts can be thrown away."""
        return obj is not None and obj.is_draft and super().has_delete_permission(request, obj)

    def has_publish_permission(self, request: HttpRequest, object_id=None) -> bool:
        """Whoever puts this policy in force, for a draft; the service asks for a second person."""
        may = request.user.has_perm(f"{self.opts.app_label}.publish_{self.opts.model_name}")
        return may and self.model._default_manager.filter(pk=object_id, status=Edition.Status.DRAFT).exists()

    def has_draft_from_permission(self, request: HttpRequest, object_id=None) -> bool:
        """Whoever may write a draft."""
        return self.has_add_permission(request)

    # What it shows ------------------------------------------------------------------------------------------

    @admin.display(description=_("edition"), ordering="number")
    def title(self, edition):
        return str(edition)

    @tags.tagged(_("state"), COLOURS)
    def state_label(self, edition):
        if edition.is_draft:
            return "draft", gettext("Draft")
        if edition.effective_at > timezone.now():
            return "planned", gettext("In force from %s") % words.instant(edition.effective_at)
        return ("in_force", gettext("In force")) if edition.pk == edition.current_id else ("past", gettext("Replaced"))

    def says(self, edition: Edition) -> dict[Any, Any]:
        """What the edition says: by field, in the form's words."""
        shown = getattr(self.form, "base_fields", {})
        hidden = {edition._meta.pk.name, "note"}
        fields = [field for field in edition._meta.fields if field.editable and field.name not in hidden]
        return {
            str(shown[field.name].label if field.name in shown else field.verbose_name): _value(
                edition, field, shown.get(field.name)
            )
            for field in fields
        }

    def consequences(self, edition: Edition) -> list[Any]:
        """What happens when it comes into force, in sentences."""
        return []

    # What it does -------------------------------------------------------------------------------------------

    def save_model(self, request, obj, form, change):
        """Whoever touched a draft last is its author: another person puts it in force."""
        obj.drafted_by, obj.drafted_at = request.user, timezone.now()
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        """A draft may be unfinished, but its author is told."""
        super().save_related(request, form, formsets, change)
        for fault in form.instance.faults():
            messages.warning(request, fault)

    @action(description=_("Put in force"), icon="play_circle", permissions=["publish"])
    def publish(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what changes, ask from when on, then let the service put the draft in force."""
        edition = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = PublishForm(request.POST or None, initial={"seen": _mark(edition)})
        if form.is_valid():
            at = timezone.now()
            try:
                with transaction.atomic():
                    draft = agreed(request, edition, _mark)
                    if draft is not None:
                        draft = editions.publish(draft, actor(request), form.cleaned_data["effective_at"] or at, at)
                        messages.success(request, gettext("In force from %s.") % words.instant(draft.effective_at))
                        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)
                edition = self.get_queryset(request).get(pk=object_id)
                form = PublishForm(initial={"seen": _mark(edition)})
            except Problem as problem:
                refuse(request, problem)
        return self._ask_to_publish(request, edition, form)

    def _ask_to_publish(self, request, edition, form):
        current = editions.in_force(self.model, timezone.now())
        if edition.drafted_by_id == request.user.pk:
            messages.warning(request, gettext("You wrote this draft. Somebody else has to put it in force."))
        for fault in edition.faults():
            messages.warning(request, fault)
        return confirm.page(
            self,
            request,
            edition,
            title=gettext("Put in force?"),
            says=[
                gettext("From then on this edition never changes: a correction is a new edition."),
                *self.consequences(edition),
            ],
            facts=[
                (gettext("Written by"), edition.drafted_by or "–"),
                (gettext("Replaces"), current or gettext("nothing: it is the first one")),
                *self._changes(current, edition),
            ],
            submit=gettext("Put in force"),
            form=form,
        )

    def _changes(self, current: Edition | None, edition: Edition) -> list[tuple[Any, Any]]:
        """What differs from the edition in force, name by name; everything if there is none."""
        then = self.says(edition)
        if current is None:
            return list(then.items())
        now = self.says(current)
        names = [*then, *(name for name in now if name not in then)]
        return [
            (name, format_html("{} → <strong>{}</strong>", now.get(name, "–"), then.get(name, "–")))
            for name in names
            if now.get(name) != then.get(name)
        ]

    @action(description=_("New draft from this"), icon="edit_note", permissions=["draft_from"])
    def draft_from(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A new draft that says the same, to be changed."""
        edition = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method != "POST":
            says = [gettext("A new draft says what this edition says. Nothing changes until it is put in force.")]
            return confirm.page(
                self, request, edition, title=gettext("New draft from this?"), says=says, submit=gettext("New draft")
            )
        draft = editions.draft_from(edition, actor(request), timezone.now())
        messages.success(request, gettext("The draft is there. Change it, then let a colleague put it in force."))
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", draft.pk)


def _mark(edition: Edition) -> str:
    """Every edit of a draft writes when."""
    return edition.drafted_at.isoformat()


def _value(edition: Edition, field, form_field: forms.Field | None) -> Any:
    """A field's value as a person would write it."""
    value = field.value_from_object(edition)
    if isinstance(form_field, MoneyField):
        return words.money(value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if field.choices:
        return dict(field.flatchoices).get(value, value)
    return words.number(value) if isinstance(value, int) else value or "–"
