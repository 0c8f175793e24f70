"""Sending, against a real server: nothing is lost, nothing is sent twice, nobody is trusted."""

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from auditor import erasing
from auditor.mail import Delivery, deliver, send_waiting
from auditor.mail import spool as spool_module
from auditor.mail.spool import Spool
from tests.mail_runs import folder_of, renamed, settings_of
from tests.mail_server import (
    PASSWORD,
    USER,
    Mailbox,
    free_port,
    server_context,
    serving,
    trusted,
)
from tests.sample_run import small_run

DIRECTOR, ANALYST = "director@hospital.example", "analyst@hospital.example"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("run"))


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(box: Mailbox) -> Iterator[int]:
    with serving(box, "none") as number:
        yield number


def states(deliveries: tuple[Delivery, ...]) -> list[str]:
    return [one.state for one in deliveries]


def left(spool: Path, name: str) -> list[str]:
    return sorted(path.name for path in (spool / name).iterdir())


def test_each_recipient_gets_one_message_of_their_own(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    told = deliver(run, settings_of(DIRECTOR, ANALYST, port=port), spool)

    assert states(told) == ["sent", "sent"]
    assert box.recipients() == [DIRECTOR, ANALYST]
    assert [message["To"] for message in box.messages()] == [DIRECTOR, ANALYST]
    assert len({message["Message-ID"] for message in box.messages()}) == 2
    assert left(spool, "waiting") == []


def test_what_was_sent_is_not_sent_again_unless_wanted(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    settings = settings_of(DIRECTOR, port=port)
    deliver(run, settings, spool)

    assert states(deliver(run, settings, spool)) == ["sent before"]
    assert states(deliver(run, settings, spool, again=True)) == ["sent"]
    first, second = box.messages()
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_logs_in_over_an_encrypted_line(
    security: str, run: Path, spool: Path, box: Mailbox, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    with serving(box, security, login=True) as port:
        settings = settings_of(
            DIRECTOR,
            port=port,
            security=security,
            ca_file=str(trusted(tmp_path)),
            user=USER,
            password_env="MAIL_PASSWORD",
        )
        told = deliver(run, settings, spool)

    assert states(told) == ["sent"]
    assert box.logins == [(USER, PASSWORD)]
    if security == "starttls":
        assert box.encrypted == [True]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])  # an editor on Windows marks it
def test_a_password_may_stand_in_a_file(
    encoding: str, run: Path, spool: Path, box: Mailbox, tmp_path
) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding=encoding)
    with serving(box, login=True) as port:
        settings = settings_of(
            DIRECTOR,
            port=port,
            security="starttls",
            ca_file=str(trusted(tmp_path)),
            user=USER,
            password_file=str(tmp_path / "password"),
        )
        assert states(deliver(run, settings, spool)) == ["sent"]


@pytest.mark.parametrize(("token", "state"), [(PASSWORD, "sent"), ("old", "waiting")])
def test_xoauth2_hands_over_a_token(
    token: str, state: str, run: Path, spool: Path, box: Mailbox, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("MAIL_TOKEN", token)
    with serving(box, login=True) as port:
        settings = settings_of(
            DIRECTOR,
            port=port,
            security="starttls",
            ca_file=str(trusted(tmp_path)),
            user="audit@hospital.example",
            auth="xoauth2",
            password_env="MAIL_TOKEN",
        )
        told = deliver(run, settings, spool)

    assert states(told) == [state]
    assert box.logins == [
        ("XOAUTH2", f"user=audit@hospital.example\x01auth=Bearer {token}\x01\x01")
    ]
    assert token not in told[0].reason


def test_a_wrong_password_keeps_the_mail_and_is_tried_once(
    run: Path, spool: Path, box: Mailbox, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "wrong secret words")
    with serving(box, login=True) as port:
        settings = settings_of(
            DIRECTOR,
            ANALYST,
            port=port,
            security="starttls",
            ca_file=str(trusted(tmp_path)),
            user=USER,
            password_env="MAIL_PASSWORD",
        )
        told = deliver(run, settings, spool)
        assert states(told) == ["waiting", "waiting"]
        assert "login was refused" in told[0].reason
        assert "wrong secret" not in told[0].reason
        assert len(box.logins) <= 2  # smtplib tries each mechanism that the server offers once

        monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
        assert states(send_waiting(settings, spool)) == ["sent", "sent"]
    assert sorted(box.recipients()) == [ANALYST, DIRECTOR]


def test_without_the_password_nothing_is_sent_and_the_variable_is_named(
    run: Path, spool: Path, box: Mailbox, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    with serving(box, login=True) as port:
        settings = settings_of(
            DIRECTOR,
            port=port,
            security="starttls",
            ca_file=str(trusted(tmp_path)),
            user=USER,
            password_env="MAIL_PASSWORD",
        )
        (told,) = deliver(run, settings, spool)

    assert told.state == "waiting"
    assert "MAIL_PASSWORD" in told.reason
    assert box.logins == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("fault", ["unknown authority", "another host's"])
def test_a_certificate_that_does_not_hold_is_never_accepted(
    fault: str, security: str, run: Path, spool: Path, box: Mailbox, tmp_path: Path
) -> None:
    context = (
        server_context(trustme.CA())
        if fault == "unknown authority"
        else server_context(name="mail.other.example")
    )
    with serving(box, security, context=context) as port:
        settings = settings_of(
            DIRECTOR, port=port, security=security, ca_file=str(trusted(tmp_path))
        )
        (told,) = deliver(run, settings, spool)

    assert told.state == "waiting"
    assert "certificate is not trusted" in told.reason
    assert box.attempts == 0
    assert len(left(spool, "waiting")) == 1


def test_a_server_without_starttls_gets_nothing(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    (told,) = deliver(run, settings_of(DIRECTOR, port=port, security="starttls"), spool)

    assert told.state == "waiting"
    assert "does not offer" in told.reason
    assert box.attempts == 0


def test_tls_with_a_server_that_speaks_none_is_told_and_not_retried(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    (told,) = deliver(run, settings_of(DIRECTOR, port=port, security="tls"), spool)

    assert told.state == "waiting"
    assert "mail.security" in told.reason


def test_one_refused_recipient_does_not_keep_the_mail_from_the_others(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    box.refuse = {DIRECTOR: "550 5.1.1 no such mailbox"}
    told = deliver(run, settings_of(DIRECTOR, ANALYST, port=port), spool)

    assert states(told) == ["refused", "sent"]
    assert told[0].reason == "550 5.1.1 no such mailbox"
    assert box.recipients() == [ANALYST]
    assert len(left(spool, "refused")) == 1
    assert left(spool, "waiting") == []


def test_a_refused_message_is_tried_again_when_its_run_is_mailed_again(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    settings = settings_of(DIRECTOR, port=port)
    box.refuse = {DIRECTOR: "550 no such mailbox"}
    deliver(run, settings, spool)
    box.refuse = {}

    assert states(send_waiting(settings, spool)) == []
    assert states(deliver(run, settings, spool)) == ["sent"]
    assert left(spool, "refused") == []


def test_a_message_refused_for_good_is_sent_once_and_no_more(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    box.answers = ["554 5.7.1 not wanted here"]
    (told,) = deliver(run, settings_of(DIRECTOR, port=port), spool)

    assert (told.state, box.attempts) == ("refused", 1)


@pytest.mark.parametrize("answer", ["451 4.3.0 later", "421 4.3.2 closing", "452 4.2.2 full"])
def test_a_fault_that_passes_is_tried_again(
    answer: str, run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    box.answers = [answer, answer, ""]
    (told,) = deliver(run, settings_of(DIRECTOR, port=port), spool)

    assert told.state == "sent"
    assert box.attempts == 3
    assert box.recipients() == [DIRECTOR]


def test_a_greylisted_recipient_waits_for_the_next_run(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    settings = settings_of(DIRECTOR, ANALYST, port=port, attempts=2)
    box.refuse = {DIRECTOR: "450 4.7.1 greylisted"}
    assert states(deliver(run, settings, spool)) == ["waiting", "sent"]
    box.refuse = {}

    assert states(send_waiting(settings, spool)) == ["sent"]
    assert sorted(box.recipients()) == [ANALYST, DIRECTOR]


@pytest.mark.parametrize("times", [1, 2])
def test_a_connection_dropped_in_the_middle_of_data_loses_and_doubles_nothing(
    times: int, run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    box.drop = ["mid"] * times
    (told,) = deliver(run, settings_of(DIRECTOR, port=port), spool)

    assert told.state == "sent"
    assert box.recipients() == [DIRECTOR]
    assert left(spool, "waiting") == []


def test_a_server_that_always_drops_leaves_the_mail_in_the_spool(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    settings = settings_of(DIRECTOR, ANALYST, port=port, attempts=3)
    box.drop = ["mid"] * 3
    told = deliver(run, settings, spool)

    # The server is given up after the first message's attempts; the second costs no more of them.
    assert states(told) == ["waiting", "waiting"]
    assert box.attempts == 3
    assert box.taken == []
    assert states(send_waiting(settings, spool)) == ["sent", "sent"]
    assert sorted(box.recipients()) == [ANALYST, DIRECTOR]


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_message_at_which_the_server_always_hangs_up_keeps_the_others_waiting_no_longer(
    attempts: int, run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    names = [DIRECTOR, ANALYST, "third@hospital.example"]
    box.hates = DIRECTOR
    settings = settings_of(*names, port=port, attempts=attempts)
    told = list(deliver(run, settings, spool))
    for _ in range(2 - attempts):
        told = [*send_waiting(settings, spool)]

    # The next try begins with another message.
    assert {one.address: one.state for one in told} == {
        DIRECTOR: "waiting",
        ANALYST: "sent",
        "third@hospital.example": "sent",
    }
    assert box.recipients() == names[1:]
    assert len(left(spool, "waiting")) == 1


def test_mail_of_a_sender_that_is_refused_holds_up_no_mail_of_another(
    run: Path, spool: Path, box: Mailbox, port: int, tmp_path: Path
) -> None:
    box.refuse_sender = "wrong@hospital.example"
    wrong = settings_of(DIRECTOR, ANALYST, port=port, sender=box.refuse_sender)
    assert states(deliver(run, wrong, spool)) == ["waiting", "waiting"]
    later = folder_of(tmp_path / "later", renamed(small_run(), "ffffffffffff"))

    told = deliver(later, settings_of(DIRECTOR, ANALYST, port=port), spool)

    assert states(told) == ["sent", "sent", "waiting", "waiting"]
    assert "the sender was refused" in told[2].reason
    # By its folder the earlier run is mailed anew, from the sender of now.
    assert states(deliver(run, settings_of(DIRECTOR, ANALYST, port=port), spool)) == ["sent"] * 2


def test_a_drop_before_the_answer_may_double_but_under_one_message_id(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    box.drop = ["after"]
    (told,) = deliver(run, settings_of(DIRECTOR, port=port), spool)

    assert told.state == "sent"
    assert box.recipients() == [DIRECTOR, DIRECTOR]
    assert len({message["Message-ID"] for message in box.messages()}) == 1


def test_a_slow_server_is_given_up_in_time_and_tried_again(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    box.slow, box.answers = [3.0], ["451 too late anyway"]
    (told,) = deliver(run, settings_of(DIRECTOR, port=port, timeout_seconds=0.4), spool)

    assert told.state == "sent"


def test_no_server_at_all_keeps_everything_for_the_next_run(
    run: Path, spool: Path, box: Mailbox
) -> None:
    away = settings_of(DIRECTOR, ANALYST, port=free_port(), attempts=2)
    told = deliver(run, away, spool)
    assert states(told) == ["waiting", "waiting"]
    assert len(left(spool, "waiting")) == 2

    with serving(box, "none") as port:
        settings = settings_of(DIRECTOR, ANALYST, port=port)
        assert states(send_waiting(settings, spool)) == ["sent", "sent"]
        assert states(send_waiting(settings, spool)) == []
    assert sorted(box.recipients()) == [ANALYST, DIRECTOR]


def test_the_next_run_sends_what_an_earlier_one_could_not(
    run: Path, spool: Path, box: Mailbox, tmp_path: Path
) -> None:
    deliver(run, settings_of(DIRECTOR, port=free_port(), attempts=1), spool)
    later = folder_of(tmp_path / "later", renamed(small_run(), "ffffffffffff"))

    with serving(box, "none") as port:
        told = deliver(later, settings_of(DIRECTOR, port=port), spool)

    assert states(told) == ["sent", "sent"]
    assert len(box.taken) == 2
    subjects = [message["Message-ID"] for message in box.messages()]
    assert len(set(subjects)) == 2


def test_a_message_larger_than_the_server_takes_is_refused_with_its_words(
    run: Path, spool: Path, box: Mailbox
) -> None:
    with serving(box, "none", size=2_000) as port:
        (told,) = deliver(run, settings_of(DIRECTOR, port=port), spool)

    assert told.state == "refused"
    assert told.reason.startswith("552")
    assert len(left(spool, "refused")) == 1


def test_a_kill_between_the_servers_yes_and_the_end_sends_nothing_twice(
    run: Path, spool: Path, box: Mailbox, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(DIRECTOR, port=port)
    erase = erasing.erase

    def killed(path: Path) -> bool:
        """The mark is on the disk, the message not yet removed."""
        if path.parent.name == "waiting" and path.suffix == ".eml":
            raise KeyboardInterrupt
        return erase(path)

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "erase", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(run, settings, spool)
    assert len(left(spool, "waiting")) == 1

    assert states(deliver(run, settings, spool)) == ["sent before"]
    assert len(box.taken) == 1
    assert left(spool, "waiting") == []


def test_a_kill_before_sending_loses_nothing(
    run: Path, spool: Path, box: Mailbox, port: int, monkeypatch
) -> None:
    settings = settings_of(DIRECTOR, ANALYST, port=port)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("smtplib.SMTP.sendmail", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(run, settings, spool)
    assert len(left(spool, "waiting")) == 2

    assert states(send_waiting(settings, spool)) == ["sent", "sent"]


def test_two_senders_at_once_send_one_message(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    settings = settings_of(DIRECTOR, port=port)
    box.slow = [0.5]
    found: list[str] = []
    senders = [
        threading.Thread(target=lambda: found.extend(states(deliver(run, settings, spool))))
        for _ in range(2)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert sorted(found) == ["sent", "sent before"]
    assert len(box.taken) == 1


def test_the_spool_is_for_its_owner_alone(run: Path, spool: Path) -> None:
    deliver(run, settings_of(DIRECTOR, port=free_port(), attempts=1), spool)

    for path in [spool, *spool.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert not list((spool / "waiting").glob(".*"))


def test_the_bytes_that_wait_are_the_bytes_that_are_sent(
    run: Path, spool: Path, box: Mailbox
) -> None:
    deliver(run, settings_of(DIRECTOR, port=free_port(), attempts=1), spool)
    (path,) = (spool / "waiting").iterdir()
    content = path.read_bytes()

    with serving(box, "none") as port:
        send_waiting(settings_of(DIRECTOR, port=port), spool)

    assert box.taken[0][2].rstrip(b"\r\n") == content.rstrip(b"\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_a_spool_that_cannot_be_made_is_one_clear_line(run: Path, tmp_path: Path) -> None:
    from auditor.errors import AuditError

    (tmp_path / "spool").write_text("a file", encoding="utf-8")
    with pytest.raises(AuditError, match="can't be written"):
        deliver(run, settings_of(DIRECTOR, port=1), tmp_path / "spool")


def test_without_recipients_nothing_is_done(run: Path, spool: Path) -> None:
    assert deliver(run, settings_of(), spool) == ()
    assert not spool.exists()


def test_a_password_that_no_login_can_carry_is_told_without_it(
    run: Path, spool: Path, box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "geheimnisvoll-äöü")
    with serving(box, login=True) as port:
        settings = settings_of(
            DIRECTOR,
            port=port,
            security="starttls",
            ca_file=str(trusted(tmp_path)),
            user=USER,
            password_env="MAIL_PASSWORD",
        )
        (told,) = deliver(run, settings, spool)

    assert told.state == "waiting"
    assert "beyond ASCII" in told.reason
    assert "geheim" not in told.reason


def test_what_is_no_message_of_ours_is_put_aside(spool: Path, box: Mailbox, port: int) -> None:
    with Spool(spool).locked():
        (spool / "waiting" / "stray.eml").write_text("hello", encoding="utf-8")
    (told,) = send_waiting(settings_of(DIRECTOR, port=port), spool)

    assert told.state == "refused"
    assert box.attempts == 0
    assert left(spool, "refused") == ["stray.eml"]


def test_a_full_disk_is_found_before_the_message_is_sent(
    run: Path, spool: Path, box: Mailbox, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditor.errors import AuditError

    settings = settings_of(DIRECTOR, port=port)
    write = spool_module._write_aside

    def full(path: Path, content: bytes) -> None:
        if path.parent.name == "sent":
            raise OSError(28, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(spool_module, "_write_aside", full)
        with pytest.raises(AuditError, match="No space left"):
            deliver(run, settings, spool)
    assert box.attempts == 0

    assert states(send_waiting(settings, spool)) == ["sent"]


def test_greylisted_recipients_share_the_pauses(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    names = [f"reader{place}@hospital.example" for place in range(4)]
    box.answers = ["451 later"] * 4
    told = deliver(run, settings_of(*names, port=port, retry_seconds=0.01), spool)

    assert states(told) == ["sent"] * 4
    assert box.attempts == 8
    assert box.recipients() == names


def test_a_server_that_ends_a_session_after_some_messages_gets_them_all(
    run: Path, spool: Path, box: Mailbox, port: int
) -> None:
    box.most = 2
    names = [f"reader{place}@hospital.example" for place in range(7)]
    told = deliver(run, settings_of(*names, port=port, attempts=1), spool)

    assert states(told) == ["sent"] * 7
    assert box.recipients() == names


def test_a_spool_knows_of_a_failure_until_the_next_report(spool: Path) -> None:
    with Spool(spool).locked() as box:
        assert not box.failed_last(DIRECTOR)
