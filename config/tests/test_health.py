"""Load balancers may ask; they learn only whether we can serve."""

import pytest
from django.db import DatabaseError, connection


@pytest.mark.django_db
def test_it_is_healthy_while_the_database_answers(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_is_unavailable_without_saying_why_when_the_database_is_gone(client, monkeypatch):
    def refuse():
        raise DatabaseError("password of root is wrong")

    monkeypatch.setattr(connection, "cursor", refuse)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "root" not in answer.content.decode()


@pytest.mark.django_db
def test_it_is_not_redirected_to_https_because_probes_speak_http(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_pages_have_a_strict_policy_and_only_admin_pages_may_evaluate(client):
    strict = client.get("/healthz")["Content-Security-Policy"]
    assert "unsafe" not in strict
    relaxed = client.get("/admin/login/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in relaxed
    assert "'unsafe-inline'" not in relaxed.split("script-src")[1].split(";")[0]


@pytest.mark.django_db
def test_the_bare_address_leads_to_the_operators(client):
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
