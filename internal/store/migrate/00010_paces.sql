-- One table for all rate limits: the arrival time of GCRA by subject, so that another
-- limit needs no table of its own. The limits of banks restart: they cover a few
-- seconds, less than an upgrade takes.

-- +goose Up
CREATE TABLE paces (
    subject BLOB NOT NULL PRIMARY KEY,
    arrival_at INTEGER NOT NULL
);
INSERT INTO paces (subject, arrival_at) SELECT subject, arrival_at FROM password_paces;
DROP TABLE password_paces;
DROP TABLE bank_paces;
