"""What a merchant may know: groups of buyers, consenting members one by one, prospects as numbers."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.models import Look
from common.problems import InvalidInput
from loyalty.api import examples
from merchants.models import Deed
from merchants.selectors import insights as selector
from merchants.services import insights, prospects

from .views import MerchantView

_GROUPS = ("frequency", "amount", "score", "category")


class GroupSerializer(serializers.Serializer):
    group = serializers.CharField(help_text="`other` where groups that were too small were put together.")
    members = serializers.IntegerField()
    cash = serializers.IntegerField(help_text="What they spent, in minor units.")


class CategorySalesSerializer(serializers.Serializer):
    category = serializers.CharField()
    cash = serializers.IntegerField(help_text="The last 30 whole days, after refunds, in minor units.")
    pieces = serializers.IntegerField()
    cash_before = serializers.IntegerField(help_text="The 30 days before.")
    pieces_before = serializers.IntegerField()


class InsightsSerializer(serializers.Serializer):
    quarter = serializers.DateField(help_text="The first day of the quarter.")
    quarters = serializers.ListField(child=serializers.DateField(), help_text="What can be asked for.")
    least = serializers.IntegerField(help_text="No group is smaller.")
    buyers = serializers.IntegerField(allow_null=True, help_text="null = fewer than `least`: nothing is told.")
    cash = serializers.IntegerField(allow_null=True)
    frequency = GroupSerializer(many=True, help_text="By days with an order; a group is named by its lower bound.")
    amount = GroupSerializer(many=True, help_text="By what was spent; a group is named by its lower bound.")
    score = GroupSerializer(many=True, help_text="By score band: a threshold's code, `below` or `none`.")
    category = GroupSerializer(many=True, help_text="By favourite category.")
    sales = CategorySalesSerializer(many=True)


class ShareSerializer(serializers.Serializer):
    category = serializers.CharField()
    permille = serializers.IntegerField(help_text="Of what was spent, rounded down.")


class MemberInsightSerializer(serializers.Serializer):
    member = serializers.CharField()
    since = serializers.DateField()
    cash = serializers.IntegerField(help_text="At your stores, after refunds, in minor units.")
    orders = serializers.IntegerField()
    order_days = serializers.IntegerField()
    last_order_on = serializers.DateField(allow_null=True)
    score_band = serializers.CharField(help_text="A threshold's code, `below` or `none`; never a number.")
    categories = ShareSerializer(many=True)


class ProspectsSerializer(serializers.Serializer):
    category = serializers.CharField()
    month = serializers.DateField()
    least = serializers.IntegerField(help_text="Counts are rounded down to multiples of this.")
    members = serializers.IntegerField()
    by_order_days = serializers.DictField(child=serializers.IntegerField(), help_text="By lower bound of order days.")


INSIGHTS = {
    "quarter": "2025-10-01", "quarters": ["2025-10-01", "2025-07-01", "2025-04-01", "2025-01-01"], "least": 10,
    "buyers": 22, "cash": 2200000, "frequency": [{"group": "1", "members": 22, "cash": 2200000}],
    "amount": [{"group": "50000", "members": 12, "cash": 900000}, {"group": "other", "members": 10, "cash": 1300000}],
    "score": [{"group": "none", "members": 22, "cash": 2200000}],
    "category": [{"group": "books", "members": 12, "cash": 900000}, {"group": "other", "members": 10, "cash": 1300000}],
    "sales": [{"category": "books", "cash": 300000, "pieces": 31, "cash_before": 250000, "pieces_before": 28}],
}  # fmt: skip


class InsightsView(MerchantView, APIView):
    deeds = {"GET": Deed.INSIGHT}

    @extend_schema(
        tags=["merchant"],
        summary="Who bought in a closed quarter, in groups; and my sales by category",
        operation_id="merchant_insights",
        parameters=[
            OpenApiParameter("quarter", OpenApiTypes.DATE, description="Its first day; the newest by default.")
        ],
        responses=InsightsSerializer,
        examples=[examples.answer("A quarter", INSIGHTS)],
    )
    def get(self, request):
        now = timezone.now()
        quarters = selector.quarters(now)
        row = insights.report(self.merchant(), _day(request.query_params.get("quarter"), quarters[0]), now)
        groups = {
            name: [dict(zip(("group", "members", "cash"), cell, strict=True)) for cell in row.figures.get(name, [])]
            for name in _GROUPS
        }
        answer = {
            "quarter": row.quarter,
            "quarters": quarters,
            "least": row.least,
            "buyers": row.figures["buyers"],
            "cash": row.figures["cash"],
            **groups,
            "sales": selector.sales_by_category(self.merchant(), now),
        }
        return Response(InsightsSerializer(answer).data)


class MemberInsightView(MerchantView, APIView):
    deeds = {"GET": Deed.INSIGHT}

    @extend_schema(
        tags=["merchant"],
        summary="What a consenting member bought at my stores",
        description="Each call is written down; the member can see it. Without consent the answer is 404.",
        operation_id="merchant_insights_member",
        responses=MemberInsightSerializer,
        examples=[
            examples.answer(
                "A member",
                {
                    "member": "cust-42", "since": "2025-03-01", "cash": 120000, "orders": 7, "order_days": 6,
                    "last_order_on": "2026-02-20", "score_band": "good",
                    "categories": [{"category": "books", "permille": 800}, {"category": "toys", "permille": 200}],
                },
            )
        ],
    )  # fmt: skip
    def get(self, request, external_id):
        found = insights.look(self.merchant(), external_id, request.user.actor, timezone.now())
        self.note_look(Look.Kind.PAGE, "members.member", subject=external_id)
        answer = {
            "member": found.member.external_id,
            "since": found.since,
            "cash": found.cash,
            "orders": found.orders,
            "order_days": found.order_days,
            "last_order_on": found.last_order_on,
            "score_band": found.band,
            "categories": [{"category": name, "permille": share} for name, share in found.categories],
        }
        return Response(MemberInsightSerializer(answer).data)


class ProspectsView(MerchantView, APIView):
    deeds = {"GET": Deed.INSIGHT}

    @extend_schema(
        tags=["merchant"],
        summary="How many members buy in my categories and hold no card of mine",
        description="Counted once a month, rounded down to whole groups; nobody is named.",
        operation_id="merchant_insights_prospects",
        responses=ProspectsSerializer(many=True),
        examples=[
            examples.answer(
                "Books",
                {
                    "category": "books", "month": "2026-03-01", "least": 10, "members": 120,
                    "by_order_days": {"1": 80, "2": 30, "3": 10, "6": 0},
                },
            )
        ],
    )  # fmt: skip
    def get(self, request):
        rows = [
            {
                "category": row.category,
                "month": row.month,
                "least": row.least,
                "members": row.members["all"],
                "by_order_days": {band: members for band, members in row.members.items() if band != "all"},
            }
            for row in prospects.counts(self.merchant(), timezone.now())
        ]
        return Response(ProspectsSerializer(rows, many=True).data)


def _day(text: str | None, default: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if text else default
    except ValueError:
        error = {"pointer": "/quarter", "code": "invalid", "detail": "A day, such as 2026-01-01."}
        raise InvalidInput(errors=[error]) from None
