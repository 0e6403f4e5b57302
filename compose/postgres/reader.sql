-- The login of those who only read, such as Grafana: every table and view, also later ones, and nothing else. Any number
-- of times, as a superuser; the password is that of the variable READER_PASSWORD.
\getenv password READER_PASSWORD
SELECT 'CREATE ROLE souk_reader' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'souk_reader') \gexec
ALTER ROLE souk_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 20 PASSWORD :'password';
GRANT pg_read_all_data TO souk_reader;
-- A query of a page that is left open must not keep what vacuum would clear.
ALTER ROLE souk_reader SET statement_timeout = '30s';
ALTER ROLE souk_reader SET default_transaction_read_only = on;
