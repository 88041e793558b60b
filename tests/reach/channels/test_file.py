"""Messages as files: whole deliveries become visible, none comes twice, nobody else may read them."""

from __future__ import annotations

import json
import stat
from email import message_from_bytes
from email.policy import default

import pytest

from gridloop.domain.errors import UsageError
from gridloop.engine.workspace import ChannelSettings, Workspace
from gridloop.reach.channels.channel import Verdict
from gridloop.reach.channels.file import FileChannel
from gridloop.reach.channels.smtp import SmtpChannel
from gridloop.reach.channels.transports import make_channel
from gridloop.testing.channel_kit import Examined


@pytest.fixture
def outbox(tmp_path):
    """A workspace whose channels go into files."""
    return Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", name="County Power")


@pytest.fixture
def messages(outbox):
    """Makes messages of a channel."""
    examined = {
        name: Examined(lambda name=name: make_channel(outbox, name), list, "li@people.example")
        for name in ("email", "sms")
    }
    return lambda name, number, **changes: examined[name].message(number, **changes)


def visible(outbox, name):
    """Files that the operator sees, by delivery."""
    folders = sorted((outbox.outbox_dir / name).glob("[!.]*"))
    return [sorted(path.name for path in folder.iterdir()) for folder in folders]


def test_a_delivery_becomes_one_folder_with_a_file_per_message(outbox, messages):
    channel = make_channel(outbox, "sms")
    for first in (1, 3):
        with channel.open():
            channel.hand_over(messages("sms", first))
            channel.hand_over(messages("sms", first + 1))
            assert len(visible(outbox, "sms")) == first // 2
    assert visible(outbox, "sms") == [[f"{n:032x}.json" for n in pair] for pair in ((1, 2), (3, 4))]
    (folder, _) = sorted((outbox.outbox_dir / "sms").glob("[!.]*"))
    written = json.loads((folder / f"{1:032x}.json").read_text())
    assert (written["address"], written["message_id"], written["channel"]) == (
        "li@people.example",
        f"{1:032x}",
        "sms",
    )


def test_a_mail_is_a_mail(outbox, messages):
    channel = make_channel(outbox, "email")
    with channel.open():
        channel.hand_over(messages("email", 1))
    (file,) = (outbox.outbox_dir / "email").rglob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=default)
    assert (mail["To"], mail["Message-ID"]) == ("li@people.example", f"<{1:032x}@localhost>")
    assert "Li Na" in mail.get_body(("plain",)).get_content()


def test_what_was_cut_off_is_gone_on_with_and_comes_once(outbox, messages):
    with pytest.raises(KeyboardInterrupt), make_channel(outbox, "sms").open() as _:
        pass_on = make_channel(outbox, "sms")
        with pass_on.open():
            pass_on.hand_over(messages("sms", 1))
            raise KeyboardInterrupt
    assert visible(outbox, "sms") == []
    again = make_channel(outbox, "sms")
    with again.open():
        again.hand_over(messages("sms", 1))
        again.hand_over(messages("sms", 2))
    assert visible(outbox, "sms") == [[f"{1:032x}.json", f"{2:032x}.json"]]


def test_an_empty_delivery_leaves_nothing_to_see(outbox):
    with make_channel(outbox, "sms").open():
        pass
    assert visible(outbox, "sms") == []


def test_nobody_else_may_read_what_holds_addresses(outbox, messages):
    channel = make_channel(outbox, "sms")
    with channel.open():
        channel.hand_over(messages("sms", 1))
    (folder,) = (outbox.outbox_dir / "sms").glob("[!.]*")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {0o700, 0o600}


def test_a_channel_that_is_not_open_takes_nothing(outbox, messages):
    with pytest.raises(UsageError, match="not open"):
        make_channel(outbox, "sms").hand_over(messages("sms", 1))


def test_the_settings_say_which_way_a_channel_goes(outbox):
    assert isinstance(make_channel(outbox, "phone"), FileChannel)
    changed = outbox.with_settings(
        channels={"email": {"transport": "smtp", "host": "localhost"}, "sms": {"transport": "smtp"}}
    )
    assert isinstance(make_channel(changed, "email"), SmtpChannel)
    with pytest.raises(UsageError, match="does not carry the channel 'sms'"):
        make_channel(changed, "sms")


def test_a_transport_from_elsewhere_is_made_by_who_knows_it(outbox):
    demo = outbox.with_settings(demo=True, channels={"app": {"transport": "twin"}})
    with pytest.raises(UsageError, match="Nothing here carries the channel 'app'"):
        make_channel(demo, "app")
    made = []

    def make(name: str, settings: ChannelSettings):
        made.append((name, settings.transport))
        return FileChannel(name, outbox.outbox_dir, None, outbox.clock)

    assert make_channel(demo, "app", {"twin": make}).name == "app"
    assert made == [("app", "twin")]


def test_with_a_test_recipient_files_name_no_customer(outbox, messages):
    demo = outbox.with_settings(channels={"sms": {"test_recipient": "13800000000"}})
    channel = make_channel(demo, "sms")
    with channel.open():
        assert channel.hand_over(messages("sms", 1)).verdict is Verdict.ACCEPTED
    (file,) = (outbox.outbox_dir / "sms").rglob("*.json")
    assert json.loads(file.read_text())["address"] == "13800000000"
