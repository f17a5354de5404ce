-- description: Each condominium at a glance: residents, properties, appraised value and what was paid, in BRL.
-- owner: cadastro
-- grain: condominio_id
-- total: count(*)
-- of: SELECT count(*) FROM transformed.condominios
WITH residents AS (
  SELECT condominio_id, count(*) AS moradores FROM transformed.moradores GROUP BY condominio_id
), properties AS (
  SELECT condominio_id, count(*) AS imoveis, sum(valor) AS valor_imoveis FROM transformed.imoveis GROUP BY condominio_id
), payments AS (
  SELECT i.condominio_id, count(*) AS transacoes, sum(t.valor_transacao) AS valor_transacoes,
         max(t.data_transacao) AS ultima_transacao
  FROM transformed.transacoes t
  JOIN transformed.imoveis i ON i.imovel_id = t.imovel_id
  GROUP BY i.condominio_id
)
SELECT c.condominio_id, c.nome,
       coalesce(r.moradores, 0) AS moradores,
       coalesce(p.imoveis, 0) AS imoveis,
       coalesce(p.valor_imoveis, 0) AS valor_imoveis,
       coalesce(y.transacoes, 0) AS transacoes,
       coalesce(y.valor_transacoes, 0) AS valor_transacoes,
       y.ultima_transacao
FROM transformed.condominios c
LEFT JOIN residents r ON r.condominio_id = c.condominio_id
LEFT JOIN properties p ON p.condominio_id = c.condominio_id
LEFT JOIN payments y ON y.condominio_id = c.condominio_id
