-- The business tables of the demo: the source whose changes the lake keeps.
-- No foreign key cascades: the application decides the order of its own deletes and key changes.

create table if not exists public.condominios (
    condominio_id serial primary key,
    nome varchar(255) not null,
    endereco text not null
);

create table if not exists public.moradores (
    morador_id serial primary key,
    nome varchar(255) not null,
    condominio_id int not null references public.condominios (condominio_id),
    data_registro date not null
);

create table if not exists public.imoveis (
    imovel_id serial primary key,
    tipo varchar(50) not null,
    condominio_id int not null references public.condominios (condominio_id),
    valor numeric(15, 2) not null
);

create table if not exists public.transacoes (
    transacao_id serial primary key,
    imovel_id int not null references public.imoveis (imovel_id),
    morador_id int not null references public.moradores (morador_id),
    data_transacao date not null,
    valor_transacao numeric(15, 2) not null
);

-- Bills as the old billing systems export them: every value is text, written as each system likes. observacao is
-- encrypted by the application.
create table if not exists public.boletos (
    boleto_id serial primary key,
    imovel_id int not null references public.imoveis (imovel_id),
    competencia text,
    data_vencimento text,
    data_pagamento text,
    valor text,
    valor_multa text,
    cpf_pagador text,
    linha_digitavel text,
    observacao text
);

-- Postgres indexes no foreign key by itself; without these a delete of a parent scans its children. `create index if
-- not exists` would lock a table against its writers even where the index is there.
do $$
declare
    child text;
    parent_id text;
begin
    for child, parent_id in values
        ('moradores', 'condominio_id'),
        ('imoveis', 'condominio_id'),
        ('transacoes', 'imovel_id'),
        ('transacoes', 'morador_id'),
        ('boletos', 'imovel_id')
    loop
        if to_regclass(format('public.%s_%s', child, parent_id)) is null then
            execute format('create index %1$s_%2$s on public.%1$s (%2$s)', child, parent_id);
        end if;
    end loop;
end $$;
