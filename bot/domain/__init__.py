"""PURE: values and decisions.

Imports nothing but the standard library's plain parts; never awaits, reads a clock or draws lots.
"""
