"""The services that announcements come from: both shapes, and all that a service may do wrong."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core import clock
from core.models import JobRun
from customers.models import Customer
from risk.models import LegalEvent, WatchFile
from risk.open_data.bodacc_service import BodaccService
from risk.open_data.http import Line, ServiceAway
from risk.operations.watch_sources import read_bodacc, read_directory, sweep_watch_folder
from risk.tasks_watch import BODACC_JOB, read_announcements
from tests.customers.factories import CustomerFactory
from tests.dunning.factories import load_law
from tests.risk.announcements import as_file, record
from tests.risk.factories import NOW, TODAY

Answer = tuple[int, bytes]


class Service:
    """A local open-data service; `answer(path, query)` says what it does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[str, dict[str, str]], Answer] = lambda path, query: (404, b"")
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                service.asked.append((parts.path, query))
                status, body = service.answer(parts.path, query)
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=latin-1")
                self.send_header("Content-Length", str(service.claimed_length or len(body)))
                if 300 <= status < 400:
                    self.send_header("Location", "http://169.254.169.254/")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.claimed_length = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def explore(self, line: Line) -> BodaccService:
        return BodaccService(
            f"{self.url}/api/explore/v2.1/catalog/datasets/annonces-commerciales",
            ("collective", "radiation"),
            line,
        )

    def legacy(self, line: Line) -> BodaccService:
        return BodaccService(f"{self.url}/api/records/1.0/search/", ("collective",), line)


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def line() -> Line:
    return Line(most_bytes=5_000_000, inner_hosts=("127.0.0.1",), pace_seconds=0, wait=lambda seconds: None)


def many(count: int) -> list[dict[str, Any]]:
    return [{"id": f"A20260222{number}", "dateparution": "2026-11-20"} for number in range(count)]


def paged(
    rows: list[dict[str, Any]], *, legacy: bool = False, total: int | None = None
) -> Callable[..., Answer]:
    """A service without exports, whose pages end at ten thousand."""

    def answer(path: str, query: dict[str, str]) -> Answer:
        if "/exports/" in path:
            return 404, b""
        offset = int(query.get("start" if legacy else "offset", 0))
        size = int(query["rows" if legacy else "limit"])
        if offset + size > 10_000 or size > 100:
            return 400, b'{"error_code": "InvalidRESTParameterError"}'
        page = rows[offset : offset + size]
        said = len(rows) if total is None else total
        if legacy:
            return 200, json.dumps({"nhits": said, "records": [{"fields": row} for row in page]}).encode()
        return 200, json.dumps({"total_count": said, "results": page}).encode()

    return answer


class TestShapes:
    def test_the_export_of_a_day(self, service: Service, line: Line) -> None:
        service.answer = lambda path, query: (200, json.dumps(many(3)).encode())
        found = json.loads(service.explore(line).day(date(2026, 11, 20)))
        assert found["total_count"] == 3
        [(path, query)] = service.asked
        assert path.endswith("/exports/json")
        assert (
            query["where"]
            == 'dateparution = date\'2026-11-20\' and familleavis in ("collective", "radiation")'
        )

    def test_pages_of_explore_and_of_the_legacy_api(self, service: Service, line: Line) -> None:
        service.answer = paged(many(250))
        assert json.loads(service.explore(line).day(TODAY))["total_count"] == 250
        service.answer = paged(many(250), legacy=True)
        service.asked.clear()
        assert json.loads(service.legacy(line).day(TODAY))["total_count"] == 250
        assert [query["start"] for _path, query in service.asked] == ["0", "100", "200"]

    def test_past_ten_thousand_the_day_is_asked_by_family(self, service: Service, line: Line) -> None:
        by_family = {"collective": many(150), "radiation": many(40)}

        def answer(path: str, query: dict[str, str]) -> Answer:
            families = [name for name in by_family if name in query.get("where", "")]
            rows = [row for name in families for row in by_family[name]]
            return paged(rows, total=10_001 if len(families) > 1 else None)(path, query)

        service.answer = answer
        assert json.loads(service.explore(line).day(TODAY))["total_count"] == 190

    def test_a_mis_declared_encoding(self, service: Service, line: Line) -> None:
        service.answer = lambda path, query: (
            200,
            json.dumps([record("732829320")], ensure_ascii=False).encode(),
        )
        [row] = json.loads(service.explore(line).day(TODAY))["results"]
        assert "procédure" in row["jugement"]


class TestWhatAServiceDoesWrong:
    def test_it_announces_more_than_it_gives(self, service: Service, line: Line) -> None:
        service.answer = paged(many(120), total=300)
        with pytest.raises(ServiceAway, match="300"):
            service.explore(line).day(TODAY)

    def test_it_fails_twice_then_answers(self, service: Service, line: Line) -> None:
        left = [503, 429]
        service.answer = lambda path, query: (left.pop(), b"") if left else (200, b"[]")
        assert json.loads(service.explore(line).day(TODAY))["results"] == []
        assert len(service.asked) == 3

    @pytest.mark.parametrize("status", [301, 400, 401, 403, 500])
    def test_it_refuses(self, service: Service, line: Line, status: int) -> None:
        service.answer = lambda path, query: (status, b"{}")
        with pytest.raises(ServiceAway, match=str(status)):
            service.explore(line).day(TODAY)

    @pytest.mark.parametrize(
        "body", [b"<html>", b'{"results": [', b'{"error_code": "x"}', b"[1, 2]", b"null"]
    )
    def test_it_answers_something_else(self, service: Service, line: Line, body: bytes) -> None:
        service.answer = lambda path, query: (200, body)
        with pytest.raises(ServiceAway):
            service.explore(line).day(TODAY)

    def test_it_hangs(self, service: Service, line: Line) -> None:
        line.connect_seconds = 0.2

        def answer(path: str, query: dict[str, str]) -> Answer:
            time.sleep(1)
            return 200, b"[]"

        service.answer = answer
        with pytest.raises(ServiceAway):
            service.explore(line).day(TODAY)

    def test_it_cuts_its_answer_or_sends_too_much(self, service: Service, line: Line) -> None:
        service.answer = lambda path, query: (200, b"[]" + b" " * 2_000)
        line.most_bytes = 1_000
        with pytest.raises(ServiceAway, match="1000"):
            service.explore(line).day(TODAY)
        line.most_bytes, service.claimed_length, line.connect_seconds = 10_000, 5_000, 0.3
        with pytest.raises(ServiceAway):
            service.explore(line).day(TODAY)

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "[::1]", "0.0.0.0", "[::ffff:10.0.0.1]"],
    )
    def test_an_inner_address_is_not_asked(self, host: str, line: Line) -> None:
        line.inner_hosts = ()
        with pytest.raises(ServiceAway):
            line.get(f"http://{host}:9/api")

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "ftp://example.org/", "gopher://x/", "http:///x", ""]
    )
    def test_other_schemes_are_not_asked(self, url: str, line: Line) -> None:
        with pytest.raises(ServiceAway):
            line.get(url)


@pytest.mark.django_db
class TestReading:
    @pytest.fixture(autouse=True)
    def law(self) -> None:
        load_law()

    def test_days_are_read_once_and_an_outage_is_caught_up(
        self, service: Service, line: Line, settings: Any
    ) -> None:
        settings.BODACC_SINCE_DAYS = 10
        customer = CustomerFactory()

        def answer(path: str, query: dict[str, str]) -> Answer:
            day = query["where"].split("'")[1]
            if day == "2026-11-19":
                return 500, b""
            return 200, json.dumps([record(customer.siren)] if day == "2026-11-20" else []).encode()

        service.answer = answer
        read = read_bodacc(service.explore(line), last_read=None, today=TODAY, now=NOW)
        assert (read.until, read.new, "2026-11-19" in read.error) == (date(2026, 11, 18), 0, True)
        service.answer = lambda path, query: (
            200, json.dumps([record(customer.siren)] if "2026-11-20" in query["where"] else []).encode(),
        )  # fmt: skip
        read = read_bodacc(service.explore(line), last_read=read.until, today=TODAY, now=NOW)
        assert (read.until, read.new, read.error) == (TODAY, 1, "")
        customer.refresh_from_db()
        assert customer.status == Customer.Status.INSOLVENT
        again = read_bodacc(service.explore(line), last_read=TODAY, today=TODAY, now=NOW)
        assert (again.new, again.files) == (0, 0)
        assert len(again.days) == 4

    @pytest.mark.django_db(transaction=True)
    def test_the_job_keeps_where_it_stopped(self, service: Service, settings: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(clock, "today", lambda: TODAY)
        monkeypatch.setattr(clock, "now", lambda: NOW)
        settings.BODACC_URL = service.explore(Line(1)).url
        settings.BODACC_SINCE_DAYS, settings.WATCH_INNER_HOSTS = 2, ["127.0.0.1"]
        service.answer = lambda path, query: (400, b"{}") if "2026-11-23" in query["where"] else (200, b"[]")
        with pytest.raises(ServiceAway):
            read_announcements()
        job = JobRun.objects.get(name=BODACC_JOB)
        assert (job.status, job.counts["until"]) == ("FAILED", "2026-11-22")
        service.answer = lambda path, query: (200, b"[]")
        read_announcements()
        job.refresh_from_db()
        assert (job.status, job.counts["until"], job.attempts) == ("DONE", "2026-11-23", 2)
        asked = len(service.asked)
        read_announcements()
        assert len(service.asked) == asked

    def test_the_directory_is_asked_company_by_company(
        self, service: Service, line: Line, settings: Any
    ) -> None:
        settings.SIRENE_URL, settings.SIRENE_KEY = f"{service.url}/siren/{{siren}}", "clé"
        settings.SIRENE_KEY = "cle"
        closed, unknown = CustomerFactory(), CustomerFactory()

        def answer(path: str, query: dict[str, str]) -> Answer:
            if unknown.siren in path:
                return 404, b""
            period = {"etatAdministratifUniteLegale": "C", "dateDebut": "2026-10-31", "dateFin": None}
            return 200, json.dumps(
                {"uniteLegale": {"siren": closed.siren, "periodesUniteLegale": [period]}}
            ).encode()

        service.answer = answer
        read, last = read_directory(after=0, today=TODAY, now=NOW, asked=line)
        assert (read.new, last) == (1, unknown.pk)
        event = LegalEvent.objects.get()
        assert (event.kind, event.facts["ceased_on"], event.outcomes.get().status) == (
            "CEASED", "2026-10-31", "TO_REVIEW",
        )  # fmt: skip
        read, _last = read_directory(
            after=0, today=TODAY + timedelta(days=1), now=NOW + timedelta(days=1), asked=line
        )
        assert read.new == 0
        assert read_directory(after=last, today=TODAY, now=NOW, asked=line)[1] == 0


@pytest.mark.django_db
class TestFolder:
    def test_files_are_taken_once_and_put_away_with_their_report(self, settings: Any, tmp_path: Any) -> None:
        load_law()
        storages = {name: dict(options) for name, options in settings.STORAGES.items()}
        storages["drop"]["OPTIONS"] = {"location": str(tmp_path), "base_url": None}
        settings.STORAGES = storages
        folder = tmp_path / "veille"
        folder.mkdir()
        customer = CustomerFactory()
        (folder / "jour.json").write_bytes(as_file(record(customer.siren)))
        (folder / "image.json").write_bytes(b"\x89PNG")
        (folder / "encours.json.part").write_bytes(b"{")
        later = datetime.now(UTC) + timedelta(minutes=5)
        assert sweep_watch_folder(today=TODAY, now=later) == 2
        assert sorted(path.name for path in folder.glob("*.*")) == ["encours.json.part"]
        report = next((folder / "archive").rglob("jour.json.compte-rendu.txt")).read_text()
        assert "nouvelles : 1" in report.replace("\u00a0", " ")
        assert (folder / "refused" / "image.json").exists()
        # Put there again under another name: put away, and nothing else.
        (folder / "copie.json").write_bytes(as_file(record(customer.siren)))
        assert sweep_watch_folder(today=TODAY, now=later) == 1
        assert WatchFile.objects.count() == 1
