import numpy as np
import pytest

from market.store import binary


def test_a_row_is_written_as_postgresql_documents_it() -> None:
    packed = binary.pack(
        [
            np.array([7], dtype=np.int32),
            np.array(["2000-01-01T00:00:01"], dtype="datetime64[us]"),
            np.array([1.5]),
            np.array([True]),
        ]
    )
    assert packed.tobytes().hex(" ", 1) == (
        "00 04 "
        "00 00 00 04 00 00 00 07 "
        "00 00 00 08 00 00 00 00 00 0f 42 40 "
        "00 00 00 08 3f f8 00 00 00 00 00 00 "
        "00 00 00 01 01"
    )


def test_an_instant_before_2000_is_negative() -> None:
    packed = binary.pack([np.array(["1999-12-31T23:59:59.999999"], dtype="datetime64[us]")])
    assert packed.tobytes() == b"\x00\x01\x00\x00\x00\x08" + b"\xff" * 8


def test_a_missing_instant_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="missing"):
        binary.pack([np.array(["NaT"], dtype="datetime64[us]")])


def test_arrays_of_different_lengths_are_read_one_after_the_other_each_turned_around() -> None:
    def array(oid: int, *elements: bytes) -> bytes:
        head = b"".join(n.to_bytes(4) for n in (1, 0, oid, len(elements), 1))
        body = head + b"".join(len(element).to_bytes(4) + element for element in elements)
        return len(body).to_bytes(4) + body

    def row(ordinal: int, *arrays: bytes) -> bytes:
        return (1 + len(arrays)).to_bytes(2) + (4).to_bytes(4) + ordinal.to_bytes(4) + b"".join(arrays)

    second = (1_000_000).to_bytes(8)
    copied = (
        binary.HEADER
        + row(2, array(1184, bytes(8), second), array(21, b"\x00\x02", b"\x00\x01"))
        + row(5, array(1184, second), array(21, b"\xff\xff"))
        + binary.TRAILER
    )
    ordinals, (instants, numbers) = binary.unpack(copied, ["datetime64[us]", "int16"])
    assert list(ordinals) == [2, 2, 5]
    assert list(numbers) == [1, 2, -1]
    assert list(instants.astype(str)) == [
        "2000-01-01T00:00:01.000000",
        "2000-01-01T00:00:00.000000",
        "2000-01-01T00:00:01.000000",
    ]


def test_no_rows_are_empty_columns() -> None:
    ordinals, (instants, numbers) = binary.unpack(
        binary.HEADER + binary.TRAILER, ["datetime64[us]", "float64"]
    )
    assert len(ordinals) == len(instants) == len(numbers) == 0
    assert (instants.dtype, numbers.dtype) == (np.dtype("datetime64[us]"), np.dtype("float64"))
