import json
import socket
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from common.models import AuditEntry, Fact, WebhookEndpoint
from common.services import webhooks
from common.tests.conftest import AT, OPERATOR

PUBLIC = "93.184.216.34"


class Receiver:
    """A shop's web server: keeps what it was sent, answers what it was told to."""

    def __init__(self):
        self.requests, self.status, self.headers = [], 204, {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def endpoint(db, receiver):
    return webhooks.add("the shop", receiver.url, [], OPERATOR, AT)


def fact(**payload):
    return Fact(topic="points.earned", key="alice", payload=payload or {"points": 66}, at=AT)


def test_the_receiver_can_verify_the_signature_with_the_library(endpoint, receiver):
    answer = webhooks.send(endpoint, told := fact(), timezone.now())
    assert (answer.taken, answer.status_code) == (True, 204)
    ((path, headers, body),) = receiver.requests
    assert path == "/hook"
    assert headers["webhook-id"] == str(told.uuid)
    assert Webhook(endpoint.secret).verify(body, {k.lower(): v for k, v in headers.items()}) == {
        "type": "points.earned",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {"key": "alice", "points": 66},
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(body.replace(b"66", b"67"), {k.lower(): v for k, v in headers.items()})


def test_text_in_any_script_keeps_its_signature(endpoint, receiver):
    webhooks.send(endpoint, fact(name="会员 é"), timezone.now())
    ((_path, headers, body),) = receiver.requests
    Webhook(endpoint.secret).verify(body, {k.lower(): v for k, v in headers.items()})
    assert json.loads(body)["data"]["name"] == "会员 é"


def test_an_error_answer_is_not_taken(endpoint, receiver):
    receiver.status = 500
    answer = webhooks.send(endpoint, fact(), AT)
    assert (answer.taken, answer.status_code, answer.error) == (False, 500, "HTTP 500")


def test_a_redirect_is_not_followed(endpoint, receiver):
    receiver.status, receiver.headers = 307, {"Location": "/elsewhere"}
    assert not webhooks.send(endpoint, fact(), AT).taken
    assert [path for path, _headers, _body in receiver.requests] == ["/hook"]


def test_a_closed_door_is_an_answer_and_no_exception(endpoint):
    endpoint.url = "http://127.0.0.1:9/"
    answer = webhooks.send(endpoint, fact(), AT)
    assert (answer.taken, answer.status_code) == (False, None)
    assert "Connect" in answer.error


@pytest.mark.parametrize("secret", ["", "whsec_%%%", "nonsense"])
def test_a_broken_secret_is_an_answer_and_no_exception(endpoint, secret):
    endpoint.secret = secret
    assert webhooks.send(endpoint, fact(), AT).taken in (True, False)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0.0.0.0/",
        "http://①②⑦.⓪.⓪.①/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25lo]/",
        "http://[fc00::1]/",
        "http://[ff02::1]/",
        "https://alice:secret@93.184.216.34/",
        "https://93.184.216.34:99999/",
        "https://[broken/",
        "https:///no-host",
        "https://no-such-host.invalid/",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "gopher://93.184.216.34/",
        "//93.184.216.34/",
        "https://" + "a" * 300 + ".example/",
        "nonsense",
        "",
    ],
)
def test_an_address_that_is_not_out_on_the_internet_is_refused(url):
    with pytest.raises(webhooks.TargetRefused):
        webhooks.resolve(url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"https://{PUBLIC}/hook", PUBLIC),
        (f"https://[::ffff:{PUBLIC}]:8443/hook", f"::ffff:{PUBLIC}"),
        ("https://[2606:2800:220:1:248:1893:25c8:1946]/", "2606:2800:220:1:248:1893:25c8:1946"),
    ],
)
def test_a_public_address_is_accepted(url, address):
    assert webhooks.ipaddress.ip_address(webhooks.resolve(url)) == webhooks.ipaddress.ip_address(address)


def lookup(*addresses):
    return lambda host, port, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lookup(PUBLIC, "10.0.0.1"))
    with pytest.raises(webhooks.TargetRefused):
        webhooks.resolve("https://shop.example/")


def test_the_address_is_checked_when_the_endpoint_is_saved(db):
    with pytest.raises(webhooks.TargetRefused):
        webhooks.add("bad", "http://127.0.0.1/", [], OPERATOR, AT)
    assert not WebhookEndpoint.objects.exists()
    good = webhooks.add("good", f"https://{PUBLIC}/", [], OPERATOR, AT)
    good.url = "http://[::1]/"
    with pytest.raises(webhooks.TargetRefused):
        webhooks.change(good, OPERATOR, AT)
    good.refresh_from_db()
    assert good.url == f"https://{PUBLIC}/"
    assert AuditEntry.objects.filter(action="common.webhooks.add").count() == 1


def test_the_address_is_checked_again_when_sending(receiver, endpoint, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False
    answer = webhooks.send(endpoint, fact(), AT)
    assert (answer.taken, answer.status_code) == (False, None)
    assert "private" in answer.error
    assert receiver.requests == []


def test_the_connection_goes_to_the_address_that_was_checked(db, monkeypatch):
    """A name server that answers differently the second time (DNS rebinding) is not asked a second time."""
    asked, sent = [], []

    def getaddrinfo(host, port, **kwargs):
        asked.append(host)
        return lookup(PUBLIC if len(asked) == 1 else "127.0.0.1")(host, port)

    def answer(request):
        sent.append(request)
        return httpx.Response(204)

    real = httpx.Client
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpx, "Client", lambda **kw: real(transport=httpx.MockTransport(answer), **kw))
    endpoint = WebhookEndpoint(name="x", url="https://shop.example:8443/hook?a=1", secret="whsec_" + "QUFB" * 8)
    assert webhooks.send(endpoint, fact(), AT).taken
    assert asked == ["shop.example"]
    (request,) = sent
    assert str(request.url) == f"https://{PUBLIC}:8443/hook?a=1"
    assert request.headers["host"] == "shop.example:8443"
    assert request.extensions["sni_hostname"] == "shop.example"


def test_a_slow_receiver_does_not_hold_the_worker(endpoint, receiver, settings, monkeypatch):
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.2
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        endpoint.url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        answer = webhooks.send(endpoint, fact(), AT)
    assert not answer.taken
    assert "Timeout" in answer.error
    assert timedelta(milliseconds=answer.duration_ms) < timedelta(seconds=3)
