"""Tariffs as data, and bills from metered energy, exact to the last cent."""

from gridloop.strategy.tariff.bill import Bills, Use, price_use
from gridloop.strategy.tariff.model import Tariff
from gridloop.strategy.tariff.schedule import price_map
from gridloop.strategy.tariff.store import list_tariffs, load_tariff

__all__ = ["Bills", "Tariff", "Use", "list_tariffs", "load_tariff", "price_map", "price_use"]
