"""The total of the rows ticked in a table: scripts count lines and leave the sums to the server."""

import re
from collections import defaultdict
from decimal import Decimal

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.rights import permission_required
from core.templatetags.format import amount

MAX_ROWS = 1000
WRITTEN = re.compile(r"([A-Z]{3}) (-?\d{1,12}(?:\.\d{1,2})?)", re.ASCII)


@require_GET
@permission_required("core.use_site")
def selection_total(request: HttpRequest) -> HttpResponse:
    """`?amount=EUR 12.50&amount=EUR 3`: « 15,50 € »; one sum per currency, never one over two currencies."""
    given = request.GET.getlist("amount")
    if len(given) > MAX_ROWS:
        return HttpResponseBadRequest(_("Trop de lignes cochées pour en faire le total."))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for text in given:
        match = WRITTEN.fullmatch(text)
        if match is None:
            return HttpResponseBadRequest(_("Un montant coché est illisible."))
        sums[match[1]] += Decimal(match[2])
    return HttpResponse(" + ".join(amount(total, currency) for currency, total in sorted(sums.items())))
