"""What waits for a person about limits: requests to decide, reviews to do, limits about to expire."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.models import User
from core.rights import roles_of
from customers.models import Customer
from risk.approval_rules import CREDIT_MANAGER, FINANCE_DIRECTOR
from risk.credit_policies import ALARM_DAYS
from risk.limits import visible_limits
from risk.models import CreditLimit, CreditPolicy, LimitApproval, LimitRequest, LimitReview


def requests_to_decide(user: Any, today: date) -> "QuerySet[LimitRequest]":
    """The open requests on which this person's role has a say, neither his own nor answered by him already."""
    open_requests = LimitRequest.objects.visible_to(user).open()
    if not isinstance(user, User):
        return open_requests.none()
    roles = roles_of(user)
    wanted = Q(pk__in=[])
    if CREDIT_MANAGER in roles:
        wanted |= Q(required_roles__contains=[CREDIT_MANAGER])
    if FINANCE_DIRECTOR in roles:
        wanted |= Q(required_roles__overlap=[CREDIT_MANAGER, FINANCE_DIRECTOR])
    answered = LimitApproval.objects.filter(request=OuterRef("pk"), approver=user)
    return open_requests.filter(wanted, ~Exists(answered)).exclude(requested_by=user)


def open_reviews(user: Any, today: date) -> "QuerySet[LimitReview]":
    reviews = LimitReview.objects.filter(status=LimitReview.Status.OPEN)
    customers = Customer.objects.visible_to(user)
    if customers.query.where:
        reviews = reviews.filter(customer__in=customers.order_by().values("pk"))
    return reviews


def expiring_limits(user: Any, today: date) -> "QuerySet[CreditLimit]":
    """Limits in force that end within the days of the alarm, and that no open request would replace."""
    asked = LimitRequest.objects.open().filter(
        customer=OuterRef("customer"), scope=OuterRef("scope"), kind=OuterRef("kind")
    )
    last = today + timedelta(days=ALARM_DAYS)
    return visible_limits(user).standing(today).filter(~Exists(asked), expires_on__lte=last, amount__gt=0)


def policies_to_activate(user: Any, today: date) -> "QuerySet[CreditPolicy]":
    """Versions that wait for a second person: this one did not write them."""
    waiting = CreditPolicy.objects.filter(status=CreditPolicy.Status.DRAFT, is_submitted=True)
    return waiting.exclude(editor_ids__contains=[user.pk]) if isinstance(user, User) else waiting.none()
