"""Who may do what, and how much of it: the owner, visitors, limits and middleware."""
