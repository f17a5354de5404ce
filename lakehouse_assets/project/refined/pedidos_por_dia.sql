-- description: Orders of a day and their amount. Orders whose amount cannot be read are counted, so that nothing is missing in silence.
-- owner: you
-- grain: data_pedido
-- total: sum(pedidos)
-- of: SELECT count(*) FROM transformed.pedidos
SELECT data_pedido,
       count(*) AS pedidos,
       sum(valor) AS valor_total,
       count_if(valor__status NOT IN ('ok', 'assumed')) AS valores_ilegiveis
FROM transformed.pedidos
GROUP BY data_pedido
