"""Attacks on the member's token, each refused; and the good ones, accepted."""

import datetime as dt

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from members.api import authentication
from members.api.authentication import MemberAuthentication
from members.services import members

pytestmark = pytest.mark.django_db

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def pem(key):
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.fixture(autouse=True)
def provider(settings):
    settings.MEMBER_JWT_KEY = pem(RSA)
    settings.MEMBER_JWT_JWKS_URL = ""
    settings.MEMBER_JWT_ALGORITHMS = ["RS256", "ES256"]
    settings.MEMBER_JWT_AUDIENCE = "loyalty"
    settings.MEMBER_JWT_ISSUER = "https://id.shop.example"


def claims(**changes):
    now = timezone.now()
    base = {
        "sub": "alice",
        "aud": "loyalty",
        "iss": "https://id.shop.example",
        "iat": now,
        "exp": now + dt.timedelta(minutes=15),
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


def token(key=RSA, algorithm="RS256", **changes):
    return jwt.encode(claims(**changes), key, algorithm)


def sign_in(header):
    request = APIRequestFactory().get("/api/v1/me", headers={"Authorization": header} if header else {})
    return MemberAuthentication().authenticate(request)


def refusal(header):
    with pytest.raises(AuthenticationFailed) as refused:
        sign_in(header)
    return refused.value.default_code


def test_a_good_token_is_the_member(alice, django_assert_num_queries):
    sign_in(f"Bearer {token()}")  # the first query of a process asks SQLite what it can do
    with django_assert_num_queries(1):
        principal, said = sign_in(f"Bearer {token()}")
    assert principal.member == alice
    assert principal.is_authenticated
    assert said["sub"] == "alice"


def test_an_elliptic_key_works_as_well(alice, settings):
    settings.MEMBER_JWT_KEY = pem(EC)
    assert sign_in(f"Bearer {token(EC, 'ES256')}")[0].member == alice


def test_a_token_without_iat_is_accepted_if_it_ends_soon(alice):
    assert sign_in(f"Bearer {token(iat=None)}")[0].member == alice


def test_without_a_token_nobody_has_signed_in():
    assert sign_in("") is None
    assert sign_in("Key abc.def") is None


def hours(number):
    return timezone.now() + dt.timedelta(hours=number)


def hmac_with_public_key():
    """The classic: the public key as an HMAC secret. PyJWT refuses to make such a token, so it is made by hand."""
    import base64
    import hashlib
    import hmac
    import json

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    body = claims(iat=int(timezone.now().timestamp()), exp=int(hours(1).timestamp()))
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(body)
    signature = hmac.new(pem(RSA).encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


ATTACKS = {
    "no algorithm": lambda: jwt.encode(claims(), None, "none"),
    "HMAC with the public key": hmac_with_public_key,
    "another algorithm": lambda: token(algorithm="RS512"),
    "another key": lambda: token(OTHER_RSA),
    "wrong audience": lambda: token(aud="somebody-else"),
    "no audience": lambda: token(aud=None),
    "wrong issuer": lambda: token(iss="https://evil.example"),
    "no issuer": lambda: token(iss=None),
    "no expiry": lambda: token(exp=None),
    "no subject": lambda: token(sub=None),
    "issued in the future": lambda: token(iat=hours(1), exp=hours(2)),
    "not valid yet": lambda: token(nbf=hours(1), exp=hours(2)),
    "expiry is no number": lambda: jwt.encode(claims() | {"exp": "soon"}, RSA, "RS256"),
    "endless": lambda: jwt.encode(claims() | {"exp": float("inf")}, RSA, "RS256"),
    "rubbish": lambda: "rubbish",
    "no signature": lambda: token().rsplit(".", 1)[0] + ".",
    "not even text": lambda: "\xff\xfe",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("algorithms", [["RS256", "ES256"], ["RS256", "HS256"]], ids=["RS", "RS and HS"])
def test_attacks_are_refused(alice, settings, attack, algorithms):
    settings.MEMBER_JWT_ALGORITHMS = algorithms
    assert refusal(f"Bearer {attack()}") == "token_invalid"


def test_an_expired_token_is_refused_to_the_second(alice):
    assert refusal(f"Bearer {token(iat=hours(-1), exp=timezone.now() - dt.timedelta(seconds=1))}") == "token_expired"


@pytest.mark.parametrize("iat", [None, timezone.now()])
def test_a_token_that_lives_longer_than_a_day_is_refused(alice, iat):
    assert refusal(f"Bearer {token(iat=iat, exp=hours(25))}") == "token_lives_too_long"


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b"])
def test_a_broken_header_is_refused(header):
    assert refusal(header) == "token_invalid"


@pytest.mark.parametrize("sub", ["nobody", "", "a/b", "nul\0"])
def test_a_token_of_somebody_unknown_is_refused(alice, sub):
    assert refusal(f"Bearer {token(sub=sub)}") == "not_a_member"


def test_closed_and_merged_members_are_refused(alice, bob, charlie, at):
    members.close("alice", at)
    assert refusal(f"Bearer {token()}") == "not_a_member"
    members.merge("bob", "charlie", at)
    assert refusal(f"Bearer {token(sub='bob')}") == "not_a_member"


def test_without_a_configured_key_nobody_gets_in(alice, settings):
    settings.MEMBER_JWT_KEY = ""
    assert refusal(f"Bearer {token()}") == "token_invalid"


def test_keys_come_from_the_providers_address(alice, settings, monkeypatch):
    settings.MEMBER_JWT_JWKS_URL = "https://id.shop.example/jwks"
    key = jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True) | {"kid": "one", "use": "sig"}
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda self: {"keys": [key]})
    authentication._jwks.cache_clear()

    good = jwt.encode(claims(), RSA, "RS256", headers={"kid": "one"})
    assert sign_in(f"Bearer {good}")[0].member == alice
    assert refusal(f"Bearer {jwt.encode(claims(), OTHER_RSA, 'RS256', headers={'kid': 'one'})}") == "token_invalid"
    assert refusal(f"Bearer {jwt.encode(claims(), OTHER_RSA, 'RS256', headers={'kid': 'two'})}") == "token_invalid"


def test_a_provider_that_does_not_answer_is_a_503(alice, settings, monkeypatch):
    settings.MEMBER_JWT_JWKS_URL = "https://id.shop.example/jwks"

    def fail(self):
        raise jwt.PyJWKClientConnectionError("no route")

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", fail)
    authentication._jwks.cache_clear()
    with pytest.raises(authentication.IdentityProviderUnreachable):
        sign_in(f"Bearer {jwt.encode(claims(), RSA, 'RS256', headers={'kid': 'one'})}")
