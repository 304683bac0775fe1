"""Electronic registered letters, against a provider played by an HTTP server on this machine."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from customers.models import Customer
from dunning.models import Delivery, Level, Notice
from dunning.operations.e_registered import follow_e_registered, send_e_registered
from dunning.post.e_registered import ProviderAway, e_registered_is_configured
from invoices.models import OpenItem
from tests.dunning.factories import NOW, TODAY
from tests.dunning.post_house import letters_to_post

pytestmark = pytest.mark.django_db
TOLD = {"today": TODAY, "now": NOW}


class Provider(ThreadingHTTPServer):
    """Keeps one letter a key; `mood` says how it answers: well, `silent` (keeps the letter, then fails), `refusing`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.letters: dict[str, dict] = {}
        self.mood, self.deposits = "", 0


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def _say(self, code: int, body: dict | bytes) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        assert self.headers["Authorization"] == "Bearer jeton-de-test"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = base64.b64decode(body["document"]["content"])
        assert hashlib.sha256(content).hexdigest() == body["document"]["sha256"]
        if self.server.mood == "refusing":
            return self._say(422, {"message": "adresse refusée"})
        if self.server.mood == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/ailleurs")
            return self.end_headers()
        key = self.headers["Idempotency-Key"]
        if key not in self.server.letters:
            self.server.deposits += 1
            self.server.letters[key] = {
                "id": f"ERE-{self.server.deposits}", "status": "deposited", "to": body["recipient"]["email"],
                "deposited_at": "2026-11-23T09:30:00+01:00", "tracking_number": f"LRE{self.server.deposits:010d}",
            }  # fmt: skip
        if self.server.mood == "silent":
            return self._say(503, {})
        return self._say(201, self.server.letters[key])

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.endswith("/proof"):
            return self._say(200, b"%PDF-1.4 preuve")
        if url.path == "/v1/letters":
            found = self.server.letters.get(parse_qs(url.query)["key"][0])
        else:
            name = url.path.rpartition("/")[2]
            found = next((row for row in self.server.letters.values() if row["id"] == name), None)
        return self._say(200, found) if found else self._say(404, {})


@pytest.fixture
def provider(settings) -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.ERE_URL = f"http://127.0.0.1:{server.server_port}/v1"
    settings.ERE_TOKEN = "jeton-de-test"
    yield server
    server.shutdown()
    server.server_close()


def told_by(provider: Provider, **fields: str) -> None:
    for letter in provider.letters.values():
        letter.update(fields)


def test_deposited_presented_accepted(provider) -> None:
    (notice,) = letters_to_post(1, Level.Channel.E_REGISTERED)
    assert send_e_registered(**TOLD) == 1
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY)
    told_by(provider, status="presented", presented_at="2026-11-23T10:00:00+01:00")
    later = {"today": TODAY + timedelta(days=3), "now": NOW + timedelta(days=3)}
    assert follow_e_registered(**later) == 1
    assert follow_e_registered(**later) == 0
    told_by(provider, status="accepted", accepted_at="2026-11-25T08:00:00+01:00", proof=True)
    assert follow_e_registered(**later) == 1
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.delivered_on) == (Delivery.Status.DELIVERED, TODAY + timedelta(days=2))
    assert delivery.proof is not None and delivery.tracking_number == "LRE0000000001"
    assert follow_e_registered(**later) == 0
    assert send_e_registered(**later) == 0 and provider.deposits == 1


@pytest.mark.parametrize(("said", "reason"), [("refused", "REFUSED"), ("ignored", "UNCLAIMED")])
def test_refused_or_ignored_stays_sent(provider, said: str, reason: str) -> None:
    (notice,) = letters_to_post(1, Level.Channel.E_REGISTERED)
    send_e_registered(**TOLD)
    told_by(provider, status=said, **{f"{said}_at": "2026-12-08T00:00:00+01:00"})
    follow_e_registered(today=TODAY + timedelta(days=16), now=NOW + timedelta(days=16))
    notice.refresh_from_db()
    delivery = notice.deliveries.get()
    assert (notice.status, delivery.status, delivery.return_reason) == (
        Notice.Status.SENT, Delivery.Status.RETURNED, reason,
    )  # fmt: skip


def test_an_address_nobody_reads_is_taken_back(provider) -> None:
    (notice,) = letters_to_post(1, Level.Channel.E_REGISTERED)
    send_e_registered(**TOLD)
    told_by(provider, status="undeliverable", undeliverable_at="2026-11-23T12:00:00+01:00")
    follow_e_registered(**TOLD)
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.FAILED, None)


def test_a_deposit_without_answer_is_looked_up_and_never_made_twice(provider) -> None:
    (notice,) = letters_to_post(1, Level.Channel.E_REGISTERED)
    provider.mood = "silent"
    with pytest.raises(ProviderAway):
        send_e_registered(**TOLD)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENDING and notice.not_before is not None
    provider.mood = ""
    assert send_e_registered(**TOLD) == 0
    # Paid meanwhile: the provider has it all the same, and it is said so.
    OpenItem.objects.filter(customer=notice.customer).update(open_amount=Decimal("0.00"))
    assert send_e_registered(today=TODAY, now=NOW + timedelta(minutes=11)) == 1
    notice.refresh_from_db()
    assert notice.status == Notice.Status.SENT
    assert provider.deposits == 1 and Delivery.objects.count() == 1


def test_paid_before_the_provider_got_it_is_held(provider) -> None:
    (notice,) = letters_to_post(1, Level.Channel.E_REGISTERED)
    provider.mood = "elsewhere"
    with pytest.raises(ProviderAway):
        send_e_registered(**TOLD)
    provider.mood = ""
    OpenItem.objects.filter(customer=notice.customer).update(open_amount=Decimal("0.00"))
    assert send_e_registered(today=TODAY, now=NOW + timedelta(minutes=11)) == 0
    notice.refresh_from_db()
    assert notice.status == Notice.Status.HELD
    assert provider.deposits == 0


def test_refused_by_the_provider_and_consumers_fail(provider) -> None:
    first, second = letters_to_post(2, Level.Channel.E_REGISTERED)
    Customer.objects.filter(pk=second.customer_id).update(kind=Customer.Kind.CONSUMER)
    provider.mood = "refusing"
    send_e_registered(**TOLD)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Notice.Status.FAILED, Notice.Status.FAILED)
    assert first.deliveries.get().detail == "adresse refusée"
    assert "particulier" in second.deliveries.get().detail
    assert provider.deposits == 0


@pytest.mark.parametrize(
    ("url", "token", "right"),
    [
        ("https://ere.example/v1", "t", True),
        ("http://ere.example/v1", "t", False),
        ("http://127.0.0.1:1/v1", "t", True),
        ("https://ere.example/v1", "", False),
        ("", "t", False),
    ],
)
def test_a_provider_is_named_by_https_and_token(settings, url: str, token: str, right: bool) -> None:
    settings.ERE_URL, settings.ERE_TOKEN = url, token
    assert e_registered_is_configured() is right


def test_without_provider_nothing_leaves(settings) -> None:
    settings.ERE_URL = ""
    assert send_e_registered(**TOLD) == 0
    assert follow_e_registered(**TOLD) == 0
