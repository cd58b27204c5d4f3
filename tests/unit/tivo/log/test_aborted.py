"""The index of aborted transactions: Kafka's layout, written bit by bit, believed as far as it is proven."""

from tivo.log.aborted import AbortedIndex
from tivo.log.index import IndexProof
from tivo.log.transactions import Aborted

ONE, TWO = Aborted(7, 10, 12, 13), Aborted(8, 11, 15, 14)


def filled(*entries: Aborted) -> AbortedIndex:
    index = AbortedIndex()
    for entry in entries:
        index.append(entry)
    return index


def test_an_entry_is_laid_out_as_kafka_does() -> None:
    expected = "0000" + "0000000000000007" + "000000000000000a" + "000000000000000c" + "000000000000000d"

    assert (0, bytes.fromhex(expected)) == filled(ONE).unwritten(1)


def test_what_was_written_is_loaded() -> None:
    index = filled(ONE)
    _, first = index.unwritten(1)
    index.append(TWO)

    position, second = index.unwritten(2)
    loaded = AbortedIndex()

    assert len(first) == position
    assert loaded.load(first + second, index.proof)
    assert [ONE, TWO] == list(loaded)
    assert (2, index.proof) == (len(loaded), loaded.proof)


def test_what_lies_behind_the_proof_does_not_count() -> None:
    index = filled(ONE, TWO)
    _, first = index.unwritten(1)
    proof = index.proof
    _, second = index.unwritten(2)
    loaded = AbortedIndex()

    assert loaded.load(first + second, proof)
    assert [ONE] == list(loaded)


def test_what_is_not_what_the_proof_says_is_not_taken() -> None:
    index = filled(ONE)
    _, content = index.unwritten(1)
    loaded = AbortedIndex()

    assert not loaded.load(content[:-1], index.proof)
    assert not loaded.load(content[:-1] + b"!", index.proof)
    assert not loaded.load(b"", index.proof)
    assert (0, IndexProof(0, 0)) == (len(loaded), loaded.proof)


def test_what_could_not_be_written_is_given_once_more() -> None:
    index = filled(ONE)
    before = index.proof
    first = index.unwritten(1)

    index.rewind(before)

    assert first == index.unwritten(1)
