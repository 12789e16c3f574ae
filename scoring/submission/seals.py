"""Salted hashes in the place of private values, and the salts that open them one by one."""

import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from pydantic import Field

from benchmark_core.documents import Document, Frozen
from scoring.bundles.manifest import SEAL, Seal

KEY_FILE_MODE: Final = 0o600
SALT_BYTES: Final = 32


class Item(Frozen):
    """`salt` is in hexadecimal digits."""

    salt: str = Field(pattern=r"^[0-9a-f]{64}$")
    value: str

    def seal(self) -> str:
        salted = bytes.fromhex(self.salt) + self.value.encode("utf-8", "surrogatepass")
        return SEAL + hashlib.sha256(salted).hexdigest()


class KeyFile(Document):
    """What opens items of one bundle, by their seals; with one item it opens that and no other."""

    items: dict[Seal, Item]


class Seals:
    """All that is sealed in one bundle.

    A value has one seal wherever it stands, in every run: so runs of one model are seen to be of
    one model. In another bundle it has another seal. `named` has the seal of each item by its name,
    `private` the values that may not be read anywhere else, with an item that has each.
    """

    def __init__(self, new_salt: Callable[[], str] = lambda: secrets.token_hex(SALT_BYTES)) -> None:
        self._new_salt = new_salt
        self._by_value: dict[str, str] = {}
        self.items: dict[str, Item] = {}
        self.named: dict[str, str] = {}
        self.private: dict[str, str] = {}

    def seal(self, value: str) -> str:
        if value not in self._by_value:
            item = Item(salt=self._new_salt(), value=value)
            self._by_value[value] = item.seal()
            self.items[self._by_value[value]] = item
        return self._by_value[value]

    def add(self, name: str, value: str, is_private: bool = True) -> str:
        """Seals the value as the item `name`."""
        self.named[name] = self.seal(value)
        if is_private:
            self.private.setdefault(value, name)
        return self.named[name]
