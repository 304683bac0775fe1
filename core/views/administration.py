"""The administration: what may be looked after here, by right; background jobs; the audit trail."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from core import clock
from core.audit_words import told, verb_words
from core.filters import AuditFilter, JobFilter
from core.keyset import keyset_page
from core.models import AuditEvent, JobRun
from core.rights import has_permission, permission_required

# URL name, right, drawing, title, what it is for. Upper floors' places are told by their URL names.
PLACES = (
    ("core:user-list", "core.manage_users", "user", _("Utilisateurs"), _("Qui entre, avec quels rôles.")),
    (
        "core:api-key-list",
        "core.manage_api_keys",
        "key",
        _("Clés d’API"),
        _("Les systèmes partenaires et leurs droits."),
    ),
    (
        "core:legal-parameter-list",
        "core.view_legal_parameters",
        "scale",
        _("Paramètres légaux"),
        _("Taux et montants de la loi, datés et sourcés."),
    ),
    (
        "dunning:policy-list",
        "dunning.view",
        "dunning",
        _("Scénarios de relance"),
        _("Niveaux, délais et canaux, par type de client."),
    ),
    (
        "core:job-list",
        "core.view_jobs",
        "jobs",
        _("Travaux de fond"),
        _("Ce qui tourne, ce qui a échoué et pourquoi."),
    ),
    (
        "core:audit-list",
        "core.view_audit",
        "clock",
        _("Journal d’audit"),
        _("Qui a fait quoi, quand, sur quel document."),
    ),
    (
        "api:swagger",
        "core.use_site",
        "globe",
        _("Documentation de l’API"),
        _("Les adresses, les champs, les erreurs."),
    ),
    (
        "core:styleguide",
        "core.use_site",
        "columns",
        _("Pièces de l’interface"),
        _("Chaque élément des pages, une fois."),
    ),
)
JOB_TONES = {JobRun.Status.RUNNING: "info", JobRun.Status.DONE: "ok", JobRun.Status.FAILED: "late"}


@require_GET
@permission_required("core.use_site")
def administration(request: HttpRequest) -> HttpResponse:
    """The places of the administration that this person may enter."""
    places = [
        {"url": reverse(name), "icon": icon, "title": title, "text": text}
        for name, permission, icon, title, text in PLACES
        if has_permission(request.user, permission)
    ]
    return render(request, "core/administration.html", {"places": places})


@require_GET
@permission_required("core.view_jobs")
def job_list(request: HttpRequest) -> HttpResponse:
    """Background jobs, the latest first."""
    filterset = JobFilter(request.GET or None, queryset=JobRun.objects.all())
    page = keyset_page(filterset.qs, order=("-started_at", "-pk"), cursor=request.GET.get("cursor", ""))
    now = clock.now()
    for job in page.rows:
        job.tone = JOB_TONES[JobRun.Status(job.status)]
        end = job.finished_at or now
        job.seconds = max(int((end - job.started_at).total_seconds()), 0)
        job.told = sorted(job.counts.items()) if isinstance(job.counts, dict) else []
    context = {
        "filterset": filterset,
        "jobs": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "core/job_list.html", context)


@require_GET
@permission_required("core.view_audit")
def audit_list(request: HttpRequest) -> HttpResponse:
    """The audit trail, the latest first; nothing in it is ever changed."""
    filterset = AuditFilter(request.GET or None, queryset=AuditEvent.objects.all())
    page = keyset_page(filterset.qs, order=("-pk",), cursor=request.GET.get("cursor", ""))
    for event, words in zip(page.rows, told(page.rows), strict=True):
        event.title = verb_words(event.verb)
        event.text = words.text
    context = {
        "filterset": filterset,
        "events": page.rows,
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "core/audit_list.html", context)
