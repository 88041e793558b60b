"""Invented people and firms: names, telephone numbers that cannot exist, addresses in a county that does not exist.

Chinese mobile numbers begin with 13–19; these begin with 111, a range that is not assigned. E-mail
addresses end in the reserved
top-level domain `example` (RFC 2606).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.archetypes import CLASSES
from gridloop.twin.contracts import Contracts
from gridloop.twin.network import COUNTY, TOWNS, VILLAGES, Network
from gridloop.twin.premises import Premises, opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = (
    "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平刚桂英华玉兰建国文辉力"
    "玲婷雪慧鑫宇浩然欣怡子涵梓萱雨泽一诺思远嘉宁清禾知夏"
)
_BRANDS = (
    "云帆",
    "汇丰源",
    "恒泰",
    "鼎盛",
    "青禾",
    "瑞景",
    "安澜",
    "锦程",
    "昌裕",
    "和润",
    "德川",
    "新苑",
    "启元",
    "百川",
    "同济堂",
    "丰收",
)
_TRADES = {
    "shop": ("便利店", "餐馆", "超市", "服装店", "理发店", "五金店", "药房", "水果店"),
    "office": ("科技有限公司", "会计事务所", "物流有限公司", "设计院", "商务中心"),
    "industry": ("机械厂", "纺织厂", "食品厂", "建材厂", "五金制品厂", "塑料制品厂", "冷链仓储"),
    "farm": ("农业合作社", "果园", "养殖场", "大棚蔬菜基地", "灌溉站"),
    "public": ("小学", "中学", "卫生院", "村民委员会", "路灯管理所", "文化站"),
}
_STREETS = ("安澜路", "禾香街", "迎波路", "芦汀巷", "新圩大道", "桥南街", "鹤鸣路", "石埠巷")

CONTACT_COLUMNS = "CUST_ID NAME PHONE EMAIL ADDRESS LANG UPDATED_AT"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a customer; everything here is personal."""

    name: str
    phone: str | None
    email: str | None
    address: str
    language: str


def draw_contacts(
    settings: TwinSettings, premises: Premises, network: Network, contracts: Contracts
) -> list[Contact]:
    """One contact per contract, in its order. 8 % lack a telephone number, 55 % an e-mail address, 2 % prefer
    English.
    """
    number = 2 * contracts.premise + contracts.later
    stream = Stream(settings.seed, "contact")
    phones = opaque_ids("111", 8, number, settings.seed)
    has_phone = (stream.uniform(number, 1) >= 0.08).tolist()
    has_email = (stream.uniform(number, 2) >= 0.55).tolist()
    english = (stream.uniform(number, 3) < 0.02).tolist()
    names = _names(settings, premises, contracts, number)
    addresses = _addresses(settings, network, contracts)
    return [
        Contact(
            name=names[row],
            phone=phones[row] if has_phone[row] else None,
            email=f"u{phones[row][3:]}@lanhe.example" if has_email[row] else None,
            address=addresses[row],
            language="en" if english[row] else "zh",
        )
        for row in range(len(contracts))
    ]


def _names(
    settings: TwinSettings, premises: Premises, contracts: Contracts, number: NDArray[np.int64]
) -> list[str]:
    bits = [Stream(settings.seed, f"name/{part}").bits(number).tolist() for part in range(4)]
    result = []
    for row, premise in enumerate(contracts.premise.tolist()):
        a, b, c, d = (part[row] for part in bits)
        customer_class = CLASSES[int(premises.traits.class_code[premise])]
        if customer_class == "residential":
            given = _GIVEN[b % len(_GIVEN)] + (_GIVEN[c % len(_GIVEN)] if d % 4 else "")
            result.append(_SURNAMES[a % len(_SURNAMES)] + given)
        else:
            trades = _TRADES[customer_class]
            result.append(f"{COUNTY}{_BRANDS[a % len(_BRANDS)]}{trades[b % len(trades)]}")
    return result


def _addresses(settings: TwinSettings, network: Network, contracts: Contracts) -> list[str]:
    bits = Stream(settings.seed, "address").bits(contracts.premise).tolist()
    towns = network.town_of_feeder[network.feeder_of_premise()]
    result = []
    for row, premise in enumerate(contracts.premise.tolist()):
        draw = bits[row]
        street, house = _STREETS[draw % len(_STREETS)], 1 + (draw >> 8) % 300
        village = VILLAGES[int(network.village_of_premise[premise])]
        result.append(
            f"{COUNTY}{TOWNS[int(towns[premise])]}{village}{street}{house}号{1 + (draw >> 20) % 30}室"
        )
    return result
