"""Kafka through our eyes, against the real broker of the stack."""

from __future__ import annotations

import time
import uuid

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.kafka import create_topics, end_offsets, produce, timestamp_at, topic_ids, topic_states
from lakehouse_assets_tests.real_stack import RealStack
from lakehouse_assets_tests.stack.waiting import eventually

_CONFIG = {"message.timestamp.type": "LogAppendTime"}


def _name() -> str:
    return f"test.{uuid.uuid4().hex}"


@pytest.mark.stack
def test_topics_are_made_once(stack: RealStack) -> None:
    bootstrap, names = stack.links.kafka_bootstrap, [_name(), _name()]
    assert create_topics(bootstrap, {names[0]: _CONFIG}) == [names[0]]
    assert create_topics(bootstrap, dict.fromkeys(names, _CONFIG)) == [names[1]]
    assert create_topics(bootstrap, dict.fromkeys(names, _CONFIG)) == []


@pytest.mark.stack
def test_messages_are_counted_and_dated_by_the_brokers_clock(stack: RealStack) -> None:
    bootstrap, topic, before = stack.links.kafka_bootstrap, _name(), time.time()
    create_topics(bootstrap, {topic: _CONFIG})
    assert end_offsets(bootstrap, [topic]) == {topic: 0}
    assert timestamp_at(bootstrap, topic, 0) is None
    assert [produce(bootstrap, topic, b"k", value) for value in (b"one", None)] == [0, 1]
    state = topic_states(bootstrap, [topic])[topic]
    assert (state.first_offset, state.end_offset) == (0, 2)
    stamp = timestamp_at(bootstrap, topic, 1)
    assert stamp is not None
    assert before - 1 <= stamp <= time.time() + 1
    assert timestamp_at(bootstrap, topic, 2) is None


@pytest.mark.stack
def test_a_topic_that_is_not_there_is_left_out_and_not_made(stack: RealStack) -> None:
    topic = _name()
    assert end_offsets(stack.links.kafka_bootstrap, [topic]) == {}
    assert end_offsets(stack.links.kafka_bootstrap, [topic]) == {}


@pytest.mark.stack
def test_a_topic_made_again_has_another_id(stack: RealStack) -> None:
    bootstrap, topic = stack.links.kafka_bootstrap, _name()
    create_topics(bootstrap, {topic: _CONFIG})
    first = topic_ids(bootstrap, [topic, _name()])
    assert topic_ids(bootstrap, [topic]) == first
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_topics([topic])
    admin.close()
    eventually(lambda: topic_ids(bootstrap, [topic]) == {})
    create_topics(bootstrap, {topic: _CONFIG})
    again = topic_ids(bootstrap, [topic])
    assert set(again) == set(first) == {topic}
    assert again != first


@pytest.mark.stack
def test_a_topic_with_two_partitions_is_refused(stack: RealStack) -> None:
    bootstrap, topic = stack.links.kafka_bootstrap, _name()
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    admin.close()
    with pytest.raises(LakehouseError, match=f"more than one partition: {topic}"):
        create_topics(bootstrap, {topic: _CONFIG})


def test_a_broker_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(LakehouseError, match="does not answer") as caught:
        create_topics("127.0.0.1:9", {"x": {}}, timeout_ms=500)
    assert "LAKEHOUSE_KAFKA_BOOTSTRAP" in caught.value.next_step
