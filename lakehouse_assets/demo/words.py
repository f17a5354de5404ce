"""Names, addresses and amounts as a Brazilian condominium manager would know them, drawn from a given random source."""

from __future__ import annotations

import base64
from datetime import date, timedelta
from decimal import Decimal
from random import Random

_GIVEN = (
    "Ana", "Beatriz", "Bruno", "Caio", "Camila", "Carlos", "Cecília", "César", "Daniela", "Davi", "Débora", "Eduardo",
    "Elisa", "Érica", "Fábio", "Felipe", "Fernanda", "Flávia", "Gabriel", "Giovana", "Guilherme", "Gustavo", "Helena",
    "Heloísa", "Hugo", "Igor", "Inês", "Isabela", "João", "José", "Joaquim", "Júlia", "Larissa", "Leandro", "Letícia",
    "Lívia", "Luís", "Luíza", "Marcelo", "Márcia", "Mariana", "Mateus", "Mônica", "Natália", "Nelson", "Otávio",
    "Patrícia", "Paulo", "Pedro", "Rafael", "Raíssa", "Renata", "Ricardo", "Rita", "Rodrigo", "Sérgio", "Sílvia",
    "Sofia", "Tânia", "Thiago", "Valéria", "Vera", "Vinícius", "Vitória", "Zélia",
)  # fmt: skip
_FAMILY = (
    "Almeida", "Alves", "Andrade", "Araújo", "Barbosa", "Barros", "Batista", "Borges", "Cardoso", "Carvalho",
    "Castro", "Conceição", "Correia", "Costa", "Cunha", "Dias", "Duarte", "Farias", "Fernandes", "Ferreira",
    "Figueiredo", "Fonseca", "Freitas", "Gomes", "Gonçalves", "Lima", "Lopes", "Machado", "Magalhães", "Martins",
    "Melo", "Mendes", "Monteiro", "Moraes", "Moreira", "Moura", "Nascimento", "Nogueira", "Nunes", "Oliveira",
    "Pereira", "Pinto", "Queiroz", "Ramos", "Rezende", "Ribeiro", "Rocha", "Sales", "Santana", "Santos", "Silva",
    "Siqueira", "Souza", "Tavares", "Teixeira", "Vasconcelos", "Vieira", "Xavier",
)  # fmt: skip
_BUILDINGS = ("Condomínio", "Edifício", "Residencial", "Solar", "Villa", "Parque")
_PLACES = (
    "das Acácias", "dos Ipês", "Bela Vista", "Boa Esperança", "do Atlântico", "Jardim Europa", "Monte Verde",
    "São Francisco", "Santa Clara", "das Palmeiras", "Porto Seguro", "Águas Claras", "Primavera", "Imperial",
    "dos Girassóis", "Serra Azul",
)  # fmt: skip
_STREETS = (
    "Rua das Flores", "Avenida Paulista", "Rua XV de Novembro", "Avenida Atlântica", "Rua Sete de Setembro",
    "Alameda Santos", "Rua do Comércio", "Avenida Brasil", "Rua Padre Anchieta", "Travessa São José",
    "Rua Barão de Itapetininga", "Avenida Beira-Mar",
)  # fmt: skip
_CITIES = (
    ("São Paulo", "SP", "01"), ("Rio de Janeiro", "RJ", "20"), ("Belo Horizonte", "MG", "30"), ("Curitiba", "PR", "80"),
    ("Porto Alegre", "RS", "90"), ("Salvador", "BA", "40"), ("Recife", "PE", "50"), ("Fortaleza", "CE", "60"),
    ("Florianópolis", "SC", "88"), ("Goiânia", "GO", "74"),
)  # fmt: skip

# Appraised value in thousands of BRL, from and to, and how often the kind occurs.
_TIPOS = {
    "apartamento": (180, 1_400, 55),
    "casa": (250, 2_200, 14),
    "cobertura": (700, 4_500, 6),
    "sala comercial": (120, 900, 10),
    "loja": (200, 1_800, 5),
    "vaga de garagem": (25, 110, 10),
}
_REMARKS = (
    "Pago em duas vezes, a segunda em dinheiro na portaria.", "Comprovante enviado por e-mail.",
    "Pediu segunda via por telefone.", "Inquilino saiu; cobrar do proprietário.", "Acordo em juízo, não protestar.",
    "Síndico autorizou o desconto.", "Pagamento em nome do cônjuge.", "Contesta a leitura do hidrômetro.",
    "Em tratamento de saúde; aguardar até o fim do mês.", "Cheque devolvido, motivo 11.",
)  # fmt: skip
# Fixed days, not today: the same seed makes the same traffic whenever it is run.
FIRST_RECENT_DAY, _RECENT_DAYS = date(2026, 1, 1), 180
LONG_BYTES = 9_000  # base64 makes 12 kB of it: random, so Postgres cannot compress it and must store it out of line


def person(random: Random) -> str:
    """A resident's full name."""
    return f"{random.choice(_GIVEN)} {random.choice(_FAMILY)} {random.choice(_FAMILY)}"


def condominium(random: Random) -> str:
    """A condominium's name."""
    return f"{random.choice(_BUILDINGS)} {random.choice(_PLACES)}"


def address(random: Random) -> str:
    """A postal address on one line."""
    city, state, prefix = random.choice(_CITIES)
    code = f"{prefix}{random.randrange(1_000):03d}-{random.randrange(1_000):03d}"
    return f"{random.choice(_STREETS)}, {random.randrange(1, 3_000)} - {city}/{state}, CEP {code}"


def long_address(random: Random) -> str:
    """An address with an annex too long for a page of the table."""
    return f"{address(random)} - memorial descritivo: {base64.b64encode(random.randbytes(LONG_BYTES)).decode('ascii')}"


def property_kind(random: Random) -> str:
    """An imovel's tipo, as frequent as in a real portfolio."""
    return random.choices(list(_TIPOS), [often for _, _, often in _TIPOS.values()])[0]


def appraisal(random: Random, kind: str) -> Decimal:
    """An imovel's valor in BRL, rounded to hundreds as appraisers do."""
    low, high, _ = _TIPOS[kind]
    return Decimal(random.randrange(low * 10, high * 10)) * 100 + Decimal("0.00")


def payment(random: Random) -> Decimal:
    """A transacao's valor in BRL: mostly monthly fees, now and then a large payment."""
    if random.random() < 0.05:
        return Decimal(random.randrange(1_000_000, 60_000_000)).scaleb(-2)
    return Decimal(random.randrange(15_000, 350_000)).scaleb(-2)


def recent_day(random: Random) -> date:
    """A day on which the traffic happens."""
    return FIRST_RECENT_DAY + timedelta(days=random.randrange(_RECENT_DAYS))


def remark(random: Random) -> str:
    """What a clerk notes about a boleto: nobody else's business."""
    return f"{random.choice(_REMARKS)} ({random.choice(_GIVEN)})"


def cpf(number: int) -> str:
    """A CPF with right check digits that counts up from zero, as no real one is given out."""
    digits = f"{number:09d}"
    for _ in range(2):
        rest = sum(int(digit) * weight for digit, weight in zip(reversed(digits), range(2, 12), strict=False)) % 11
        digits += str(11 - rest if rest > 1 else 0)
    return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"
