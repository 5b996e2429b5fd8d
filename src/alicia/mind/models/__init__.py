"""Language models as a mind.

Asked in an order, within deadlines and a budget; told only what is needed; and believed in nothing
that this home does not allow.
"""
