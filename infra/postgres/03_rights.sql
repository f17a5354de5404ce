-- What the two roles may do, apart from the business tables: those come from the catalog (see gateways/postgres/bootstrap.py).
-- Rights are taken away first, so that a right dropped here or in the catalog is gone after the next `up`.

revoke create on schema public from public;
revoke all on all tables in schema public, lakehouse from lakehouse_app, lakehouse_replication;
revoke all on all sequences in schema public, lakehouse from lakehouse_app, lakehouse_replication;
grant usage on schema public, lakehouse to lakehouse_app, lakehouse_replication;

-- update of the sequences: a seed with fixed keys has to set them.
grant usage, select, update on all sequences in schema public to lakehouse_app;
grant select, update on lakehouse.heartbeat to lakehouse_app;
grant select, insert on lakehouse.signal to lakehouse_app;

-- The connector beats the heartbeat and writes the watermarks of incremental snapshots; it never writes business data.
grant select, update on lakehouse.heartbeat to lakehouse_replication;
grant select, insert on lakehouse.signal to lakehouse_replication;
