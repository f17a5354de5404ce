-- The platform's own two tables in the source. Both must be in the publication.

create schema if not exists lakehouse;

-- One row, updated by the connector and by `lakehouse sync`: the slot moves although the business tables are quiet,
-- so that the server never has to keep WAL for nothing.
create table if not exists lakehouse.heartbeat (
    id int primary key check (id = 1),
    beat_at timestamptz not null,
    marker text not null
);
insert into lakehouse.heartbeat (id, beat_at, marker) values (1, now(), 'created') on conflict (id) do nothing;

-- Debezium reads its signals (ad-hoc snapshots) from here; the columns are those it asks for.
create table if not exists lakehouse.signal (
    id varchar(64) primary key,
    type varchar(32) not null,
    data varchar(2048)
);
