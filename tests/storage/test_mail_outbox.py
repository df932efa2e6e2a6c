"""The outbox: a mail goes out exactly if its transaction is committed, at least once, and leaves nothing in clear."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from clients.front import make_certificate
from servers.data_places import DataPlace
from servers.mail import Mailbox, running_mailbox
from sheetport.config import MailSettings, StorageSettings
from sheetport.features.mail import jobs, service
from sheetport.features.mail.model import LEASE, LONGEST_WAIT, PATIENCE, MailStatus
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, HOUR, SECOND, FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.runtime.mail_sender import MailSender, deliver
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.tables.audit import audit_records
from sheetport.storage.tables.mail import mails
from sheetport.storage.unit_of_work import Database, Row, UnitOfWork

ACCOUNT = "us_acc_0000000000000001"
ACTOR = system_actor(ACCOUNT)
CANARY = "https://canary.example/space/x?token=glk_canary"


@pytest.fixture
async def sqlite_db(sqlite_place: DataPlace) -> AsyncIterator[Database]:
    """One open database, for what is the same on both."""
    sqlite_place.data.mkdir(parents=True)
    settings = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    await asyncio.to_thread(upgrade, settings)
    opened = await open_database(settings, KeyRing.generate(), FakeClock())
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with running_mailbox() as running:
        yield running


@pytest.fixture
def box(mailbox: Mailbox) -> Mailbox:
    for kept in (mailbox.messages, mailbox.recipients, mailbox.answers):
        kept.clear()
    return mailbox


async def enqueue(db: Database, to: str = "ada@example.com", server: str = CANARY) -> None:
    await db.write(lambda uow: service.enqueue(uow, ACCOUNT, to, "test", server=server))


async def rows(db: Database) -> list[Row]:
    return await db.read(lambda uow: uow.fetch_all(select(mails)))


async def listed(db: Database, status: MailStatus | None = None) -> list[Any]:
    return await db.read(lambda uow: service.list_mails(uow, ACTOR, status))


async def audited(db: Database) -> list[str]:
    return [row["action"] for row in await db.read(lambda uow: uow.fetch_all(select(audit_records)))]


async def test_a_mail_is_sent_once_and_its_content_is_wiped(db: Database, box: Mailbox) -> None:
    await enqueue(db)
    (stored,) = await rows(db)
    assert "canary" not in repr([bytes(part) if isinstance(part, memoryview) else part for part in stored])
    assert await MailSender(db, box.settings).send_due() == 1
    assert await MailSender(db, box.settings).send_due() == 0
    assert box.recipients == ["ada@example.com"]
    message = box.messages[0]
    assert (message["From"], message["To"], message["Auto-Submitted"]) == (
        "Imports <imports@sheetport.example>",
        "ada@example.com",
        "auto-generated",
    )
    assert message["Message-ID"] == f"<{stored['id']}@sheetport.example>"
    assert message["Subject"] == "A test mail from Sheetport"
    assert CANARY in box.text()
    assert CANARY in box.html()
    (sent,) = await rows(db)
    assert [sent[name] for name in ("status", "ciphertext", "key_ciphertext", "lease")] == ["sent", None, None, None]


async def test_a_mail_of_a_transaction_that_fails_is_never_sent(sqlite_db: Database, box: Mailbox) -> None:
    async def work(uow: UnitOfWork) -> None:
        await service.enqueue(uow, ACCOUNT, "ada@example.com", "test", server="x")
        raise LookupError

    with pytest.raises(LookupError):
        await sqlite_db.write(work)
    assert await MailSender(sqlite_db, box.settings).send_due() == 0
    assert await rows(sqlite_db) == []


async def test_several_senders_at_once_send_each_mail_once(db: Database, box: Mailbox) -> None:
    for number in range(6):
        await enqueue(db, f"guest{number}@example.com")
    await asyncio.gather(*(MailSender(db, box.settings).send_due() for _ in range(3)))
    assert sorted(box.recipients) == [f"guest{number}@example.com" for number in range(6)]


async def test_a_mail_put_off_is_tried_after_ever_longer_waits(sqlite_db: Database, box: Mailbox) -> None:
    await enqueue(sqlite_db)
    sender, waits = MailSender(sqlite_db, box.settings), []
    for _ in range(10):
        box.answers.append("451 4.7.1 Greylisted, come back later")
        assert await sender.send_due() == 1
        (waiting,) = await listed(sqlite_db)
        assert (waiting.status, waiting.error) == (MailStatus.WAITING, "451 4.7.1 Greylisted, come back later")
        waits.append((waiting.due_at - sqlite_db.clock.now()) // SECOND)
        assert await sender.send_due() == 0, "not before its time"
        sqlite_db.clock.advance(waits[-1] * SECOND)
    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-1] == LONGEST_WAIT // SECOND
    assert await sender.send_due() == 1
    assert box.recipients == ["ada@example.com"]


async def test_a_mailbox_that_is_not_there_ends_the_mail_and_others_go_out(db: Database, box: Mailbox) -> None:
    await enqueue(db, "nobody@example.com")
    db.clock.advance(1)
    await enqueue(db, "ada@example.com")
    box.answers.append("550 5.1.1 No such user here")
    assert await MailSender(db, box.settings).send_due() == 2
    (dead,) = await listed(db, MailStatus.DEAD)
    assert (dead.recipient, dead.error) == ("nobody@example.com", "550 5.1.1 No such user here")
    assert box.recipients == ["ada@example.com"]
    assert await audited(db) == ["mail:dead"]
    assert await db.write(lambda uow: service.retry_mails(uow, ACTOR, dead.id)) == 1
    assert await MailSender(db, box.settings).send_due() == 1
    assert box.recipients == ["ada@example.com", "nobody@example.com"]
    assert await audited(db) == ["mail:dead", "mail:retry"]
    with pytest.raises(NotFound):
        await db.write(lambda uow: service.retry_mails(uow, ACTOR, dead.id))


async def test_a_mail_server_that_is_away_is_waited_for_three_days_and_no_longer(db: Database, box: Mailbox) -> None:
    await enqueue(db)
    with running_mailbox() as gone:
        away = MailSender(db, gone.settings)
    assert await away.send_due() == 1
    (waiting,) = await listed(db)
    assert waiting.status is MailStatus.WAITING
    assert "Connect" in waiting.error
    db.clock.advance(PATIENCE + HOUR)
    assert await away.send_due() == 0
    (dead,) = await listed(db)
    assert (dead.status, dead.error) == (MailStatus.DEAD, waiting.error)
    db.clock.advance(8 * DAY)
    assert await db.write(jobs.sweep_mails) == 1
    assert await listed(db) == []


async def test_a_sender_that_died_after_sending_is_followed_by_one_with_the_same_message_id(
    db: Database, box: Mailbox
) -> None:
    await enqueue(db)
    parcel = await db.write(service.claim_mail)
    assert parcel is not None
    await deliver(service.compose(parcel, box.settings.sender), "ada@example.com", box.settings)
    sender = MailSender(db, box.settings)
    assert await sender.send_due() == 0, "it is still the first one's"
    db.clock.advance(LEASE + 1)
    assert await sender.send_due() == 1
    assert len(box.messages) == 2
    assert box.messages[0]["Message-ID"] == box.messages[1]["Message-ID"]
    await db.write(lambda uow: service.postpone(uow, parcel, "too late"))  # the first one wakes up again
    assert [(mail.status, mail.error) for mail in await listed(db)] == [(MailStatus.SENT, None)]


async def test_a_row_that_was_altered_is_not_sent(sqlite_db: Database, box: Mailbox) -> None:
    await enqueue(sqlite_db)
    await sqlite_db.write(lambda uow: uow.execute(update(mails).values(recipient="thief@example.com")))
    assert await MailSender(sqlite_db, box.settings).send_due() == 0
    (dead,) = await listed(sqlite_db)
    assert "does not open" in dead.error


async def test_waiting_mails_follow_the_key_encryption_key(db: Database, box: Mailbox) -> None:
    await enqueue(db)
    assert await db.write(lambda uow: service.reseal_mails(uow, 10)) == 0
    before = db.keys
    fresh = type(before).generate()
    db.keys = type(before)(before.pepper, before.mac, before.keks | fresh.keks, fresh.current_kek)
    assert await db.write(lambda uow: service.reseal_mails(uow, 10)) == 1
    db.keys = type(before)(before.pepper, before.mac, fresh.keks, fresh.current_kek)
    assert await MailSender(db, box.settings).send_due() == 1


async def test_what_is_no_address_or_no_value_of_the_template_is_refused(sqlite_db: Database) -> None:
    for to in ("", "ada", "ada@example.com\nBcc: b@example.com", "a@b.c, d@e.f", "<a@b.c>"):
        with pytest.raises(Invalid, match="email must be an address"):
            await enqueue(sqlite_db, to)
    for values in ({}, {"server": "x", "more": "y"}):
        with pytest.raises(TypeError, match="mail test takes server"):
            await sqlite_db.write(lambda uow, v=values: service.enqueue(uow, ACCOUNT, "a@b.c", "test", **v))
    assert await rows(sqlite_db) == []


async def test_an_address_beyond_ascii_is_spelled_as_mail_servers_read_it(sqlite_db: Database, box: Mailbox) -> None:
    await enqueue(sqlite_db, "ada@bücher.example")
    assert await MailSender(sqlite_db, box.settings).send_due() == 1
    assert box.recipients == ["ada@xn--bcher-kva.example"]


async def test_a_server_that_must_encrypt_and_does_not_gets_neither_mail_nor_password(
    sqlite_db: Database, box: Mailbox
) -> None:
    await enqueue(sqlite_db)
    strict = MailSettings("127.0.0.1", box.port, box.settings.sender, "user", "p@ss")
    assert await MailSender(sqlite_db, strict).send_due() == 1
    (waiting,) = await listed(sqlite_db)
    assert "STARTTLS" in waiting.error
    assert box.messages == []
    assert box.logins == []


async def test_mail_goes_out_encrypted_and_signed_in(
    sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = make_certificate(["localhost"], tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    with running_mailbox(tls_context=context, require_starttls=True, auth_required=True) as guarded:
        await enqueue(sqlite_db)
        settings = MailSettings("localhost", guarded.port, guarded.settings.sender, "user", "p@ss")
        assert await MailSender(sqlite_db, settings).send_due() == 1
        assert [mail.error for mail in await listed(sqlite_db)] == [None]
        assert guarded.logins == [("user", "p@ss")]
        assert guarded.secure == [True]
