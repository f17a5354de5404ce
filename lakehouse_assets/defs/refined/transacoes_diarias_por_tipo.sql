-- description: Transactions by day and type of property: their sum in BRL and their number.
-- owner: financeiro
-- grain: data_transacao, tipo
-- total: sum(valor_total_diario)
-- of: SELECT sum(valor_transacao) FROM transformed.transacoes
SELECT t.data_transacao, i.tipo, sum(t.valor_transacao) AS valor_total_diario, count(*) AS total_transacoes_diarias
FROM transformed.transacoes t
JOIN transformed.imoveis i ON i.imovel_id = t.imovel_id
GROUP BY t.data_transacao, i.tipo
