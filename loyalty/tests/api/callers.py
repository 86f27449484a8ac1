"""Fixtures for tests that call the API: the shop's server, and members with their phones."""

import datetime as dt

import jwt
import pytest
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from common.models import ApiKey
from common.services import api_keys, audit
from loyalty.models import EarningRule, EarningRuleVersion
from loyalty.services import ledger, rules, wallets
from members.models import Member

SECRET = "a secret of thirty-two bytes at least, for HS256"


@pytest.fixture(autouse=True)
def provider(settings):
    """The shop's identity provider; and no throttle between tests."""
    settings.MEMBER_JWT_KEY, settings.MEMBER_JWT_ALGORITHMS = SECRET, ["HS256"]
    settings.MEMBER_JWT_JWKS_URL = settings.MEMBER_JWT_ISSUER = ""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@pytest.fixture
def alice(db):
    return member("alice", name="Alice")


@pytest.fixture
def bob(db):
    return member("bob")


@pytest.fixture
def charlie(db):
    return member("charlie")


@pytest.fixture
def server(db):
    """A client that may do everything."""
    return shop("server", ApiKey.Scope.values)


@pytest.fixture
def phone():
    """phone(member): a client that is signed in as the member."""
    return lambda owner: APIClient(headers={"Authorization": f"Bearer {token(owner.external_id)}"})


def shop(name, scopes):
    _key, text = api_keys.issue(name, scopes, audit.Actor("Olivia"), timezone.now())
    return APIClient(headers={"Authorization": f"Key {text}"})


def token(external_id):
    now = timezone.now()
    claims = {"sub": external_id, "aud": "loyalty", "iat": now, "exp": now + dt.timedelta(minutes=15)}
    return jwt.encode(claims, SECRET, "HS256")


def member(external_id, **fields):
    return Member.objects.create(external_id=external_id, registered_at=timezone.now(), **fields)


def grant(owner, points, *, days=30, at=None, **more):
    """Points that expire after so many days."""
    at = at or timezone.now()
    with transaction.atomic():
        account = wallets.of(owner).account
    with ledger.open_book([account.pk], at) as book:
        more = {"source": "activity", "reference": "test", "expires_at": at + dt.timedelta(days=days)} | more
        book.grant(account.pk, points, **more)
    return account


def one_point_per_yuan(**fields):
    """An active earning rule for completed orders."""
    begin = timezone.now() - dt.timedelta(days=365)
    rule = EarningRule.objects.create(code="basic", name="One point per yuan")
    version = EarningRuleVersion.objects.create(
        rule=rule, number=1, status="active", effective_from=begin, **({"points": 1, "money_unit": 100} | fields)
    )
    rules.changed()
    return version
