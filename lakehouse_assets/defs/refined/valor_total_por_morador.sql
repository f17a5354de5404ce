-- description: What each resident paid in all, in BRL.
-- owner: financeiro
-- grain: morador_id
-- total: sum(valor_total_transacoes)
-- of: SELECT sum(valor_transacao) FROM transformed.transacoes
SELECT t.morador_id, sum(t.valor_transacao) AS valor_total_transacoes
FROM transformed.transacoes t
GROUP BY t.morador_id
