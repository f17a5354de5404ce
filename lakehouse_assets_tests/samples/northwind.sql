-- Rebuilt from the public description of Northwind, a food trader: keys that are texts, keys of two small integers, floating
-- point prices, texts of a fixed length, tables without a row and one without a key.
create schema northwind;
create table northwind.customers (
    customer_id character varying(5) primary key, company_name character varying(40) not null, contact_name character varying(30),
    address character varying(60), city character varying(15), postal_code character varying(10), phone character varying(24)
);
create table northwind.products (
    product_id smallint primary key, product_name character varying(40) not null, quantity_per_unit character varying(20),
    unit_price real, units_in_stock smallint, discontinued integer not null
);
create table northwind.orders (
    order_id smallint primary key, customer_id character varying(5) references northwind.customers, order_date date,
    required_date date, shipped_date date, freight real, ship_name character varying(40)
);
create table northwind.order_details (
    order_id smallint not null references northwind.orders, product_id smallint not null references northwind.products,
    unit_price real not null, quantity smallint not null, discount real not null, primary key (order_id, product_id)
);
create table northwind.customer_demographics (customer_type_id bpchar(10) primary key, customer_desc text);
create table northwind.region_names (region_id smallint not null, region_description bpchar not null);

insert into northwind.customers
    select upper(substr(md5(i::text), 1, 5)), 'Alfreds Futterkiste ' || i, 'Maria Anders', 'Obere Str. ' || i, 'São Paulo', '05432-043', '030-0074321'
    from generate_series(1, 60) i on conflict do nothing;
insert into northwind.products
    select i, 'Chai ' || i, '10 boxes x ' || i || ' bags', (i * 1.1)::real, i % 40, i % 2 from generate_series(1, 50) i;
insert into northwind.orders
    select 10248 + i, (select customer_id from northwind.customers order by 1 offset i % 50 limit 1), date '1996-07-04' + i,
           date '1996-08-01' + i, case when i % 7 > 0 then date '1996-07-16' + i end, (i * 3.33)::real, 'Vins et alcools'
    from generate_series(1, 80) i;
insert into northwind.order_details
    select 10248 + 1 + i % 80, 1 + i % 49, (i * 1.07)::real, i % 100, (i % 4) * 0.05::real from generate_series(1, 400) i on conflict do nothing;
