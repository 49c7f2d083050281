"""The measured runs that ship with the project, and the tables made from them."""
