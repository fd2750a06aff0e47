"""How a customer pays. A value object: equal by value, never changed, with no identity of its own."""

from enum import Enum


class PaymentMethod(Enum):
    CREDIT_CARD = "credit_card"
    PIX = "pix"
    BOLETO = "boleto"
