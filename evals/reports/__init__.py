"""From runs to series, tables and figures."""
