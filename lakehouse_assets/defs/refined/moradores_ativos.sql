-- description: Residents of each condominium who paid something in the dias days up to data_base, beside all of them. Who pays for a property elsewhere is active where they live.
-- owner: cadastro
-- grain: condominio_id
-- param data_base: date = SELECT least(max(data_transacao), date_add(CAST(max(_committed_at) AS DATE), 1)) FROM transformed.transacoes
-- param dias: integer = 90
-- total: sum(moradores)
-- of: SELECT count(*) FROM transformed.moradores
WITH active AS (
  SELECT DISTINCT morador_id
  FROM transformed.transacoes
  WHERE data_transacao <= :data_base AND datediff(:data_base, data_transacao) < :dias
)
SELECT m.condominio_id,
       count(*) AS moradores,
       count(a.morador_id) AS moradores_ativos,
       CAST(100 * count(a.morador_id) / count(*) AS DECIMAL(5, 2)) AS percentual_ativos
FROM transformed.moradores m
LEFT JOIN active a ON a.morador_id = m.morador_id
GROUP BY m.condominio_id
