"""Writing one message: template, language, the customer's own numbers, and the way to refuse."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from gridloop.domain.errors import UsageError
from gridloop.engine.workspace import ChannelSettings
from gridloop.ledger.messages import Send
from gridloop.reach.channels.channel import Message
from gridloop.reach.content.phrases import NOBODY, is_chinese, money, refusal
from gridloop.reach.content.render import Value, render
from gridloop.reach.content.template import Template, load_template
from gridloop.reach.context import ReachContext
from gridloop.reach.gate import Gate
from gridloop.reach.offers import OfferFacts, offers_of
from gridloop.reach.tokens import UnsubscribeTokens
from gridloop.strategy.tariff.model import Tariff
from gridloop.strategy.tariff.store import load_tariff

DEFAULT_LANGUAGE = "zh"
"""Of people whose language is not known."""


class Composer:
    """Writes the messages of one delivery; what messages share is read once.

    Args:
        context: see `ReachContext`.
        gate: knows who is in which campaign.
    """

    def __init__(self, context: ReachContext, gate: Gate) -> None:
        self._context = context
        self._gate = gate
        self._tokens = UnsubscribeTokens.of(context.vault)
        self._offers: dict[str, Mapping[str, OfferFacts]] = {}
        self._templates: dict[str, Template] = {}
        self._tariffs: dict[str, Tariff] = {}

    def compose(self, send: Send, address: str, person: Mapping[str, object]) -> Message:
        """The message of a send.

        Args:
            send: of a campaign that was launched.
            address: of its channel; empty when there is none, then the gate stops it.
            person: fields of the vault.

        Raises:
            ValueMissing: the customer lacks a value that the template asks for.
            UsageError: there is no such template or tariff.
        """
        language = str(person.get("language") or send.language or DEFAULT_LANGUAGE)
        offer = self._offer(send)
        url, mailto = self._links(send)
        values: dict[str, Value] = {
            "name": str(person.get("name") or NOBODY["zh" if is_chinese(language) else "en"]),
            "utility": self._context.utility,
            "refusal": refusal(send.channel, language, url, mailto),
        }
        facts: dict[str, object] = {}
        if offer is not None:
            title = self._tariff(offer.tariff).title
            values["tariff"] = title.zh if is_chinese(language) else title.en
            facts["tariff"] = offer.tariff
        if offer is not None and offer.saving is not None:
            values["saving"] = money(offer.saving, self._context.currency, language)
            facts |= {"saving": f"{offer.saving:.2f}", "currency": self._context.currency}
        words = render(self._template(send), language, send.channel, values)
        return Message(
            message_id=send.message_id,
            channel=send.channel,
            address=address,
            language=language,
            subject=words.subject,
            text=words.text,
            html=words.html,
            at=self._context.clock.now(),
            unsubscribe_url=url,
            unsubscribe_mailto=mailto,
            facts=facts,
        )

    def _links(self, send: Send) -> tuple[str | None, str | None]:
        """Where one click, and where one mail, ends it; both carry the token of this message."""
        settings = self._context.channels.get(send.channel, ChannelSettings())
        token = self._tokens.make(send.message_id)
        url, to = settings.unsubscribe_url, settings.unsubscribe_mailto
        return (
            None if url is None else f"{url}{token}",
            None if to is None else f"mailto:{quote(to, safe='@')}?subject={token}",
        )

    def _offer(self, send: Send) -> OfferFacts | None:
        if send.campaign_id not in self._offers:
            campaign = self._context.ledger.campaigns.campaign(send.campaign_id)
            rules = self._gate.rules(send.campaign_id)
            self._offers[send.campaign_id] = offers_of(campaign, rules, self._context.view)
        return self._offers[send.campaign_id].get(send.customer_id)

    def _template(self, send: Send) -> Template:
        if send.template is None:
            raise UsageError("A message has no template.", evidence={"send": send.send_id})
        if send.template not in self._templates:
            self._templates[send.template] = load_template(send.template, self._context.root)
        return self._templates[send.template]

    def _tariff(self, name: str) -> Tariff:
        if name not in self._tariffs:
            self._tariffs[name] = load_tariff(name, self._context.root)
        return self._tariffs[name]
