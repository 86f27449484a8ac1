"""The member as a document, and what a shop may say of one."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from rest_framework import serializers

from members.models import Member
from members.services.profiles import ExternalId, Profile


class Registration(Profile, frozen=True, kw_only=True):
    """A new member: the shop's name for it, and a profile."""

    external_id: ExternalId


class MemberSerializer(serializers.ModelSerializer):
    merged_into = serializers.SlugRelatedField(
        "external_id", read_only=True, allow_null=True, help_text="The member for whom this name stands since a merge."
    )
    attributes = serializers.DictField(help_text="Further facts that rules can use.")

    class Meta:
        model = Member
        fields = [
            "external_id",
            "kind",
            "status",
            "name",
            "birthday",
            "phone_verified",
            "real_name_verified",
            "attributes",
            "registered_at",
            "closed_at",
            "merged_into",
        ]
        read_only_fields = fields


class UtcField(filters.IsoDateTimeFilter.field_class):
    """An instant, handed on in UTC: PostgreSQL refuses offsets of sixteen hours and more, which RFC 3339 allows."""

    def clean(self, value):
        instant = super().clean(value)
        try:
            return instant and instant.astimezone(dt.UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class InstantFilter(filters.IsoDateTimeFilter):
    field_class = UtcField


class MemberFilter(filters.FilterSet):
    registered_after = InstantFilter("registered_at", "gte", help_text="Registered then or later.")
    registered_before = InstantFilter("registered_at", "lt", help_text="Registered before then.")

    class Meta:
        model = Member
        fields = ["status", "kind"]
