from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags
from common.admin.base import actor, refuse
from common.admin.seen import SeenForm, agreed, whole
from common.problems import Problem
from merchants.admin import insight_words
from merchants.admin.site import site
from merchants.models import Deed, ProspectCount, ProspectOffer
from merchants.selectors import insights
from merchants.selectors import prospects as selector
from merchants.services import prospects

from .base import PortalAdmin, PortalReadOnlyAdmin, may, merchant_of
from .owned import OwnedForm, OwnedMixin

Status = ProspectOffer.Status


@admin.register(ProspectCount, site=site)
class ProspectCountAdmin(PortalReadOnlyAdmin):
    """How many members could become yours, by category."""

    looks = Deed.INSIGHT
    fields = ["category", "month", "least", "at"]

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        if not may(request, self.looks):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Prospects by category"),
            "bands": [insight_words.days_name(str(bound)) for bound in insights.DAYS],
            "offers_link": reverse("merchant:merchants_prospectoffer_changelist"),
        }
        try:
            context["rows"] = insight_words.prospects(prospects.counts(merchant_of(request), timezone.now()))
        except prospects.ProspectsUncounted as problem:
            context["refusal"] = problem.title
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "merchants/prospects.html", context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """A count has no page of its own."""
        if not may(request, self.looks):
            raise PermissionDenied
        if self.get_object(request, object_id) is None:
            raise Http404
        return redirect("merchant:merchants_prospectcount_changelist")


class ProspectOfferForm(OwnedForm):
    class Meta:
        model = ProspectOffer
        fields = ["club", "category", "title", "message", "starts_at", "ends_at"]


@admin.register(ProspectOffer, site=site)
class ProspectOfferAdmin(OwnedMixin, PortalAdmin):
    """What the marketplace shows to prospects for you. You learn who they are when they open a card."""

    edits = Deed.EDIT
    empty = _("No offer yet. The marketplace shows it to members who buy in a category and hold no card of yours.")
    form = ProspectOfferForm
    list_display = ["title", "category", "club", "status_label", "starts_at", "ends_at", "reach_label"]
    list_filter = ["status", "club"]
    list_select_related = ["club"]
    search_fields = ["title", "category"]
    search_help_text = _("A title or a category.")
    actions_detail = ["start", "stop"]
    readonly_fields = ["status_label", "reach_label"]
    fieldsets = [
        (None, {"fields": ["title", "message", ("club", "category"), ("starts_at", "ends_at")]}),
        (_("Where it stands"), {"fields": ["status_label", "reach_label"]}),
    ]

    def get_queryset(self, request):
        return selector.with_reach(super().get_queryset(request))

    def has_change_permission(self, request, obj=None):
        """What is shown to members is not changed any more."""
        return super().has_change_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)

    def _is(self, request, object_id, status: str) -> bool:
        offer = self.get_object(request, str(object_id)) if may(request, Deed.EDIT) else None
        return offer is not None and offer.status == status

    def has_begin_permission(self, request, object_id=None):
        return self._is(request, object_id, Status.DRAFT)

    def has_stop_permission(self, request, object_id=None):
        return self._is(request, object_id, Status.RUNNING)

    @tags.tagged(_("status"), {Status.DRAFT: tags.WAITING, Status.RUNNING: tags.GOOD, Status.STOPPED: tags.BAD})
    def status_label(self, offer):
        return offer.status, offer.get_status_display()

    @admin.display(description=_("shown to / joined"))
    def reach_label(self, offer):
        if offer.pk is None or offer.status == Status.DRAFT:
            return "–"
        return " / ".join(insight_words.about(members, selector.least()) for members in selector.reach(offer))

    @action(description=_("Start"), icon="play_circle", permissions=["begin"])
    def start(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let it be shown, after asking."""
        offer = self._of(request, object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, offer, whole)
                if draft is not None:
                    return self._do(request, draft, prospects.start, gettext("The offer is shown from now on."))
            offer = self._of(request, object_id)
        says = [
            gettext(
                "The marketplace shows it to members who buy in %s, hold no card of yours and want recommendations."
            )
            % offer.category,
            gettext("Who opens the card gets its opening gift, and what your campaigns on joining give."),
            gettext("It cannot be changed any more, but stopped."),
        ]
        title, form = gettext("Show this offer?"), SeenForm(initial={"seen": whole(offer)})
        return confirm.page(self, request, offer, title=title, says=says, form=form, submit=gettext("Start"))

    @action(description=_("Stop"), icon="stop_circle", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show it to nobody any more, after asking."""
        offer = self._of(request, object_id)
        if request.method == "POST":
            return self._do(request, offer, prospects.stop, gettext("The offer is not shown any more."))
        return confirm.page(self, request, offer, title=gettext("Stop this offer?"), submit=gettext("Stop"))

    def _of(self, request, object_id) -> ProspectOffer:
        offer = self.get_object(request, str(object_id))
        if offer is None:
            self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        return offer

    def _do(self, request, offer, verb, done):
        try:
            verb(offer, actor(request), timezone.now())
            messages.success(request, done)
        except Problem as problem:
            refuse(request, problem)
        return redirect("merchant:merchants_prospectoffer_change", offer.pk)
