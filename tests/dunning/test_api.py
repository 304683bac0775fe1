"""Notices over the API, and the letters as they were sent."""

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.files import store_file
from core.models import Role
from dunning.models import Delivery, FeeWaiver, Letter, LimitationEvent, Notice
from tests.api_client import Partner, problem
from tests.dunning.factories import NOW, TODAY, make_customer, make_entity, make_item, make_policy, make_step

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 une relance"


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


def a_notice(entity=None, *, sent: bool = True, policy=None) -> Notice:
    entity = entity or make_entity()
    level = (policy or make_policy(entity)).levels.get(rank=1)
    item = make_item(make_customer(entity), "1200.00", TODAY - timedelta(days=20))
    return make_step(item, level, sent_on=TODAY - timedelta(days=3) if sent else None)


def a_letter(notice: Notice, content: bytes = PDF) -> Letter:
    file = store_file(
        content=content,
        name=f"R{notice.pk}.pdf",
        kind="dunning.letter",
        content_type="application/pdf",
        now=NOW,
    )
    return Letter.objects.create(
        notice=notice,
        reference=f"R{notice.pk}",
        context={},
        context_sha256="0" * 64,
        file=file,
        rendered_at=NOW,
    )


def test_a_notice_with_its_lines_deliveries_and_letter(partner: Partner) -> None:
    notice = a_notice()
    a_letter(notice)
    Delivery.objects.create(
        notice=notice,
        channel="EMAIL",
        recipient="compta@client.example",
        status="SENT",
        started_at=NOW,
        finished_at=NOW,
    )
    response = partner.get(f"notices/{notice.uid}")
    found = response.json()
    line = notice.lines.get()
    assert found["customer"] == {
        "id": str(notice.customer.uid),
        "external_id": notice.customer.account_code,
        "name": notice.customer.name,
    }
    assert found["level"] == {"rank": 1, "kind": "REMINDER", "channel": "EMAIL"}
    assert (found["status"], found["currency"]) == ("SENT", "EUR")
    assert (found["open_amount"], found["claimed_amount"]) == ("1200.00", "1200.00")
    assert found["sent_on"] == (TODAY - timedelta(days=3)).isoformat()
    assert found["lines"] == [
        {
            "invoice": {
                "id": str(line.item.uid),
                "external_id": line.item.number,
                "instalment": 1,
                "kind": "INVOICE",
            },
            "due_date": line.item.due_date.isoformat(),
            "open_amount": "1200.00",
            "days_late": 17,
            "interest_amount": "0.00",
            "indemnity_amount": "0.00",
        }
    ]
    assert found["deliveries"][0]["recipient"] == "compta@client.example"
    assert found["deliveries"][0]["started_at"] == "2026-11-23T08:00:00Z"
    assert found["letter"] == {
        "reference": f"R{notice.pk}",
        "sha256": hashlib.sha256(PDF).hexdigest(),
        "size": len(PDF),
        "rendered_at": "2026-11-23T08:00:00Z",
        "url": f"http://testserver/api/v1/notices/{notice.uid}/letter",
    }
    assert partner.get(f"notices/{notice.uid}", If_None_Match=response["ETag"]).status_code == 304


def test_the_letter_is_the_file_kept_byte_for_byte(partner: Partner) -> None:
    notice = a_notice()
    letter = a_letter(notice)
    for accept in ("*/*", "application/pdf"):
        response = partner.get(f"notices/{notice.uid}/letter", Accept=accept)
        assert response.status_code == 200
        assert response["Content-Type"] == "application/pdf"
        content = response.getvalue()
        assert hashlib.sha256(content).hexdigest() == letter.file.sha256
        assert response["ETag"] == f'"{letter.file.sha256}"'
    assert partner.get(f"notices/{notice.uid}/letter", If_None_Match=response["ETag"]).status_code == 304
    problem(partner.get(f"notices/{notice.uid}/letter", Accept="text/html"), 406, "not_acceptable")


def test_a_notice_without_a_letter_has_none(partner: Partner) -> None:
    notice = a_notice(sent=False)
    assert partner.get(f"notices/{notice.uid}").json()["letter"] is None
    problem(partner.get(f"notices/{notice.uid}/letter"), 404, "not_found")


def test_out_of_scope_there_is_neither_notice_nor_letter(make_user) -> None:
    notice = a_notice()
    a_letter(notice)
    partner = Partner(make_user(Role.API_PARTNER, sees=[make_entity()]))
    problem(partner.get(f"notices/{notice.uid}"), 404, "not_found")
    problem(partner.get(f"notices/{notice.uid}/letter"), 404, "not_found")
    assert partner.get("notices").json()["results"] == []


def test_a_notice_has_no_other_id_than_ours(partner: Partner) -> None:
    notice = a_notice()
    problem(partner.get(f"notices/{notice.pk}"), 404, "not_found")
    problem(partner.get(f"notices/external:{notice.pk}"), 404, "not_found")


def test_the_latest_come_first_and_filters_narrow(partner: Partner) -> None:
    old, new = a_notice(), a_notice(sent=False)
    assert [row["id"] for row in partner.get("notices").json()["results"]] == [str(new.uid), str(old.uid)]
    for query in (
        "status=SENT",
        f"entity={old.legal_entity.code}",
        f"customer={old.customer.uid}",
        f"customer=external:{old.customer.account_code}",
        f"as_of_before={old.as_of}",
    ):
        assert [row["id"] for row in partner.get(f"notices?{query}").json()["results"]] == [str(old.uid)], (
            query
        )
    for query in ("level=FORMAL_NOTICE", "channel=LETTER", "customer=nobody", "min_amount=1200.01"):
        assert partner.get(f"notices?{query}").json()["results"] == [], query


def test_a_page_costs_the_same_number_of_queries_whatever_its_length(partner: Partner) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert partner.get(path).status_code == 200
        return len(captured)

    partner.get("notices")
    entity = make_entity()
    policy = make_policy(entity)
    first = a_notice(entity, policy=policy)
    a_notice(entity, policy=policy)
    few, one = queries("notices"), queries(f"notices/{first.uid}")
    for _notice in range(18):
        a_letter(a_notice(entity, policy=policy), PDF)
    assert queries("notices") == few
    for number in range(2, 10):
        item = make_item(first.customer, "10.00", TODAY - timedelta(days=20))
        first.lines.create(item=item, rank=1, open_amount="10.00", days_late=17)
        Delivery.objects.create(notice=first, channel="EMAIL", attempt=number, started_at=NOW)
    assert queries(f"notices/{first.uid}") == one


def test_waivers_and_acts_of_limitation_are_listed_within_ones_scope(partner: Partner, make_user) -> None:
    item = make_item(make_customer(make_entity()), "900.00", TODAY - timedelta(days=60))
    other = make_item(make_customer(make_entity()), "700.00", TODAY - timedelta(days=60))
    person = make_user(Role.CREDIT_MANAGER, email="geste@example.test")
    for one, revoked in ((item, None), (other, TODAY)):
        FeeWaiver.objects.create(
            item=one,
            part="INTEREST",
            reason="Geste commercial",
            granted_by=person,
            granted_on=TODAY,
            created_at=NOW,
            revoked_on=revoked,
        )
        LimitationEvent.objects.create(
            item=one, kind="MEDIATION", happened_on=TODAY, evidence="Courrier signé", recorded_at=NOW
        )
    waivers = partner.get("waivers").json()["results"]
    assert [row["invoice"]["external_id"] for row in waivers] == [other.number, item.number]
    assert (waivers[1]["part"], waivers[1]["interest_amount"], waivers[1]["revoked_on"]) == (
        "INTEREST", None, None,
    )  # fmt: skip
    in_force = partner.get("waivers?in_force=true").json()["results"]
    assert [row["invoice"]["external_id"] for row in in_force] == [item.number]
    events = partner.get(f"limitation-events?invoice=external:{item.number}&kind=MEDIATION").json()
    assert [row["evidence"] for row in events["results"]] == ["Courrier signé"]
    scoped = Partner(make_user(Role.API_PARTNER, email="erp2@example.test", sees=[item.legal_entity]))
    for path in ("waivers", "limitation-events"):
        seen = scoped.get(f"{path}").json()["results"]
        assert [row["invoice"]["external_id"] for row in seen] == [item.number], path
