"""The proof: one page, green or red, with every invariant and who breaks it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin.base import ReadOnlyAdmin, actor
from common.models import JobRun
from common.services import audit
from loyalty.models import Proof
from loyalty.services import invariants, proof

_ACCOUNT_KINDS = {"account", "entry", "lot", "draw", "hold"}
_SEARCHED = {"order": "order", "campaign": "campaign"}


def _titles() -> dict:
    """The invariants of all floors: higher ones have registered theirs by now."""
    return {invariant.name: invariant.title for invariant in invariants.ALL}


def latest() -> JobRun | None:
    """The newest finished run of the proof."""
    return JobRun.objects.filter(job=proof.JOB, status=JobRun.Status.DONE).order_by("-started_at").first()


@admin.register(Proof)
class ProofAdmin(ReadOnlyAdmin):
    """Red or green. A repair is a further entry, made by a person; nothing is repaired here."""

    fields = ["invariant_words", "offenders", "duration_ms", "run"]
    readonly_fields = ["invariant_words"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.prove_view)
        return [path("prove/", view, name="loyalty_proof_prove"), *super().get_urls()]

    @admin.display(description=_("invariant"))
    def invariant_words(self, row):
        return _titles().get(row.invariant, row.invariant)

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """The answer of the newest run, one row an invariant."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = latest()
        proofs = {row.invariant: row for row in run.proofs.all()} if run else {}
        rows = [_row(name, proofs[name]) for name in _titles() if name in proofs]
        red = sum(not row["holds"] for row in rows)
        failed = JobRun.objects.filter(job=proof.JOB).order_by("-started_at").first()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Proof"),
            "run": run,
            "rows": sorted(rows, key=lambda row: row["holds"]),
            "red": red,
            "failed": failed if failed and failed.status == JobRun.Status.FAILED else None,
            "may_prove": request.user.has_perm("common.run_jobrun"),
            "earlier": JobRun.objects.filter(job=proof.JOB, status=JobRun.Status.DONE).order_by("-started_at")[1:11],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "loyalty/proof.html", context)

    def prove_view(self, request: HttpRequest) -> HttpResponse:
        """Prove now, and show the answer."""
        if request.method != "POST" or not request.user.has_perm("common.run_jobrun"):
            raise PermissionDenied
        at = timezone.now()
        run = proof.prove(at, at, requested_by=request.user)
        audit.record(actor(request), "loyalty.proof.prove", run, gettext("The ledger was proven."), at)
        if run.counts.get("red"):
            messages.error(request, gettext("Some invariants do not hold."))
        else:
            messages.success(request, gettext("Every invariant holds."))
        return redirect("admin:loyalty_proof_changelist")


def _row(name: str, row: Proof) -> dict:
    return {
        "title": _titles()[name],
        "holds": not row.offenders,
        "offenders": row.offenders,
        "duration": row.duration_ms,
        "sample": [{"link": _link(offender), "detail": offender.get("detail", "")} for offender in row.sample],
    }


def _link(offender: dict) -> str:
    """The page where an offender can be looked at: an account, or the search that finds the order."""
    kind, key = offender.get("kind", ""), str(offender.get("key", ""))
    said = f"{kind} {key}" + (f" ({offender['member']})" if offender.get("member") else "")
    if kind in _ACCOUNT_KINDS:
        url = reverse("admin:loyalty_account_change", args=[key.split("/")[0]])
    elif kind in _SEARCHED:
        url = reverse(f"admin:loyalty_{_SEARCHED[kind]}_changelist", query={"q": key})
    else:
        return said
    return format_html('<a class="lp-link" href="{}">{}</a>', url, said)
