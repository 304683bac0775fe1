"""One GET to a public service: never to an inner address, never redirected, bounded in time and size, tried again.

The address that was checked is the one connected to, so that a name that changes its mind leads nowhere else.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

CONNECT_SECONDS = 20
WHOLE_SECONDS = 180
ATTEMPTS = 3
LONGEST_WAIT = 30
_LATER = (408, 425, 429)
_CHUNK = 64 * 1024


class ServiceAway(Exception):
    """The service cannot be asked, or does not answer as agreed; the message says what it did."""


@dataclass
class Line:
    """How a service is asked. `inner_hosts` are hosts of one's own network that may be asked all the same."""

    most_bytes: int
    inner_hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    pace_seconds: float = 0.2
    wait: Callable[[float], None] = time.sleep
    whole_seconds: float = WHOLE_SECONDS
    connect_seconds: float = CONNECT_SECONDS

    def get(self, url: str, *, may_be_missing: bool = False) -> bytes | None:
        """The body of a 200; None for a 404 that may be. Raises ServiceAway."""
        told = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.wait(min(2.0**attempt, LONGEST_WAIT))
            try:
                status, body, retry_after = self._once(url)
            except (OSError, http.client.HTTPException, ssl.SSLError) as error:
                told = str(error) or type(error).__name__
                continue
            if status == 200:
                self.wait(self.pace_seconds)
                return body
            if status == 404 and may_be_missing:
                return None
            told = _("réponse %(status)d") % {"status": status}
            if status not in _LATER and status < 500:
                break
            if retry_after:
                self.wait(min(retry_after, LONGEST_WAIT))
        raise ServiceAway(
            _("Le service %(host)s n’a pas répondu comme convenu : %(told)s.")
            % {"host": urlsplit(url).hostname or url[:80], "told": told[:200]}
        )

    def _once(self, url: str) -> tuple[int, bytes, float]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host:
            raise ServiceAway(_("« %(url)s » n’est pas une adresse http(s).") % {"url": url[:120]})
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = self._address(host, port)
        end = time.monotonic() + self.whole_seconds
        line = http.client.HTTPConnection(host, port, timeout=self.connect_seconds)
        plain = socket.create_connection((address, port), timeout=self.connect_seconds)
        try:
            if parts.scheme == "https":
                plain = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            line.sock = plain
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            line.request("GET", target, headers={"Accept": "application/json", **self.headers})
            answer = line.getresponse()
            return answer.status, self._body(answer, end), _seconds(answer.getheader("Retry-After"))
        finally:
            line.close()
            plain.close()

    def _address(self, host: str, port: int) -> str:
        """The address to connect to. Raises ServiceAway for one of an inner network that nobody allowed."""
        found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        addresses = [str(address) for address in found]
        if host not in self.inner_hosts and any(not _is_public(address) for address in addresses):
            raise ServiceAway(
                _("%(host)s est une adresse interne : ajoutez-la à WATCH_INNER_HOSTS si c’est voulu.")
                % {"host": host}
            )
        return addresses[0]

    def _body(self, answer: http.client.HTTPResponse, end: float) -> bytes:
        """The body whole, or an error: too long, too slow, or shorter than it says."""
        parts: list[bytes] = []
        size = 0
        while chunk := answer.read1(_CHUNK):
            size += len(chunk)
            if size > self.most_bytes:
                raise ServiceAway(_("La réponse dépasse %(size)d octets.") % {"size": self.most_bytes})
            if time.monotonic() > end:
                raise TimeoutError(_("la réponse n’en finit pas"))
            parts.append(chunk)
        expected = answer.getheader("Content-Length")
        if expected and expected.isdigit() and int(expected) != size:
            raise http.client.IncompleteRead(b"", int(expected) - size)
        return b"".join(parts)


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not found.is_multicast


def _seconds(text: str | None) -> float:
    return float(text) if text and text.strip().isdigit() else 0.0
