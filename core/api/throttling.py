"""How many requests a key, or a signed-in person, may make in a minute."""

import time
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from core.models import ApiKey

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60


@dataclass(frozen=True)
class RateLimit:
    """What is left of the window under way."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class RequestsPerMinute(BaseThrottle):
    """Windows of one minute, counted in Redis by one atomic increment. Without Redis nothing is counted or refused."""

    def __init__(self) -> None:
        self.reset = WINDOW_SECONDS

    def allow_request(self, request: Request, view: APIView) -> bool:
        limit = settings.API_REQUESTS_PER_MINUTE
        if not limit:
            return True
        now = int(time.time())
        self.reset = WINDOW_SECONDS - now % WINDOW_SECONDS
        who = request.auth.prefix if isinstance(request.auth, ApiKey) else f"user-{request.user.pk}"
        key = f"api-rate:{who}:{now // WINDOW_SECONDS}"
        try:
            cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
            count = cache.incr(key)
        except (RedisError, ValueError) as error:
            log.warning("rate_not_counted", error=str(error))
            return True
        request.rate_limit = RateLimit(limit, max(limit - count, 0), self.reset)
        return bool(count <= limit)

    def wait(self) -> float:
        return self.reset
