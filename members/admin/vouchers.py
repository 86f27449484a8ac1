"""Codes for plans in bulk: drafted, released by a colleague, taken along as a file or sold through the API, voided."""

from __future__ import annotations

import csv

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.money import MoneyField
from common.admin.seen import SeenForm, agreed, whole
from common.problems import Problem
from common.services import audit
from members.models import VoucherBatch
from members.services import vouchers

Status = VoucherBatch.Status


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"), max_length=200, widget=UnfoldAdminTextInputWidget(), help_text=_("The audit log keeps it.")
    )


class BatchForm(forms.ModelForm):
    price = MoneyField(label=_("settlement price of one"))

    class Meta:
        model = VoucherBatch
        fields = ["channel", "offer", "name", "size", "price", "delivery", "expires_at"]


@admin.register(VoucherBatch)
class VoucherBatchAdmin(AuditedAdmin):
    """Codes for plans, in bulk. A draft has none yet; a colleague releases it; the file goes to the channel."""

    empty = _("No codes yet. They are made for a bank, an airline or a company, all at once.")
    form = BatchForm
    list_display = ["name", "channel", "offer", "state", "codes", "sold", "redeemed", "price_words", "expires_at"]
    list_filter = ["status", "channel"]
    list_select_related = ["channel", "offer"]
    search_fields = ["name", "=vouchers__code"]
    search_help_text = _("A name, or a code as it was typed.")
    autocomplete_fields = ["channel", "offer"]
    readonly_fields = ["state", "price_words", "sold", "redeemed"]
    actions_detail = ["release", "download", "void"]

    def get_fields(self, request, obj=None):
        if obj is None:
            return [("channel", "offer"), "name", ("size", "price"), "delivery", "expires_at"]
        price = "price" if self.has_change_permission(request, obj) else "price_words"
        return ["state", ("channel", "offer"), "name", ("size", price), "delivery", "expires_at", ("sold", "redeemed")]

    def get_queryset(self, request):
        sold = Count("vouchers", filter=Q(vouchers__sold_at__isnull=False))
        redeemed = Count("vouchers", filter=Q(vouchers__redeemed_at__isnull=False))
        return super().get_queryset(request).annotate(sold_total=sold, redeemed_total=redeemed)

    def has_change_permission(self, request, obj=None):
        return (obj is None or obj.status == Status.DRAFT) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and obj.status == Status.DRAFT and super().has_delete_permission(request, obj)

    def has_release_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.release_voucherbatch") and self._has_status(object_id, Status.DRAFT)

    def has_void_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.release_voucherbatch") and self._has_status(object_id, Status.RELEASED)

    def _has_status(self, object_id, status) -> bool:
        return VoucherBatch.objects.filter(pk=object_id, status=status).exists()

    @tags.tagged(_("state"), {Status.RELEASED: tags.GOOD, Status.DRAFT: tags.WAITING, Status.VOID: tags.BAD})
    def state(self, batch):
        return batch.status, batch.get_status_display()

    @admin.display(description=_("codes"), ordering="size")
    def codes(self, batch):
        return words.number(batch.size)

    @admin.display(description=_("sold by API"), ordering="sold_total")
    def sold(self, batch):
        return words.number(batch.sold_total) if batch.delivery == VoucherBatch.Delivery.API else "–"

    @admin.display(description=_("redeemed"), ordering="redeemed_total")
    def redeemed(self, batch):
        return words.number(batch.redeemed_total)

    @admin.display(description=_("settlement price of one"), ordering="price")
    def price_words(self, batch):
        return words.money(batch.price)

    def save_model(self, request, obj, form, change):
        obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @action(description=pgettext_lazy("codes", "Release"), icon="key", permissions=["release"], url_path="release")
    def release(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what it may be worth, then let the service make the codes."""
        batch = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, batch, whole)
                if draft is not None:
                    return self._release(request, draft)
            batch = self.get_queryset(request).get(pk=object_id)
        worth = {"size": words.number(batch.size), "price": words.money(batch.price * batch.size)}
        return confirm.page(
            self,
            request,
            batch,
            title=gettext("Release the codes?"),
            says=[
                gettext("%(size)s codes are made. If all are redeemed, the channel owes %(price)s.") % worth,
                batch.get_delivery_display(),
                gettext("Whoever has a good code can redeem it, once."),
            ],
            form=SeenForm(initial={"seen": whole(batch)}),
            submit=pgettext("codes", "Release"),
        )

    def _release(self, request, batch):
        try:
            vouchers.release(batch, actor(request), timezone.now())
            messages.success(request, gettext("The codes are there. Download them for the channel."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:members_voucherbatch_change", batch.pk)

    @action(description=_("Download codes"), icon="download", permissions=["void"], url_path="download")
    def download(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The codes that are still good, as a file for the channel; taking it is written down."""
        batch = get_object_or_404(VoucherBatch, pk=object_id)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="codes-{batch.uuid}.csv"'
        writer = csv.writer(response)
        writer.writerow(["code"])
        good = batch.vouchers.filter(redeemed_at=None, void_at=None).values_list("code")
        writer.writerows(good)
        summary = gettext("Downloaded the codes of %s") % batch
        audit.record(actor(request), "members.vouchers.download", batch, summary, timezone.now())
        return response

    @action(description=_("Void what is left"), icon="block", permissions=["void"], url_path="void")
    def void(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for the reason, then let unredeemed codes count no more."""
        batch = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            count = vouchers.void(batch, reason=reason, actor=actor(request), at=timezone.now())
            messages.success(request, gettext("%d codes are void.") % count)
            return redirect("admin:members_voucherbatch_change", object_id)
        left = batch.vouchers.filter(sold_at=None, redeemed_at=None, void_at=None).count()
        return confirm.page(
            self,
            request,
            batch,
            title=gettext("Void the codes that are left?"),
            says=[
                gettext("%s codes can no longer be redeemed. Terms that were redeemed run on.") % words.number(left),
                gettext("Codes that the channel has sold through the API stay good: somebody paid for them."),
            ],
            submit=gettext("Void"),
            form=form,
        )
