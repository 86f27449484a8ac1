"""The merchant's own purse: what is in it, buying points, the statement, month settlements."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from common import clock
from common.admin import confirm, words
from common.admin.base import actor, refuse
from common.problems import Problem
from loyalty.selectors import programme as programmes
from merchants.admin import purse_words, settlement_words
from merchants.admin.site import site
from merchants.models import Deed, PointPack, Purse, Settlement
from merchants.services import purchases, purses

from .base import PortalReadOnlyAdmin, may, merchant_of


class PointsForm(forms.Form):
    points = forms.IntegerField(label=_("points"), min_value=1, widget=UnfoldAdminIntegerFieldWidget)


class MarkForm(forms.Form):
    low_at = forms.IntegerField(
        label=_("warn below (points)"), min_value=0, widget=UnfoldAdminIntegerFieldWidget, help_text=_("0 = never.")
    )


@admin.register(Purse, site=site)
class PurseAdmin(PortalReadOnlyAdmin):
    """One purse a merchant, so its list is its page."""

    def get_urls(self):
        views = [
            ("buy", self.buy_view),
            ("statement", self.statement_view),
            ("settlements", self.settlements_view),
            ("mark", self.mark_view),
        ]
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"merchants_purse_{name}") for name, view in views
        ]
        return [*own, *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The list is the page; whoever asks for another's purse finds nothing."""
        if self.get_object(request, object_id) is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return redirect("merchant:merchants_purse_changelist")

    def delete_view(self, request, object_id, extra_context=None):
        """Nobody deletes a purse."""
        raise Http404

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """What the purse holds, with pictures."""
        purse = self._purse(request, Deed.LOOK)
        buys = may(request, Deed.BUY)
        return self._page(
            request,
            "merchants/purse.html",
            gettext("Purse"),
            buy=_url("purse_buy") if buys else "",
            mark=_url("purse_mark") if buys else "",
            statement=_url("purse_statement"),
            settlements=_url("purse_settlements"),
            purchases=_url("pointpurchase_changelist"),
            **purse_words.overview(purse, timezone.now()),
        )

    def statement_view(self, request: HttpRequest) -> HttpResponse:
        """Every movement of a month, on a page or as a file."""
        purse, today = self._purse(request, Deed.LOOK), clock.local_date(timezone.now())
        if kind := request.GET.get("export"):
            return purse_words.statement_file(purse, purse_words.month_of(request, today), kind)
        context = purse_words.statement(purse, request, today)
        return self._page(
            request, "merchants/statement.html", gettext("Statement"), back=_url("purse_changelist"), **context
        )

    def settlements_view(self, request: HttpRequest) -> HttpResponse:
        """The own row and column of the months that are closed; other merchants only in sum."""
        purse = self._purse(request, Deed.LOOK)
        months = list(Settlement.objects.filter(status=Settlement.Status.CLOSED)[:36])
        if kind := request.GET.get("export"):
            rows = settlement_words.own_file(months, purse.merchant)
            return purse_words.as_file(rows, f"settlements-{purse.merchant.code}", kind)
        return self._page(
            request,
            "merchants/settlements.html",
            gettext("Month settlements"),
            months=settlement_words.own_months(months, purse.merchant),
            back=_url("purse_changelist"),
        )

    def buy_view(self, request: HttpRequest) -> HttpResponse:
        """Choose, see what it costs, submit or keep as a draft."""
        purse = self._purse(request, Deed.BUY)
        form = PointsForm(request.POST if request.method == "POST" and not request.POST.get("pack") else None)
        context = {"form": form, "packs": _packs(), "back": _url("purse_changelist"), "here": _url("purse_buy")}
        chosen = _chosen(request, form)
        if chosen:
            try:
                cost = purchases.quote(**chosen)
                seen = f"{cost.points}:{cost.price}:{cost.fee}:{cost.validity_days}"
                deed = request.POST.get("deed")
                if deed in ("submit", "draft") and request.POST.get("seen") == seen:
                    return self._draft(request, purse, chosen, submit=deed == "submit")
                context |= {
                    "cost": cost,
                    "seen": seen,
                    "facts": _facts(cost),
                    "chosen_pack": chosen["pack"].code if "pack" in chosen else "",
                    "chosen_points": chosen.get("points", ""),
                }
            except Problem as problem:
                refuse(request, problem)
        return self._page(request, "merchants/buy.html", gettext("Buy points"), **context)

    def _draft(self, request: HttpRequest, purse: Purse, chosen: dict, *, submit: bool) -> HttpResponse:
        who = {"actor": actor(request), "at": timezone.now()}
        purchase = purchases.draft(purse.merchant, **chosen, **who)
        if submit:
            purchases.submit(purchase, **who)
            messages.success(request, gettext("Submitted. Pay now; the points come with the payment's approval."))
        return redirect("merchant:merchants_pointpurchase_change", purchase.pk)

    def mark_view(self, request: HttpRequest) -> HttpResponse:
        """Set the mark below which the merchant is told."""
        purse = self._purse(request, Deed.BUY)
        form = MarkForm(request.POST or None, initial={"low_at": purse.low_at})
        if request.method == "POST" and form.is_valid():
            purses.warn_below(purse, form.cleaned_data["low_at"], actor=actor(request), at=timezone.now())
            messages.success(request, gettext("The mark is set."))
            return redirect("merchant:merchants_purse_changelist")
        says = [
            gettext("Once fewer points are left in the purse, it stands on your overview and your webhooks are told.")
        ]
        return confirm.page(
            self, request, None, title=gettext("Warn below …"), says=says, form=form, submit=gettext("Set the mark")
        )

    def _purse(self, request: HttpRequest, deed: str) -> Purse:
        """The own merchant's purse. Raises PermissionDenied if the role does not allow the deed."""
        if not may(request, deed):
            raise PermissionDenied
        return purses.of(merchant_of(request))

    def _page(self, request: HttpRequest, template: str, title: str, **context) -> HttpResponse:
        request.current_app = self.admin_site.name
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, template, context)


def _url(name: str) -> str:
    return reverse(f"merchant:merchants_{name}")


def _chosen(request: HttpRequest, form: PointsForm) -> dict:
    """A pack by its code, or a number of points; nothing if nothing fits."""
    if request.method != "POST":
        return {}
    if code := request.POST.get("pack"):
        pack = PointPack.objects.filter(code=code, is_active=True).first()
        return {"pack": pack} if pack else {}
    return {"points": form.cleaned_data["points"]} if form.is_valid() else {}


def _packs() -> list[dict]:
    programme = programmes.current()
    packs = PointPack.objects.filter(is_active=True)
    return [
        {
            "code": pack.code,
            "name": pack.name,
            "points": words.number(pack.points),
            "price": words.money(pack.price),
            "saves": _saves(programmes.money_of(programme, pack.points) - pack.price),
            "validity": gettext("good for %d days") % pack.validity_days
            if pack.validity_days
            else gettext("never expires"),
        }
        for pack in packs
    ]


def _saves(money: int) -> str:
    return gettext("%s below their value") % words.money(money) if money > 0 else ""


def _facts(cost) -> list[tuple]:
    return [
        (gettext("Points"), words.number(cost.points)),
        (gettext("Their published value"), purse_words.worth(cost.points)),
        (gettext("Price"), words.money(cost.price)),
        (gettext("Fee"), words.money(cost.fee)),
        (gettext("To pay"), words.money(cost.total)),
        (gettext("Good for"), gettext("%d days") % cost.validity_days if cost.validity_days else gettext("ever")),
    ]
