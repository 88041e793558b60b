"""Messages that wait in the outbox are found by their id and by what stands in them, and nobody else's are."""

from __future__ import annotations

import base64

from gridloop.security.outbox_erasure import messages_of, remove_messages

MAIL = """To: ada@people.example
Subject: x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

"""


def fill(outbox, name, text):
    path = outbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_person_is_found_by_message_id_by_address_and_in_an_encoded_text(tmp_path):
    encoded = base64.b64encode("尊敬的李阿达".encode()).decode()
    fill(tmp_path, "email/t1/m1.eml", MAIL + encoded)
    fill(tmp_path, "sms/t1/m2.json", '{"address": "11100000001", "text": "hello"}')
    fill(tmp_path, "sms/.unfinished/m3.json", '{"address": "test desk", "text": "hello Ada"}')
    fill(tmp_path, "sms/t1/m4.json", '{"address": "11100000002", "text": "hello"}')
    assert messages_of(tmp_path, ["m3"], ["11100000001"]) == ["sms/.unfinished/m3.json", "sms/t1/m2.json"]
    assert messages_of(tmp_path, [], ["李阿达"]) == ["email/t1/m1.eml"]
    assert messages_of(tmp_path, [], ["ada@people.example"]) == ["email/t1/m1.eml"]


def test_removing_twice_is_removing_once_and_an_absent_outbox_is_empty(tmp_path):
    fill(tmp_path, "sms/t1/m2.json", "{}")
    fill(tmp_path, "sms/t1/m4.json", "{}")
    for _ in range(2):
        remove_messages(tmp_path, ["sms/t1/m2.json"])
    assert [path.name for path in (tmp_path / "sms" / "t1").iterdir()] == ["m4.json"]
    assert messages_of(tmp_path / "nowhere", ["m2"], ["x"]) == []
