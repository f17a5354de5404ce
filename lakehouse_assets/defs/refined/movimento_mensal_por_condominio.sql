-- description: Payments of each condominium by month: number, sum, average in BRL, and the change against its previous month with payments.
-- owner: financeiro
-- grain: condominio_id, mes
-- total: sum(valor_total)
-- of: SELECT sum(valor_transacao) FROM transformed.transacoes
WITH monthly AS (
  SELECT i.condominio_id, CAST(date_trunc('MONTH', t.data_transacao) AS DATE) AS mes,
         count(*) AS transacoes, sum(t.valor_transacao) AS valor_total
  FROM transformed.transacoes t
  JOIN transformed.imoveis i ON i.imovel_id = t.imovel_id
  GROUP BY i.condominio_id, CAST(date_trunc('MONTH', t.data_transacao) AS DATE)
)
SELECT condominio_id, mes, transacoes, valor_total,
       CAST(valor_total / transacoes AS DECIMAL(18, 2)) AS valor_medio,
       valor_total - lag(valor_total) OVER (PARTITION BY condominio_id ORDER BY mes) AS variacao
FROM monthly
