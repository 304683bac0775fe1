"""The partner API: one router over the resources of every floor."""

from django.urls import URLPattern, path, re_path

from config.views_api import Description, redoc, root, swagger
from core.api.views import UnknownAddress
from customers import api as customers
from dunning import api as dunning
from dunning import api_law as law
from dunning import api_mail_events as mail_events
from invoices.api import ageing, bank_statements, batch_steps, batches, einvoice_statuses, items
from risk import api_credit_checks as credit_checks
from risk import api_exposures as exposures
from risk import api_limits as limits
from risk import api_orders as orders
from risk import api_scores as scores

app_name = "api"
urlpatterns: list[URLPattern] = [
    path("docs/", swagger, name="swagger"),
    path("redoc/", redoc, name="redoc"),
    path("v1/openapi", Description.as_view(), name="schema"),
    # A partner's own codes and numbers may hold a slash.
    path("v1/customers", customers.CustomerList.as_view(), name="customers"),
    path("v1/customers/<path:id>", customers.CustomerDetail.as_view(), name="customer"),
    path("v1/invoices", items.ItemList.as_view(), name="invoices"),
    path("v1/invoices/<path:id>", items.ItemDetail.as_view(), name="invoice"),
    path("v1/ageing", ageing.AgeingView.as_view(), name="ageing"),
    path("v1/invoice-batches", batches.BatchList.as_view(), name="invoice-batches"),
    path("v1/invoice-batches/<str:id>", batches.BatchDetail.as_view(), name="invoice-batch"),
    path("v1/invoice-batches/<str:id>/rows", batches.BatchRows.as_view(), name="invoice-batch-rows"),
    path(
        "v1/invoice-batches/<str:id>/errors.csv",
        batches.BatchErrorsFile.as_view(),
        name="invoice-batch-errors",
    ),
    path(
        "v1/invoice-batches/<str:id>/report.csv",
        batches.BatchReportFile.as_view(),
        name="invoice-batch-report",
    ),
    path(
        "v1/invoice-batches/<str:id>/confirmations",
        batch_steps.BatchConfirmations.as_view(),
        name="invoice-batch-confirmations",
    ),
    path(
        "v1/invoice-batches/<str:id>/rollback",
        batch_steps.BatchRollback.as_view(),
        name="invoice-batch-rollback",
    ),
    path(
        "v1/invoice-batches/<str:id>/commit", batch_steps.BatchCommit.as_view(), name="invoice-batch-commit"
    ),
    path(
        "v1/invoice-batches/<str:id>/cancel", batch_steps.BatchCancel.as_view(), name="invoice-batch-cancel"
    ),
    path("v1/einvoice-statuses", einvoice_statuses.EInvoiceStatusList.as_view(), name="einvoice-statuses"),
    path("v1/bank-statements", bank_statements.BankFileList.as_view(), name="bank-statements"),
    path("v1/bank-statements/<str:id>", bank_statements.BankFileDetail.as_view(), name="bank-statement"),
    path(
        "v1/bank-statements/<str:id>/accept",
        bank_statements.BankFileAccept.as_view(),
        name="bank-statement-accept",
    ),
    path("v1/notices", dunning.NoticeList.as_view(), name="notices"),
    path("v1/notices/<str:id>", dunning.NoticeDetail.as_view(), name="notice"),
    path("v1/notices/<str:id>/letter", dunning.NoticeLetter.as_view(), name="notice-letter"),
    path("v1/waivers", law.WaiverList.as_view(), name="waivers"),
    path("v1/limitation-events", law.LimitationEventList.as_view(), name="limitation-events"),
    path("v1/credit-checks", credit_checks.CreditCheckList.as_view(), name="credit-checks"),
    path("v1/credit-checks/<str:id>", credit_checks.CreditCheckDetail.as_view(), name="credit-check"),
    path("v1/orders", orders.OrderList.as_view(), name="orders"),
    path("v1/orders/<path:id>", orders.OrderDetail.as_view(), name="order"),
    path("v1/deliveries", orders.DeliveryList.as_view(), name="deliveries"),
    path("v1/deliveries/<path:id>", orders.DeliveryDetail.as_view(), name="delivery"),
    path("v1/exposures/<path:id>", exposures.ExposureDetail.as_view(), name="exposure"),
    path("v1/holds", exposures.HoldList.as_view(), name="holds"),
    path("v1/scores", scores.ScoreList.as_view(), name="scores"),
    path("v1/financial-statements", scores.StatementList.as_view(), name="financial-statements"),
    path("v1/external-ratings", scores.RatingList.as_view(), name="external-ratings"),
    path("v1/mail-events", mail_events.MailEventList.as_view(), name="mail-events"),
    path("v1/credit-limits", limits.LimitList.as_view(), name="credit-limits"),
    path("v1/limit-requests", limits.LimitRequestList.as_view(), name="limit-requests"),
    path("v1/limit-requests/<str:id>", limits.LimitRequestDetail.as_view(), name="limit-request"),
    re_path(r"^v1/.*$", UnknownAddress.as_view(), name="unknown"),
    path("", root, name="root"),
]
