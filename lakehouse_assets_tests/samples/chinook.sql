-- Rebuilt from the public description of Chinook, a music shop: every name in quotes and in mixed case.
create schema chinook;
create table chinook."Artist" ("ArtistId" int primary key, "Name" varchar(120));
create table chinook."Album" ("AlbumId" int primary key, "Title" varchar(160) not null, "ArtistId" int not null references chinook."Artist");
create table chinook."Track" (
    "TrackId" int generated always as identity primary key, "Name" varchar(200) not null, "AlbumId" int references chinook."Album",
    "Composer" varchar(220), "Milliseconds" int not null, "Bytes" bigint, "UnitPrice" numeric(10,2) not null,
    "Seconds" numeric generated always as ("Milliseconds" / 1000.0) stored
);
create table chinook."PlaylistTrack" ("PlaylistId" int not null, "TrackId" int not null references chinook."Track", primary key ("PlaylistId", "TrackId"));

insert into chinook."Artist" select i, case when i % 9 > 0 then 'AC/DC ' || i end from generate_series(1, 30) i;
insert into chinook."Album" select i, 'For Those About To Rock', 1 + i % 30 from generate_series(1, 40) i;
insert into chinook."Track" ("Name", "AlbumId", "Composer", "Milliseconds", "Bytes", "UnitPrice")
    select 'Ça ira ♪ ' || i, nullif(i % 40, 0), nullif('Angus Young', case when i % 2 = 0 then 'Angus Young' end), i * 1234,
           i * 5000000000, 0.99 from generate_series(1, 200) i;
insert into chinook."PlaylistTrack" select 1 + i % 12, 1 + i % 199 from generate_series(1, 500) i on conflict do nothing;
