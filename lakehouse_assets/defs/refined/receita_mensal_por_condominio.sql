-- description: What each condominium received in boletos by month of payment, in BRL: receita without fines, multas the fines. The row without a month, and boletos_a_conferir in every row, count what could not be read.
-- owner: financeiro
-- grain: condominio_id, mes
-- total: sum(boletos_pagos)
-- of: SELECT count(data_pagamento) FROM transformed.boletos
WITH payments AS (
  SELECT i.condominio_id, CAST(date_trunc('MONTH', b.data_pagamento) AS DATE) AS mes,
         count(b.data_pagamento) AS boletos_pagos,
         sum(b.valor) FILTER (WHERE b.data_pagamento IS NOT NULL) AS receita,
         sum(b.valor_multa) FILTER (WHERE b.data_pagamento IS NOT NULL) AS multas,
         count_if(b.data_pagamento IS NULL OR b.valor IS NULL OR b.valor_multa__status NOT IN ('ok', 'assumed'))
           AS boletos_a_conferir
  FROM transformed.boletos b
  JOIN transformed.imoveis i ON i.imovel_id = b.imovel_id
  -- Not paid is what has no payment date and none that could not be read.
  WHERE b.data_pagamento IS NOT NULL OR b.data_pagamento__status <> 'ok'
  GROUP BY i.condominio_id, CAST(date_trunc('MONTH', b.data_pagamento) AS DATE)
)
SELECT c.condominio_id, c.nome, p.mes,
       coalesce(p.boletos_pagos, 0) AS boletos_pagos,
       coalesce(p.receita, 0) AS receita,
       coalesce(p.multas, 0) AS multas,
       coalesce(p.boletos_a_conferir, 0) AS boletos_a_conferir
FROM transformed.condominios c
LEFT JOIN payments p ON p.condominio_id = c.condominio_id
