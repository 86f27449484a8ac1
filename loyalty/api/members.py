"""Members as the server sees them, with standing and points; and the member as she sees herself."""

from __future__ import annotations

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import documents, messages
from common.models import ApiKey
from members.api.members import MemberFilter, MemberSerializer, Registration
from members.api.risk_guards import guarded
from members.models import Member
from members.models.risk_words import Action
from members.services import identities, members
from members.services.profiles import Profile

from . import examples, tiers
from .points import BalanceSerializer, UnitSerializer, balance, unit
from .tiers import ProgressSerializer, TierSerializer
from .views import MemberView, ServerView


class MemberWithPointsSerializer(MemberSerializer):
    tier = TierSerializer(allow_null=True)
    progress = ProgressSerializer()
    points = BalanceSerializer()

    class Meta(MemberSerializer.Meta):
        fields = [*MemberSerializer.Meta.fields, "tier", "progress", "points"]
        read_only_fields = fields


class MeSerializer(MemberWithPointsSerializer):
    unit = UnitSerializer()

    class Meta(MemberWithPointsSerializer.Meta):
        fields = [
            "external_id",
            "kind",
            "name",
            "birthday",
            "phone_verified",
            "real_name_verified",
            "registered_at",
            "tier",
            "progress",
            "points",
            "unit",
        ]
        read_only_fields = fields


WITH_POINTS = {**examples.MEMBER, "tier": examples.TIER, "progress": examples.PROGRESS, "points": examples.POINTS}


def document(member: Member) -> dict:
    """The member, read by `selectors.members.with_wallets`, with tier, progress and points. Four queries at most."""
    at = timezone.now()
    standing = {"tier": tiers.tier(member), "progress": documents.write(ProgressSerializer, tiers.progress(member, at))}
    return documents.write(MemberSerializer, member) | standing | {"points": balance(member, at)}


def _asked(view: APIView, request) -> tuple[str, str, dict[str, str]]:
    return Action.SIGN_UP, messages.convert(identities.seal_in(request.data), Registration).external_id, {}


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="Members, newest first",
        operation_id="members_list",
        examples=[examples.answer("A member", examples.MEMBER)],
    ),
)
class MembersView(ServerView, generics.ListAPIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ, "POST": ApiKey.Scope.MEMBERS_WRITE}
    serializer_class = MemberSerializer
    queryset = Member.objects.select_related("merged_into")
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = MemberFilter

    @extend_schema(
        tags=["members"],
        summary="Register a member",
        operation_id="members_register",
        request=Registration,
        responses={201: MemberSerializer},
        examples=[
            examples.request("With a profile", {"external_id": "cust-42", **examples.PROFILE}),
            examples.answer("Registered", examples.MEMBER, 201),
        ],
    )
    @guarded(_asked)
    def post(self, request):
        registration = messages.convert(identities.seal_in(request.data), Registration)
        member = members.register(registration.external_id, registration, timezone.now())
        return Response(MemberSerializer(member).data, status=201)


class MemberDetailView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ, "PATCH": ApiKey.Scope.MEMBERS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="A member, with tier, progress and points",
        operation_id="members_read",
        responses=MemberWithPointsSerializer,
        examples=[examples.answer("A member", WITH_POINTS)],
    )
    def get(self, request, external_id):
        return Response(document(self.member()))

    @extend_schema(
        tags=["members"],
        summary="Change a member's profile",
        description="What is left out stays as it is. Closed and merged members are not changed.",
        operation_id="members_update",
        request=Profile,
        responses=MemberWithPointsSerializer,
        examples=[
            examples.request("A verified phone", {"phone_verified": True, "attributes": {"newsletter": None}}),
            examples.answer("The member", WITH_POINTS),
        ],
    )
    def patch(self, request, external_id):
        self.member()
        members.update(external_id, messages.convert(identities.seal_in(request.data), Profile), timezone.now())
        return Response(document(self.member()))


class MeView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="My profile, tier, progress and points",
        operation_id="me",
        responses=MeSerializer,
        examples=[examples.answer("Me", examples.ME)],
    )
    def get(self, request):
        member = self.member()
        known = document(member) | {"unit": unit(member)}
        return Response({field: known[field] for field in MeSerializer.Meta.fields})
