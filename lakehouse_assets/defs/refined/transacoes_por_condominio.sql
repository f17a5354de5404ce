-- description: How many transactions each condominium has, counted at the condominium of the transaction's property.
-- owner: financeiro
-- grain: condominio_id
-- total: sum(total_transacoes_por_condominio)
-- of: SELECT count(*) FROM transformed.transacoes
SELECT i.condominio_id, count(*) AS total_transacoes_por_condominio
FROM transformed.transacoes t
JOIN transformed.imoveis i ON i.imovel_id = t.imovel_id
GROUP BY i.condominio_id
