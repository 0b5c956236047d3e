-- The first schema: everything that sql/ holds.
\ir ../../sql/install.sql
