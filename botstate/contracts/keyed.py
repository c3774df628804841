"""Keyed entries: what `botstate.keyed` asks of a store. One collection of entries per namespace, in order of creation.

A backend implements the protected methods; it sees checked keys and exact JSON text only. Each of them is atomic
across processes, joins the caller's transaction on the ORM store, and raises StoreUnavailable.
"""

from abc import abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from botstate.contracts.addresses import MAX_KEY_CHARACTERS, check_text, hex_digest_of, readable
from botstate.contracts.facet import Facet
from botstate.exceptions import StoreError


class Collection(NamedTuple):
    """The entries of one namespace, and the bound that its opener set.

    digest: 32 hexadecimal digits that name it within the store. max_entries: None for no bound.
    rejects_new: what is full refuses a new entry, rather than drop the one that was written longest ago.
    """

    digest: str
    namespace: str
    max_entries: int | None
    rejects_new: bool

    @property
    def label(self) -> str:
        """The namespace with everything but printable ASCII escaped."""
        return readable(self.namespace)


class EntryAddress(NamedTuple):
    """A checked key of a collection. `digest` names it within the store, in 32 hexadecimal digits."""

    key: str
    digest: str

    @property
    def key_bytes(self) -> bytes:
        """The key in UTF-8, whose order as bytes is that of its code points."""
        return self.key.encode("utf-8")


class EntryRow(NamedTuple):
    """An entry as a backend gives it. Times are microseconds since 1970 by the store's clock."""

    key: str
    text: str
    created_us: int
    expires_us: int | None


class Found(NamedTuple):
    """A live entry's text and times, and what the store's clock said when it was found."""

    text: str
    created_us: int
    expires_us: int | None
    now_us: int


class Admission(Enum):
    """What became of a new entry."""

    STORED = "stored"
    PRESENT = "present"
    FULL = "full"


#: How often `update` tries again while others change the same entry.
MAX_UPDATES = 1_000


class KeyedFacet(Facet):
    """Entries by namespace and key. Source: OpenClaw's plugin state, `openKeyedStore`."""

    name = "keyed"

    def collection(self, namespace: str, max_entries: int | None, rejects_new: bool, retained: bool) -> Collection:
        """Return the collection of a checked `namespace`. Retained ones are apart, so that no bound reaches them."""
        kind = "retained" if retained else "bounded"
        digest = hex_digest_of(self._namespace, self.name, kind, namespace)
        return Collection(digest, namespace, max_entries, rejects_new)

    def entry_address(self, collection: Collection, key: str) -> EntryAddress:
        """Check `key` and return its address. Raises ValueError naming the bound."""
        check_text(key, "a key", MAX_KEY_CHARACTERS)
        # Plain text: whatever a subclass writes itself as, an Enum for one, is not the key.
        plain = str.__str__(key)
        return EntryAddress(plain, hex_digest_of(collection.digest, plain))

    def text_of(self, value: object) -> str:
        """Return a value's exact JSON text. Raises NotSerializable, and ValueError where it is too long."""
        return self._dumps(value)

    @abstractmethod
    def register(self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None) -> bool:
        """Store the entry as the newest, whatever was there; False where it is new and a full collection rejects it.

        Otherwise the collection holds at most `max_entries` live entries afterwards: what goes is what was written
        longest ago. Expired entries never count.
        """

    @abstractmethod
    def register_if_absent(
        self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None
    ) -> Admission:
        """Store the entry as `register` does, unless a live one is there, which stays as it is."""

    @abstractmethod
    def find(self, collection: Collection, address: EntryAddress) -> Found | None:
        """Return the live entry."""

    @abstractmethod
    def find_many(self, collection: Collection, addresses: list[EntryAddress]) -> list[str | None]:
        """Return the live entries' texts, in the order of `addresses`."""

    @abstractmethod
    def consume(self, collection: Collection, address: EntryAddress) -> str | None:
        """Remove the entry and return its text if it was live. Of many callers one gets it."""

    @abstractmethod
    def replace(
        self, collection: Collection, address: EntryAddress, expected: str, text: str, ttl_us: int | None
    ) -> bool:
        """Store `text` as `register` does if the live entry's text is `expected`."""

    @abstractmethod
    def delete_if(self, collection: Collection, address: EntryAddress, expected: str) -> bool:
        """Remove the live entry if its text is `expected`."""

    @abstractmethod
    def entries(self, collection: Collection) -> list[EntryRow]:
        """Return the live entries, oldest first."""

    @abstractmethod
    def entries_in_range(
        self, collection: Collection, start: str | None, end: str | None, limit: int, descending: bool
    ) -> list[EntryRow]:
        """Return the first `limit` live entries with start <= key < end, by key, as code points; None is no bound."""

    @abstractmethod
    def count(self, collection: Collection) -> int:
        """Return how many live entries there are."""

    @abstractmethod
    def clear(self, collection: Collection) -> int:
        """Remove every entry; return how many of them were live."""

    def update(
        self,
        collection: Collection,
        address: EntryAddress,
        change: Callable[[str | None], str | None],
        ttl_us: int | None,
    ) -> Admission:
        """Store change(the live entry's text or None) as `register` does; nothing where that is None.

        `change` raises nothing, and is called again where the entry was changed meanwhile. PRESENT says that the entry
        was left as it is.
        """
        for _ in range(MAX_UPDATES):
            found = self.find(collection, address)
            text = change(None if found is None else found.text)
            if text is None:
                return Admission.PRESENT
            if found is not None:
                if self.replace(collection, address, found.text, text, ttl_us):
                    return Admission.STORED
                continue
            admission = self.register_if_absent(collection, address, text, ttl_us)
            if admission is not Admission.PRESENT:
                return admission
        raise StoreError(f"an entry was changed by others {MAX_UPDATES} times while it was being updated")
