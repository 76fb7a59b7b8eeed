CREATE TABLE IF NOT EXISTS documents (id serial PRIMARY KEY, title text NOT NULL, seen timestamptz NOT NULL DEFAULT now());
