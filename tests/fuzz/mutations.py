"""Mutations of files and texts: pure functions of a seed, so that every one of them can be made again."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
TOKENS = (
    *"()[]{}=,|.:\"'\\\n\0\t#é漢",
    "..", "-1", "0", "1e999", "nan", "inf", "-inf", "9" * 30, "0x", "true", "null", "None", "(" * 3000, "[" * 3000,
    '{"a":' * 1500, "a" * 5000, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "__class__", "kind", "''",
)  # fmt: skip


def mutated(seed: int, corpus: Sequence[bytes], repair: Callable[[bytes], bytes]) -> bytes:
    """One of the corpus, changed in one to eight places; of every second one checksums are made good again."""
    rng = random.Random(seed)
    content = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        _change(rng, content, rng.choice(corpus))
    result = bytes(content)
    return repair(result) if rng.random() < 0.5 else result


def mutated_text(seed: int, corpus: Sequence[str]) -> str:
    """One of the texts, with tokens put in, cut out, doubled and exchanged."""
    rng = random.Random(seed)
    text = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice((0, 1, 2, 5, 20)))
        match rng.randrange(4):
            case 0:
                text = text[:start] + rng.choice(TOKENS) + text[end:]
            case 1:
                text = text[:start] + text[end:]
            case 2:
                text = text[:end] + text[start:end] + text[end:]
            case _:
                other = rng.choice(corpus)
                place = rng.randint(0, len(other))
                text = text[:start] + other[place : place + 20] + text[end:]
    return text


def _change(rng: random.Random, content: bytearray, other: bytes) -> None:
    if not content:
        content += other[:8]
        return
    # headers are where parsers are; half of the changes fall into the first 256 bytes
    reach = len(content) if rng.random() < 0.5 else min(len(content), 256)
    place = rng.randrange(reach)
    length = rng.choice((1, 2, 4, 8, 64, 512))
    match rng.randrange(9):
        case 0:
            content[place] ^= 1 << rng.randrange(8)
        case 1:
            content[place] = rng.randrange(256)
        case 2:
            size = rng.choice((1, 2, 4))
            number = rng.choice(INTERESTING) & (1 << 8 * size) - 1
            content[place : place + size] = number.to_bytes(size, rng.choice(("big", "little")))
        case 3:
            del content[place:]
        case 4:
            del content[place : place + length]
        case 5:
            content[place:place] = content[place : place + length]
        case 6:
            content[place : place + length] = bytes(min(length, len(content) - place))
        case 7:
            start = rng.randrange(len(other)) if other else 0
            content[place : place + length] = other[start : start + length]
        case _:
            content[place:place] = rng.randbytes(length)


def as_it_is(content: bytes) -> bytes:
    """No checksum is known."""
    return content


def with_png_checksums(content: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what they hold."""
    result, place = bytearray(content), 8
    while place + 12 <= len(result):
        length = struct.unpack_from(">I", result, place)[0]
        end = place + 8 + length
        if end + 4 > len(result):
            break
        struct.pack_into(">I", result, end, zlib.crc32(result[place + 4 : end]))
        place = end + 4
    return bytes(result)


def with_riff_size(content: bytes) -> bytes:
    """A RIFF file (WebP) that states its own size."""
    return content[:4] + struct.pack("<I", max(0, len(content) - 8)) + content[8:]


def as_npz(content: bytes) -> bytes:
    """A zip archive around what is no longer a sound `.npy`."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", content)
    return held.getvalue()


def gzipped(content: bytes) -> bytes:
    """A gzip stream around what is no longer a sound file."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(content) + packer.flush()


def with_header_length(content: bytes) -> bytes:
    """A safetensors file whose header is as long as its first bytes say: JSON again, with one value exchanged."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
    except ValueError:
        return content
    rng = random.Random(zlib.crc32(content))
    _exchange(rng, header)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def _exchange(rng: random.Random, value: object) -> None:
    """Exchange one value somewhere in JSON; a text that is JSON itself is entered."""
    values = (None, -1, 0, 1e308, 10**40, "", "x" * 3000, [], {}, [[]] * 50, True, "nan")
    while isinstance(value, dict | list) and value:
        key = rng.choice(list(value) if isinstance(value, dict) else list(range(len(value))))
        inner = value[key]
        if isinstance(inner, str) and inner.startswith("{"):
            try:
                held = json.loads(inner)
            except ValueError:
                return
            _exchange(rng, held)
            value[key] = json.dumps(held)
            return
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.2:
            value[key] = rng.choice(values)
            return
        value = inner
