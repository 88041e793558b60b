"""Who may see a person: keys, the vault, pseudonyms, the encrypted landing zone and erasure (docs/guides/vault.md)."""
