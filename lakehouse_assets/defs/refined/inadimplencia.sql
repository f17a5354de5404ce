-- description: Who owes on data_base, by property and payer: boletos open and overdue, their sum in BRL without fines, the oldest due date and its age. Payers who owe nothing are listed too; boletos_a_conferir counts open ones that could not be read.
-- owner: financeiro
-- grain: imovel_id, cpf_pagador
-- param data_base: date = SELECT least(coalesce(max(data_pagamento), max(data_vencimento)), date_add(CAST(max(_committed_at) AS DATE), 1)) FROM transformed.boletos
-- total: sum(boletos)
-- of: SELECT count(*) FROM transformed.boletos
WITH base AS (
  SELECT :data_base AS data_base
), bills AS (
  SELECT b.imovel_id, b.cpf_pagador, d.data_base, b.data_vencimento, b.valor,
         -- A payment after data_base was not known then; one whose date cannot be read decides nothing.
         b.data_pagamento IS NULL AND b.data_pagamento__status <> 'ok' AS pagamento_ilegivel,
         coalesce(b.data_pagamento > d.data_base, b.data_pagamento IS NULL AND b.data_pagamento__status = 'ok') AS aberto
  FROM transformed.boletos b
  CROSS JOIN base d
), payers AS (
  SELECT imovel_id, cpf_pagador, data_base,
         count(*) AS boletos,
         count_if(aberto AND data_vencimento < data_base) AS boletos_vencidos,
         sum(valor) FILTER (WHERE aberto AND data_vencimento < data_base) AS valor_vencido,
         min(data_vencimento) FILTER (WHERE aberto AND data_vencimento < data_base) AS vencimento_mais_antigo,
         count_if(pagamento_ilegivel OR aberto AND (data_vencimento IS NULL OR valor IS NULL)) AS boletos_a_conferir
  FROM bills
  GROUP BY imovel_id, cpf_pagador, data_base
)
SELECT c.condominio_id, c.nome AS condominio, p.imovel_id, p.cpf_pagador, p.data_base,
       p.boletos, p.boletos_vencidos,
       coalesce(p.valor_vencido, 0) AS valor_vencido,
       p.vencimento_mais_antigo,
       coalesce(datediff(p.data_base, p.vencimento_mais_antigo), 0) AS dias_atraso,
       CASE
         WHEN datediff(p.data_base, p.vencimento_mais_antigo) > 90 THEN 'acima de 90 dias'
         WHEN datediff(p.data_base, p.vencimento_mais_antigo) > 60 THEN '61 a 90 dias'
         WHEN datediff(p.data_base, p.vencimento_mais_antigo) > 30 THEN '31 a 60 dias'
         WHEN datediff(p.data_base, p.vencimento_mais_antigo) > 0 THEN '1 a 30 dias'
         WHEN p.boletos_a_conferir > 0 THEN 'a conferir'
         ELSE 'em dia'
       END AS faixa_atraso,
       p.boletos_a_conferir
FROM payers p
JOIN transformed.imoveis i ON i.imovel_id = p.imovel_id
JOIN transformed.condominios c ON c.condominio_id = i.condominio_id
