"""What can go wrong with keys, the vault and sealed files; none of the texts holds personal data."""

from __future__ import annotations

from gridloop.domain.errors import GridloopError, NotPermitted


class WrongKey(GridloopError):
    """There is a key, but it is not the one that this vault was sealed with."""


class WrongPassphrase(NotPermitted):
    """A key backup does not open with this passphrase."""


class VaultExists(GridloopError):
    """There is a vault already; nothing was changed."""


class VaultDamaged(GridloopError):
    """The vault's file, or a record in it, was altered or cut off."""


class SealDamaged(GridloopError):
    """A sealed text or file was altered, cut off or moved to another place."""


class PseudonymCollision(GridloopError):
    """Two source ids have the same pseudonym; nothing was stored."""


class PseudonymUnknown(GridloopError):
    """The vault holds no source id for a pseudonym: it was erased, or belongs to another workspace."""


class ErasureBlocked(GridloopError):
    """An erasure cannot be completed as asked; nothing was changed."""
