"""The specification: the schema and permission catalogue, and everything generated from them."""
