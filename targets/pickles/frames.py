"""Removes the frames of a pickle: its bytes in chunks of 64 kB, each with its length before it.

They let a reader fetch a chunk at once, mean nothing, and lie across spike trains that look alike otherwise.
"""

from __future__ import annotations

_FRAME = 0x95
_LARGE = {ord("B"): 4, ord("X"): 4, 0x8E: 8, 0x8D: 8, 0x96: 8}
"""Opcodes of objects that are too large for a frame, and stand between two; with the bytes of their length."""


def without_frames(content: bytes) -> bytes:
    """Return a pickle without the opcodes of its frames.

    Wherever it isn't as a pickler writes it, such as at a frame longer than the file, the rest is left as it is.
    """
    view = memoryview(content)
    parts = [view[:2]]
    position = 2
    while position < len(content) and content[position] == _FRAME:
        start = position + 9
        end = start + int.from_bytes(content[position + 1 : start], "little")
        if end < len(content) and content[end] in _LARGE:
            length_ends = end + 1 + _LARGE[content[end]]
            end = length_ends + int.from_bytes(content[end + 1 : length_ends], "little")
        if end > len(content):
            break
        parts.append(view[start:end])
        position = end
    if position == 2:
        return content
    parts.append(view[position:])
    return b"".join(parts)
