"""What an e-mail notice is sent as: to whom, from whom, in which thread, with which files. Reads, writes nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from core.files import read_file
from customers.models import Contact, LegalEntity
from dunning.delivery import Attachment, OutgoingEmail, default_sender, message_id
from dunning.letter_enclosures import enclosed_files
from dunning.letters.context import LetterContext
from dunning.letters.email import render_email
from dunning.mail.addresses import reply_address, same_address
from dunning.models import Delivery, DunningSettings, Level, MailEvent, Notice, SuppressedAddress

# Mail readers follow a thread by its last messages.
LONGEST_THREAD = 10


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom one message goes to; `refusal` says what a person must do when it goes to nobody."""

    to: str = ""
    copies: tuple[str, ...] = ()
    refusal: str = ""


def settings_of(entity: LegalEntity) -> DunningSettings:
    """The entity's settings; those of a new one when nobody has set them."""
    found = DunningSettings.objects.filter(legal_entity=entity).first()
    return found or DunningSettings(legal_entity=entity)


def recipients_of(notice: Notice) -> Recipients:
    """The contacts who get the customer's dunning, all in one message: the first is written to, others in copy.

    Suppressed addresses are left out. After a complaint nothing goes to the customer by itself.
    """
    chosen = notice.send_to
    addresses = [chosen] if chosen else _designated(notice.customer_id)
    if not addresses:
        return Recipients(
            refusal=_("Aucun contact du client ne reçoit les relances par e-mail : ajoutez-en un.")
        )
    keys = [same_address(address) for address in addresses]
    complained = [] if chosen else _complaints(notice.customer_id)
    suppressed = {
        row.address: row
        for row in SuppressedAddress.objects.filter(address__in=[*keys, *complained], lifted_at=None)
    }
    for row in suppressed.values():
        if row.reason == SuppressedAddress.Reason.COMPLAINT:
            return Recipients(
                to=addresses[0],
                refusal=_(
                    "« %(address)s » a signalé nos messages comme indésirables : appelez le client, puis levez la mise "
                    "à l’écart de l’adresse ou envoyez cette relance autrement."
                )
                % {"address": row.address},
            )
    free = [address for address, key in zip(addresses, keys, strict=True) if key not in suppressed]
    if not free:
        first = suppressed[keys[0]]
        return Recipients(
            to=addresses[0],
            refusal=_(
                "« %(address)s » est écartée depuis le %(day)s (%(reason)s) : corrigez l’adresse du contact, levez la mise "
                "à l’écart, ou renvoyez à une autre adresse."
            )
            % {
                "address": addresses[0],
                "day": f"{localdate(first.suppressed_at):%d/%m/%Y}",
                "reason": first.get_reason_display().lower(),
            },
        )
    return Recipients(to=free[0], copies=tuple(free[1:]))


def _designated(customer_id: int) -> list[str]:
    rows = Contact.objects.filter(customer=customer_id, gets_dunning=True).exclude(email="").order_by("id")
    found: dict[str, str] = {}
    for email in rows.values_list("email", flat=True):
        found.setdefault(same_address(email), email)
    return list(found.values())


def _complaints(customer_id: int) -> list[str]:
    """Addresses of this customer from which a complaint came, whether they are still his contacts or not."""
    told = MailEvent.objects.filter(
        kind=MailEvent.Kind.COMPLAINT, delivery__notice__customer=customer_id
    ).exclude(recipient="")
    return list(told.values_list("recipient", flat=True).distinct())


def message_id_of(notice: Notice, house: DunningSettings) -> str:
    """The same for all attempts at a notice, even when the sender's address has changed between them."""
    earlier = notice.deliveries.exclude(message_id="").order_by("attempt").first()
    return earlier.message_id if earlier else message_id(f"notice-{notice.uid}", house.sender_email)


def outgoing_email(notice: Notice, delivery: Delivery, house: DunningSettings) -> OutgoingEmail:
    """The message of an attempt, from what was frozen with the letter."""
    entity = notice.legal_entity
    context = LetterContext.from_json(json.dumps(notice.letter.context, sort_keys=True, ensure_ascii=False))
    content = render_email(context)
    reply_to = house.reply_address or entity.email
    return OutgoingEmail(
        message_id=delivery.message_id,
        sender_name=house.sender_name or entity.name,
        sender_address=house.sender_email or default_sender(),
        reply_to=reply_address(reply_to, notice.uid, secret=settings.SECRET_KEY),
        recipient=delivery.recipient,
        copies=tuple(delivery.copies),
        blind_copy=house.copy_to,
        subject=content.subject,
        text=content.text,
        html=content.html,
        attachments=_attachments(notice),
        thread=thread_of(notice),
    )


def _attachments(notice: Notice) -> list[Attachment]:
    enclosed = [Attachment(file.name, file.content) for file in enclosed_files(notice.letter)]
    return [Attachment(notice.letter.file.name, read_file(notice.letter.file)), *enclosed]


def thread_of(notice: Notice) -> tuple[str, ...]:
    """The messages that already reached this customer about items of this notice, the oldest first."""
    items: Sequence[int] = notice.lines.filter(rank__gt=0).values_list("item", flat=True)
    earlier = (
        Delivery.objects.filter(
            notice__customer=notice.customer_id,
            notice__lt=notice.pk,
            notice__lines__item__in=list(items),
            channel=Level.Channel.EMAIL,
            status__in=[Delivery.Status.SENT, Delivery.Status.DELIVERED],
        )
        .exclude(message_id="")
        .order_by("-notice", "-attempt")
        .values_list("notice", "message_id")
        .distinct()
    )
    latest = dict.fromkeys(found for _notice, found in earlier[: LONGEST_THREAD * 2])
    return tuple(reversed(list(latest)[:LONGEST_THREAD]))
