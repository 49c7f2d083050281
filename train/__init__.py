"""How models are trained. Imports s1core alone."""
