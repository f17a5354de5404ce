-- Rebuilt from the public description of Pagila, a film rental: an enumeration, a domain, arrays, a document for text search,
-- pictures, keys of two columns, a partitioned table, views. In a schema of its own.
create schema pagila;
create domain pagila.year as integer check (value between 1901 and 2155);
create type pagila.mpaa_rating as enum ('G', 'PG', 'PG-13', 'R', 'NC-17');
create table pagila.language (language_id serial primary key, name character(20) not null, last_update timestamptz not null default now());
create table pagila.actor (
    actor_id serial primary key, first_name text not null, last_name text not null, last_update timestamptz not null default now()
);
create table pagila.film (
    film_id serial primary key,
    title text not null,
    description text,
    release_year pagila.year,
    language_id integer not null references pagila.language,
    original_language_id integer references pagila.language,
    rental_duration smallint not null default 3,
    rental_rate numeric(4,2) not null default 4.99,
    length smallint,
    replacement_cost numeric(5,2) not null default 19.99,
    rating pagila.mpaa_rating default 'G',
    last_update timestamptz not null default now(),
    special_features text[],
    fulltext tsvector not null
);
create table pagila.film_actor (
    actor_id integer not null references pagila.actor, film_id integer not null references pagila.film,
    last_update timestamptz not null default now(), primary key (actor_id, film_id)
);
create table pagila.staff (
    staff_id serial primary key, first_name text not null, email text, active boolean not null default true, username text not null,
    password text, last_update timestamptz not null default now(), picture bytea
);
create table pagila.payment (
    payment_id serial, staff_id integer not null, amount numeric(5,2) not null, payment_date timestamptz not null,
    primary key (payment_date, payment_id)
) partition by range (payment_date);
create table pagila.payment_p2022_01 partition of pagila.payment for values from ('2022-01-01') to ('2022-02-01');
create table pagila.payment_p2022_02 partition of pagila.payment for values from ('2022-02-01') to ('2022-03-01');
create view pagila.film_list as select film_id, title from pagila.film;
create materialized view pagila.rental_by_category as select rating, count(*) from pagila.film group by 1;

insert into pagila.language (name) values ('English'), ('Português'), ('日本語');
insert into pagila.actor (first_name, last_name) select 'PENÉLOPE ' || i, 'GUINESS' from generate_series(1, 40) i;
insert into pagila.film (title, description, release_year, language_id, original_language_id, length, rating, special_features, fulltext)
    select 'ACADEMY DINOSAUR ' || i, case when i % 5 > 0 then 'A "Epic" Drama; of a Feminist\n' || i end, 1950 + i % 70, 1 + i % 3,
           nullif(i % 4, 0), nullif(40 + i, 60), ('{G,PG,PG-13,R,NC-17}'::pagila.mpaa_rating[])[1 + i % 6],
           case i % 3 when 0 then null when 1 then '{}' else array['Trailers', 'Deleted "Scenes"', null] end, to_tsvector('A Epic Drama ' || i)
    from generate_series(1, 120) i;
insert into pagila.film_actor (actor_id, film_id) select 1 + i % 40, 1 + i % 117 from generate_series(1, 300) i on conflict do nothing;
insert into pagila.staff (first_name, email, username, picture)
    values ('Mike', 'mike.hillyer@sakilastaff.example', 'Mike', '\x89504e470d0a5a0a'), ('Jon', null, 'Jon', ''), ('Ana', 'ana@example.org', '', null);
insert into pagila.payment (staff_id, amount, payment_date)
    select 1 + i % 2, i * 0.99, timestamptz '2022-01-01 00:00:00.123456-03' + i * interval '13 hours' from generate_series(1, 100) i;
