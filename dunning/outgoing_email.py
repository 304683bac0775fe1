"""What an e-mail notice is sent as: to whom, from whom, in which thread, with which files. Reads, writes nothing."""

import json
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from core.files import read_file
from customers.models import LegalEntity
from dunning.delivery import Attachment, OutgoingEmail, default_sender, message_id
from dunning.letter_enclosures import enclosed_files
from dunning.letters.context import LetterContext
from dunning.letters.email import render_email
from dunning.mail.addresses import reply_address, same_address
from dunning.models import Delivery, DunningSettings, Letter, Notice, SuppressedAddress

# Mail readers follow a thread by its last messages.
LONGEST_THREAD = 10


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom one message goes to; `refusal` says what a person must do when it goes to nobody."""

    to: str = ""
    copies: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What is known of a notice's mail: whom it is for, who complained, and what was sent before.

    `thread`: the messages that already reached the customer about items of this notice, the oldest first.
    """

    designated: tuple[str, ...]
    complained: tuple[str, ...]
    attempts: int
    message_id: str
    thread: tuple[str, ...]


_MAIL = """
SELECT ARRAY(SELECT contact.email FROM customers_contact contact
             WHERE contact.customer_id = %(customer)s AND contact.gets_dunning AND contact.email <> ''
             ORDER BY contact.id),
       ARRAY(SELECT DISTINCT event.recipient
             FROM dunning_mailevent event
             JOIN dunning_delivery delivery ON delivery.id = event.delivery_id
             JOIN dunning_notice notice ON notice.id = delivery.notice_id
             WHERE event.kind = 'COMPLAINT' AND event.recipient <> '' AND notice.customer_id = %(customer)s),
       (SELECT count(*) FROM dunning_delivery WHERE notice_id = %(notice)s),
       coalesce((SELECT message_id FROM dunning_delivery WHERE notice_id = %(notice)s AND message_id <> ''
                 ORDER BY attempt LIMIT 1), ''),
       ARRAY(SELECT delivery.message_id
             FROM dunning_notice earlier
             JOIN dunning_delivery delivery ON delivery.notice_id = earlier.id
             WHERE earlier.customer_id = %(customer)s AND earlier.id < %(notice)s
               AND delivery.channel = 'EMAIL' AND delivery.status IN ('SENT', 'DELIVERED')
               AND delivery.message_id <> ''
               AND EXISTS (SELECT FROM dunning_noticeline line
                           JOIN dunning_noticeline mine ON mine.item_id = line.item_id AND mine.rank > 0
                           WHERE line.notice_id = earlier.id AND mine.notice_id = %(notice)s)
             ORDER BY earlier.id DESC, delivery.attempt DESC
             LIMIT %(longest)s)
"""


def mail_facts(notice: Notice) -> MailFacts:
    """All that must be known of a notice to write to its customer, in one statement."""
    values = {"notice": notice.pk, "customer": notice.customer_id, "longest": LONGEST_THREAD * 2}
    with connection.cursor() as cursor:
        cursor.execute(_MAIL, values)
        designated, complained, attempts, earlier, thread = cursor.fetchone()
    # Attempts at one notice have one name.
    latest = list(dict.fromkeys(thread))[:LONGEST_THREAD]
    return MailFacts(tuple(designated), tuple(complained), attempts, earlier, tuple(reversed(latest)))


def settings_of(entity: LegalEntity) -> DunningSettings:
    """The entity's settings; those of a new one when nobody has set them."""
    found = DunningSettings.objects.filter(legal_entity=entity).first() or DunningSettings()
    found.legal_entity = entity
    return found


def recipients_of(notice: Notice, facts: MailFacts) -> Recipients:
    """The contacts who get the customer's dunning, all in one message: the first is written to, others in copy.

    Suppressed addresses are left out. After a complaint nothing goes to the customer by itself.
    """
    chosen = notice.send_to
    addresses = [chosen] if chosen else _once_each(facts.designated)
    if not addresses:
        return Recipients(
            refusal=_("Aucun contact du client ne reçoit les relances par e-mail : ajoutez-en un.")
        )
    keys = [same_address(address) for address in addresses]
    complained = () if chosen else facts.complained
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


def _once_each(addresses: tuple[str, ...]) -> list[str]:
    found: dict[str, str] = {}
    for email in addresses:
        found.setdefault(same_address(email), email)
    return list(found.values())


def message_id_of(notice: Notice, house: DunningSettings, facts: MailFacts) -> str:
    """The same for all attempts at a notice, even when the sender's address has changed between them."""
    return facts.message_id or message_id(f"notice-{notice.uid}", house.sender_email)


def outgoing_email(
    notice: Notice, letter: Letter, delivery: Delivery, house: DunningSettings, thread: tuple[str, ...] = ()
) -> OutgoingEmail:
    """The message of an attempt, from what was frozen with the letter."""
    entity = house.legal_entity
    context = LetterContext.from_json(json.dumps(letter.context, sort_keys=True, ensure_ascii=False))
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
        attachments=_attachments(letter),
        thread=thread,
    )


def _attachments(letter: Letter) -> list[Attachment]:
    enclosed = [Attachment(file.name, file.content) for file in enclosed_files(letter)]
    return [Attachment(letter.file.name, read_file(letter.file)), *enclosed]
