"""Points: what a member has, every movement, and why."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api.pagination import CursorPagination
from common.models import ApiKey
from loyalty.models import Entry, Programme
from loyalty.selectors import balances, origins
from loyalty.selectors import members as selectors
from members.models import Member

from . import examples
from .views import MemberView, OfMember, ServerView


class ExpiringSerializer(serializers.Serializer):
    on = serializers.DateField(help_text="The last local day on which they can be spent.")
    amount = serializers.IntegerField()


class BalanceSerializer(serializers.Serializer):
    """Points at this instant: time counts, not the jobs."""

    available = serializers.IntegerField(help_text="Can be spent now.")
    pending = serializers.IntegerField(help_text="Earned; can be spent later.")
    held = serializers.IntegerField(help_text="Set aside for open checkouts.")
    debt = serializers.IntegerField(help_text="The next earnings repay it.")
    expiring = ExpiringSerializer(many=True, help_text="The available points by their last day.")


class UnitSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="What the programme calls its points.")
    points = serializers.IntegerField(help_text="So many points …")
    money = serializers.IntegerField(help_text="… are worth so much money, in minor units.")
    currency = serializers.CharField(help_text="ISO 4217.")


class PurseSerializer(serializers.Serializer):
    points = BalanceSerializer()
    unit = UnitSerializer()


def balance(member: Member, at: dt.datetime) -> dict[str, Any]:
    """The balance of a member read by `selectors.with_wallets`; one query."""
    account = selectors.account_of(member)
    now = balances.of(account, at) if account else balances.Balance()
    return {
        "available": now.available,
        "pending": now.pending,
        "held": now.held,
        "debt": now.debt,
        "expiring": [{"on": day.isoformat(), "amount": amount} for day, amount in now.expiring],
    }


def unit(member: Member) -> dict[str, Any]:
    """What the points of a member read by `selectors.with_wallets` are called and worth; no query."""
    default = Programme()
    known = member.unit or {
        "name": default.unit_name,
        "points": default.point_value_points,
        "money": default.point_value_money,
    }
    return known | {"currency": settings.PROGRAMME_CURRENCY}


class MyPointsView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="My points",
        operation_id="me_points",
        responses=PurseSerializer,
        examples=[examples.answer("Points", {"points": examples.POINTS, "unit": examples.UNIT})],
    )
    def get(self, request):
        member = self.member()
        return Response({"points": balance(member, timezone.now()), "unit": unit(member)})


class EntryListSerializer(serializers.ListSerializer):
    """A page of movements; what their causes are called is asked for all of them at once."""

    def to_representation(self, data):
        rows = list(data)
        self.child.context["origins"] = origins.of(row.reference for row in rows)
        return super().to_representation(rows)


class EntrySerializer(serializers.ModelSerializer):
    """One movement of one balance. A hold, say, makes two: available points go down, held ones up."""

    number = serializers.IntegerField(source="seq", help_text="Counts the movements of the account without a gap.")
    text = serializers.CharField(source="get_kind_display", help_text="The kind in words, in the caller's language.")
    points = serializers.IntegerField(source="delta", help_text="Negative goes out.")
    balance_after = serializers.IntegerField(help_text="Of the balance that `unit` names.")
    reference = serializers.CharField(help_text="What caused it, `order:o-1001` for example.")

    because = serializers.SerializerMethodField(
        help_text="What caused it in words, where there is more to say; else empty."
    )

    class Meta:
        model = Entry
        list_serializer_class = EntryListSerializer
        fields = [
            "number",
            "unit",
            "kind",
            "text",
            "points",
            "balance_after",
            "reference",
            "because",
            "at",
            "posted_on",
        ]

    def get_because(self, entry: Entry) -> str:
        return self.context.get("origins", {}).get(entry.reference, "")


class EntryFilter(filters.FilterSet):
    posted_from = filters.DateFilter("posted_on", "gte", help_text="First local day.")
    posted_until = filters.DateFilter("posted_on", "lte", help_text="Last local day.")

    class Meta:
        model = Entry
        fields = ["unit", "kind"]


class NewestFirst(CursorPagination):
    ordering = "-seq"


class StatementBase(OfMember, generics.ListAPIView):
    """Newest first."""

    serializer_class = EntrySerializer
    pagination_class = NewestFirst
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = EntryFilter
    queryset = Entry.objects.none()

    def get_queryset(self):
        account = self.account()
        return Entry.objects.filter(account=account) if account else Entry.objects.none()


_STATEMENT = [examples.answer("Points earned by an order", examples.ENTRY)]


@extend_schema_view(
    get=extend_schema(
        tags=["members"], summary="Every movement of a member's points, newest first", examples=_STATEMENT
    )
)
class StatementView(ServerView, StatementBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}


@extend_schema_view(
    get=extend_schema(tags=["me"], summary="Every movement of my points, newest first", examples=_STATEMENT)
)
class TransactionsView(MemberView, StatementBase):
    pass
