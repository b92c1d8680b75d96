"""The order in which the original lists the values of a string column: that of Scala's immutable HashMap."""

from __future__ import annotations

from collections.abc import Sequence

WORD = 0xFFFFFFFF
FEW = 4
"""Up to here the map is keyed by column and value, above by the value alone."""


def scala_order(column: str, values: Sequence[str]) -> list[str]:
    """Order distinct values by the hash trie of Scala 2.12: up to four by (column, value), more by value.

    Values with equal hashes, which the original lists as they happened to come, are in their own order.
    """
    by_pair = sorted(sorted(values), key=lambda value: _trie_path(_pair_hash(column, value)))
    if len(by_pair) <= FEW:
        return by_pair
    return sorted(by_pair, key=lambda value: _trie_path(_string_hash(value)))


def _trie_path(hash_code: int) -> tuple[int, ...]:
    mixed = (hash_code + (~(hash_code << 9) & WORD)) & WORD
    mixed ^= mixed >> 14
    mixed = (mixed + (mixed << 4)) & WORD
    mixed ^= mixed >> 10
    return tuple((mixed >> (5 * level)) & 31 for level in range(7))


def _string_hash(text: str) -> int:
    """Java's String.hashCode over UTF-16 units."""
    units = text.encode("utf-16-be", "surrogatepass")
    code = 0
    for i in range(0, len(units), 2):
        code = (31 * code + (units[i] << 8 | units[i + 1])) & WORD
    return code


def _pair_hash(first: str, second: str) -> int:
    """Scala's MurmurHash3 of a pair."""
    code = _mixed(_mixed(0xCAFEBABE, _string_hash(first)), _string_hash(second)) ^ 2
    code = ((code ^ (code >> 16)) * 0x85EBCA6B) & WORD
    code = ((code ^ (code >> 13)) * 0xC2B2AE35) & WORD
    return code ^ (code >> 16)


def _mixed(code: int, data: int) -> int:
    data = _rotated(data * 0xCC9E2D51 & WORD, 15) * 0x1B873593 & WORD
    return (_rotated(code ^ data, 13) * 5 + 0xE6546B64) & WORD


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & WORD


def map_order(keys: Sequence[str]) -> list[str]:
    """Order the keys of a map of Scala 2.12: up to four as they came, more by the hash trie."""
    return list(keys) if len(keys) <= FEW else sorted(keys, key=lambda key: _trie_path(_string_hash(key)))
