from tivo.log.lines import decode_line, encode_line


def test_line_gives_its_payload_back() -> None:
    assert b'{"a":1}' == decode_line(encode_line(b'{"a":1}'))


def test_empty_payload_is_a_payload() -> None:
    assert b"" == decode_line(encode_line(b""))


def test_every_torn_line_is_seen() -> None:
    line = encode_line(b"log_start 17")

    assert [None] * len(line) == [decode_line(line[:size]) for size in range(len(line))]


def test_every_flipped_bit_is_seen() -> None:
    line = encode_line(b"log_start 17")

    for bit in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[bit // 8] ^= 1 << bit % 8
        assert decode_line(bytes(flipped)) is None
