-- +goose Up
CREATE TABLE users (
    id int NOT NULL PRIMARY KEY,
    username text,
    name text
);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION user_count()
RETURNS bigint AS $$
BEGIN
    RETURN (SELECT count(*) FROM users);
END;
$$
LANGUAGE plpgsql;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION user_count();
DROP TABLE users;
