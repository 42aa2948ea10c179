"""What main.py is made of: plain functions, easy to test."""
