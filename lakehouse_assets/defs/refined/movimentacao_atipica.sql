-- description: Payments of at least vezes times the median of all payments for properties of the same type, in BRL, when there are at least minimo of them. Nothing else makes a payment unusual.
-- owner: financeiro
-- grain: transacao_id
-- empty: when nothing is unusual
-- param vezes: decimal = 5
-- param minimo: integer = 20
WITH payments AS (
  SELECT t.transacao_id, t.data_transacao, t.imovel_id, t.morador_id, i.condominio_id, i.tipo, t.valor_transacao
  FROM transformed.transacoes t
  JOIN transformed.imoveis i ON i.imovel_id = t.imovel_id
), usual AS (
  SELECT tipo, count(*) AS transacoes, percentile_disc(0.5) WITHIN GROUP (ORDER BY valor_transacao) AS mediana
  FROM payments
  GROUP BY tipo
)
SELECT p.transacao_id, p.data_transacao, p.condominio_id, p.imovel_id, p.morador_id, p.tipo, p.valor_transacao,
       u.mediana,
       CAST(p.valor_transacao / u.mediana AS DECIMAL(18, 2)) AS vezes_a_mediana
FROM payments p
JOIN usual u ON u.tipo = p.tipo
WHERE u.transacoes >= :minimo AND u.mediana > 0 AND p.valor_transacao >= :vezes * u.mediana
