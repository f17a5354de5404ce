"""Kafka as the platform needs it: topics made once, how far they reach, when a message came, one message sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, TopicAlreadyExistsError

from lakehouse_assets.errors import LakehouseError

_PARTITION = 0  # every topic has one partition: its offsets are the order of a table's changes
_TIMEOUT_MS = 10_000
_POLL_MS = 5_000
_NEXT = "lakehouse up; for an external Kafka check LAKEHOUSE_KAFKA_BOOTSTRAP"


@dataclass(frozen=True)
class TopicState:
    """What a topic holds: the first offset kept, the next one to be written, and how many partitions it has."""

    first_offset: int
    end_offset: int


def create_topics(
    bootstrap: str, topics: Mapping[str, Mapping[str, str]], *, timeout_ms: int = _TIMEOUT_MS
) -> list[str]:
    """Make the topics (name -> config) that do not exist, with one partition each; returns the new ones' names.

    LakehouseError when the broker does not answer, or when an existing topic has more than one partition: offsets
    would order nothing then.
    """
    with _admin(bootstrap, timeout_ms) as admin:
        existing = set(admin.list_topics())
        _require_one_partition(bootstrap, admin, [name for name in topics if name in existing])
        new = [name for name in topics if name not in existing]
        for name in new:
            _create(admin, name, topics[name])
    return new


def end_offsets(bootstrap: str, topics: Iterable[str]) -> dict[str, int]:
    """The offset of the next message of each topic; topics that do not exist are left out."""
    return {name: state.end_offset for name, state in topic_states(bootstrap, topics).items()}


def topic_states(bootstrap: str, topics: Iterable[str]) -> dict[str, TopicState]:
    """First and end offset of each topic that exists."""
    with _consumer(bootstrap) as consumer:
        known = consumer.topics()
        partitions = [TopicPartition(name, _PARTITION) for name in topics if name in known]
        if not partitions:
            return {}
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        return {partition.topic: TopicState(first[partition], end[partition]) for partition in partitions}


def topic_ids(bootstrap: str, topics: Iterable[str]) -> dict[str, str]:
    """The id of each topic that exists; one that was deleted and made again has another."""
    with _admin(bootstrap, _TIMEOUT_MS) as admin:
        there = set(admin.list_topics())
        wanted = [name for name in topics if name in there]
        return {entry["name"]: str(entry["topic_id"]) for entry in admin.describe_topics(wanted)} if wanted else {}


def timestamp_at(bootstrap: str, topic: str, offset: int) -> float | None:
    """Seconds since 1970 of the first message at or after `offset`, None when there is none (yet)."""
    with _consumer(bootstrap) as consumer:
        partition = TopicPartition(topic, _PARTITION)
        consumer.assign([partition])
        first, end = consumer.beginning_offsets([partition]), consumer.end_offsets([partition])
        if offset >= end[partition]:
            return None
        consumer.seek(partition, max(offset, first[partition]))
        records = consumer.poll(timeout_ms=_POLL_MS, max_records=1).get(partition, [])
        return records[0].timestamp / 1000 if records else None


def tombstones(bootstrap: str, topic: str, offsets: Iterable[int]) -> set[int]:
    """Which of the offsets hold a message without a value; one look each, so meant for a few."""
    found: set[int] = set()
    with _consumer(bootstrap) as consumer:
        partition = TopicPartition(topic, _PARTITION)
        consumer.assign([partition])
        for offset in offsets:
            consumer.seek(partition, offset)
            records = consumer.poll(timeout_ms=_POLL_MS, max_records=1).get(partition, [])
            found |= {record.offset for record in records if record.offset == offset and record.value is None}
    return found


def produce(bootstrap: str, topic: str, key: bytes | None, value: bytes | None) -> int:
    """Write one message and return its offset once the broker has it."""
    with _errors(bootstrap):
        producer = KafkaProducer(bootstrap_servers=_servers(bootstrap), acks="all", max_block_ms=_TIMEOUT_MS)
        try:
            return producer.send(topic, key=key, value=value, partition=_PARTITION).get(timeout=30).offset
        finally:
            producer.close(timeout=5)


def _create(admin: KafkaAdminClient, name: str, config: Mapping[str, str]) -> None:
    try:
        admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=-1, topic_configs=dict(config))])
    except TopicAlreadyExistsError:
        return  # another `up` was faster


def _require_one_partition(bootstrap: str, admin: KafkaAdminClient, names: list[str]) -> None:
    wide = [entry["name"] for entry in admin.describe_topics(names) if len(entry["partitions"]) > 1] if names else []
    if wide:
        raise LakehouseError(
            f"more than one partition: {', '.join(wide)}; the changes of a table have no order then",
            where=f"Kafka {bootstrap}",
            next_step="delete the topic, run `lakehouse up`, and start the connector with a new snapshot",
        )


@contextmanager
def _admin(bootstrap: str, timeout_ms: int) -> Iterator[KafkaAdminClient]:
    with _errors(bootstrap):
        admin = KafkaAdminClient(bootstrap_servers=_servers(bootstrap), bootstrap_timeout_ms=timeout_ms)
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def _consumer(bootstrap: str) -> Iterator[KafkaConsumer]:
    with _errors(bootstrap):
        consumer = KafkaConsumer(
            bootstrap_servers=_servers(bootstrap),
            bootstrap_timeout_ms=_TIMEOUT_MS,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            isolation_level="read_committed",
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False)


@contextmanager
def _errors(bootstrap: str) -> Iterator[None]:
    # The driver logs every attempt to connect; the one error below says it once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        yield
    except (KafkaError, OSError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        silent = isinstance(error, KafkaTimeoutError | KafkaConnectionError | OSError)
        problem = "the broker does not answer" if silent else "the broker and this client do not agree"
        raise LakehouseError(f"{problem}: {text}", where=f"Kafka {bootstrap}", next_step=_NEXT) from None


def _servers(bootstrap: str) -> list[str]:
    return [server.strip() for server in bootstrap.split(",")]
