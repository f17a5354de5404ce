-- description: How the appraised value of the properties of each type has changed: first and present value in BRL, and the change in percent. Properties that are gone are not counted.
-- owner: cadastro
-- grain: tipo
-- total: sum(imoveis)
-- of: SELECT count(*) FROM history.imoveis WHERE valid_to_position IS NULL
WITH versions AS (
  SELECT imovel_id, tipo, valor, valid_to_position IS NULL AS atual,
         first_value(valor) OVER (PARTITION BY imovel_id ORDER BY valid_from_position) AS valor_inicial
  FROM history.imoveis
)
SELECT tipo,
       count(*) AS imoveis,
       count_if(valor <> valor_inicial) AS reavaliados,
       sum(valor_inicial) AS valor_inicial,
       sum(valor) AS valor_atual,
       CAST(100 * (sum(valor) - sum(valor_inicial)) / nullif(sum(valor_inicial), 0) AS DECIMAL(18, 2)) AS variacao_percentual
FROM versions
WHERE atual
GROUP BY tipo
