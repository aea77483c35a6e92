"""What one packet holds, told from its bytes: how many pictures it yields, and visible damage."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

__all__ = ["Mpeg4Counter", "Pictures", "picture_counter"]

_START = b"\x00\x00\x01"
_VOP = _START + b"\xb6"  # MPEG-4 part 2's name for a picture


class Pictures(NamedTuple):
    """What a packet yields when decoded."""

    shown: int = 1
    bidirectional: bool = False  # a B-frame is among them
    damaged: bool = False


def picture_counter(codec: str, extradata: bytes | None) -> Callable[[Any], Pictures]:
    """A function from packet to `Pictures` for streams of ``codec``, that decodes nothing."""
    if codec == "mpeg4":
        counter = Mpeg4Counter(extradata or b"")
        return lambda packet: counter(bytes(packet))
    if codec == "vp8":  # frames that only serve as references are stored, but never shown
        return lambda packet: Pictures(shown=(memoryview(packet)[0] >> 4) & 1)
    prefix = _length_prefix(codec, extradata)
    if prefix:
        return lambda packet: Pictures(damaged=not _units_fit(memoryview(packet), prefix))
    return lambda packet: Pictures()


class Mpeg4Counter:
    """Counts the coded pictures in packets of MPEG-4 part 2 (DivX, XviD).

    Placeholders ("not coded" pictures, as encoders write behind packed B-frames) yield nothing.
    Telling them apart needs the width of the time field, which the stream's own header gives.
    """

    def __init__(self, extradata: bytes = b"") -> None:
        self._time_bits = _time_bits(extradata)

    def __call__(self, packet: bytes) -> Pictures:
        self._time_bits = _time_bits(packet) or self._time_bits
        starts = []
        at = packet.find(_VOP)
        while at >= 0:
            starts.append(at + 4)
            at = packet.find(_VOP, at + 4)
        kinds = [
            packet[start] >> 6  # vop_coding_type: I 0, P 1, B 2, sprite 3
            for start, end in pairwise([*starts, len(packet)])
            if start < end and self._is_coded(packet[start:end])
        ]
        return Pictures(shown=len(kinds), bidirectional=2 in kinds)

    def _is_coded(self, picture: bytes) -> bool:
        """The vop_coded bit, ISO/IEC 14496-2, 6.2.5."""
        if not self._time_bits:
            return True
        bits = _Bits(picture[:32])
        bits.take(2)
        while bits.take(1):  # modulo_time_base: seconds passed, one bit each
            pass
        bits.take(1 + self._time_bits + 1)
        return bool(bits.take(1))


class _Bits:
    """Reads bits from the left; past the end come zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        value = self._value >> self._left if self._left >= 0 else 0
        return value & ((1 << count) - 1)


def _time_bits(data: bytes) -> int:
    """Width of the time field as the stream header (VOL, 6.2.3) has it; 0 where none is here."""
    at = data.find(_START)
    while at >= 0 and not 0x20 <= int.from_bytes(data[at + 3 : at + 4]) <= 0x2F:
        at = data.find(_START, at + 3)
    if at < 0:
        return 0
    bits = _Bits(data[at + 4 : at + 36])
    bits.take(1 + 8)  # random access, kind of object
    version = 1
    if bits.take(1):
        version = bits.take(4)
        bits.take(3)  # priority
    if bits.take(4) == 15:
        bits.take(8 + 8)  # own pixel aspect
    if bits.take(1):  # control parameters
        bits.take(2 + 1)  # chroma, low delay
        if bits.take(1):
            bits.take(79)  # buffer sizes
    if bits.take(2) == 3 and version != 1:
        bits.take(4)  # grey shape extension
    bits.take(1)
    resolution = bits.take(16)  # ticks per second
    return max(1, (resolution - 1).bit_length())


def _length_prefix(codec: str, extradata: bytes | None) -> int:
    """Bytes of the length before each NAL unit of H.264/HEVC in MP4 and MKV; 0 where none."""
    at = {"h264": 4, "hevc": 21}.get(codec)
    if at is None or not extradata or len(extradata) <= at or extradata[0] != 1:
        return 0
    return (extradata[at] & 3) + 1


def _units_fit(packet: memoryview, prefix: int) -> bool:
    """Whether a packet's NAL units fill it exactly, which overwritten bytes seldom leave so."""
    at = 0
    while at + prefix < len(packet):
        size = int.from_bytes(packet[at : at + prefix], "big")
        if size == 0:
            return False
        at += prefix + size
    return at == len(packet)
