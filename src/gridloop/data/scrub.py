"""Free text without people: names, telephone numbers, e-mail addresses and numbers of persons are replaced before
text is stored (docs/conventions.md §7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import pyarrow as pa

FREE_TEXT = frozenset({("ticket", "text"), ("ticket", "resolution"), ("interaction", "details")})
"""Columns of canonical tables that people write freely; every import scrubs them, whatever its recipe says."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(
    r"(?<![\d.])(?!\d{4}-\d{2}-\d{2}(?!\d))[A-Z]{0,3}\+?\d(?:[ -]?\d){6,}[\dXx]?(?![\d.]*\d)"
)
_SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余苏叶吕魏蒋田杜丁沈姜范江傅钟卢汪戴崔任陆廖姚方金邱夏谭韦贾邹石熊孟秦阎薛侯雷白龙段郝孔邵史毛常万顾赖武康贺严尹钱施牛洪龚"
)  # fmt: skip
_TITLED = re.compile(rf"[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?=先生|女士|小姐|师傅|老师|经理)")
_INTRODUCED = re.compile(
    rf"(?<=我是|我叫|姓名|本人|客户|用户)[::]?[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}(?=[,,。.;;、\s]|$)"
)
_ENGLISH = re.compile(r"\b(Mr|Mrs|Ms|Miss|Dr)\b\.? [A-Z][a-z]+(?: [A-Z][a-z]+)?")
_HAN = re.compile(r"[\u4e00-\u9fff]")

Person = Mapping[str, object]


class Scrubber:
    """Replaces what identifies a person by `[name]`, `[phone]`, `[email]`, `[number]` or `[address]`.

    Rather too much is replaced than too little: a name of two characters that is also a word goes too.

    Args:
        people: what the vault knows of each person, read when the first text comes; patterns alone where there is none.
    """

    def __init__(self, people: Callable[[], Iterable[Person]] | None = None) -> None:
        self._people = people
        self._words: dict[str, str] | None = None
        self._lengths: list[int] = []

    def text(self, text: str) -> str:
        """One text without people."""
        text = _EMAIL.sub("[email]", text)
        text = self._known(text)
        text = _NUMBER.sub(_number, text)
        text = _TITLED.sub("[name]", text)
        text = _INTRODUCED.sub("[name]", text)
        return _ENGLISH.sub(r"\1 [name]", text)

    def column(self, texts: pa.Array) -> pa.Array:
        """A string array, each text scrubbed; null stays null."""
        encoded = texts.cast(pa.string()).dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        words = pa.array([self.text(word) for word in encoded.dictionary.to_pylist()], pa.string())
        return words.take(encoded.indices)

    def _known(self, text: str) -> str:
        """Whatever the vault knows, longest first."""
        if self._words is None:
            self._read()
        words, place, kept = self._words or {}, 0, list[str]()
        while place < len(text):
            for length in self._lengths:
                piece = text[place : place + length]
                if len(piece) == length and piece in words and _stands_alone(text, place, piece):
                    kept.append(words[piece])
                    place += length
                    break
            else:
                kept.append(text[place])
                place += 1
        return "".join(kept)

    def _read(self) -> None:
        self._words = {}
        for person in self._people() if self._people is not None else ():
            for key, word in (("name", "[name]"), ("phone", "[phone]"), ("address", "[address]")):
                value = person.get(key)
                if isinstance(value, str) and len(value.strip()) >= 2:
                    self._words[value.strip()] = word
        self._lengths = sorted({len(word) for word in self._words}, reverse=True)


def _number(match: re.Match[str]) -> str:
    digits = sum(letter.isdigit() for letter in match[0])
    return "[phone]" if digits <= 13 and not match[0][0].isalpha() else "[number]"


def _stands_alone(text: str, place: int, piece: str) -> bool:
    """Whether a Latin name is not a part of a longer word; Chinese has no words apart."""
    if _HAN.match(piece):
        return True
    before, after = text[place - 1 : place], text[place + len(piece) : place + len(piece) + 1]
    return not (before.isalnum() and before.isascii()) and not (after.isalnum() and after.isascii())
