"""A letter that came back is done again, as another document, to the customer's corrected address."""

import pytest
from django.urls import reverse

from core.models import Role
from core.rights import SYSTEM
from dunning.models import Letter, Notice, Run
from dunning.operations.redone_letters import NothingToRedo, redo_letter
from dunning.operations.runs import plan_run
from tests.dunning.factories import NOW, TODAY
from tests.dunning.post_house import letters_to_post
from tests.dunning.steps import approve, render

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(time_machine) -> Notice:
    time_machine.move_to(NOW, tick=False)
    (notice,) = letters_to_post(1)
    Notice.objects.filter(pk=notice.pk).update(status=Notice.Status.SENDING)
    Notice.objects.filter(pk=notice.pk).update(status=Notice.Status.FAILED)
    return notice


def test_the_step_is_proposed_anew_with_a_letter_of_its_own(failed) -> None:
    with pytest.raises(NothingToRedo, match="corrigez-la d’abord"):
        redo_letter(actor=SYSTEM, notice_id=failed.pk, today=TODAY, now=NOW)
    customer, first = failed.customer, failed.letter
    customer.address_lines = "3 rue du Pont\n69001 LYON"
    customer.save(update_fields=["address_lines"])
    run = redo_letter(actor=SYSTEM, notice_id=failed.pk, today=TODAY, now=NOW)
    plan_run(actor=SYSTEM, run=run, now=NOW)
    failed.refresh_from_db()
    assert (failed.status, failed.reason) == (
        Notice.Status.REJECTED, "courrier refait à l’adresse corrigée",
    )  # fmt: skip
    anew = Notice.objects.get(run=run)
    approve(anew)
    render(anew)
    assert anew.letter.context["debtor"]["address_lines"] == ["3 rue du Pont", "69001 LYON"]
    # The first one stays as it was made.
    assert Letter.objects.get(notice=failed).file.sha256 == first.file.sha256


def test_the_page_offers_it_once_the_address_is_corrected(failed, make_user, sign_in) -> None:
    manager = sign_in(make_user(Role.CREDIT_MANAGER))
    here = reverse("dunning:notice-detail", args=[failed.pk])
    page = manager.get(here).content.decode()
    assert "à la même adresse" in page and "Refaire à la nouvelle adresse" not in page
    customer = failed.customer
    customer.address_lines = "3 rue du Pont\n69001 LYON"
    customer.save(update_fields=["address_lines"])
    assert "Refaire à la nouvelle adresse" in manager.get(here).content.decode()
    manager.post(reverse("dunning:notice-redo", args=[failed.pk]), {"next": here})
    assert Run.objects.filter(status=Run.Status.REQUESTED).count() == 1
    again = manager.post(reverse("dunning:notice-redo", args=[failed.pk]), {"next": here}, follow=True)
    assert "n’est pas en échec" in again.content.decode()
