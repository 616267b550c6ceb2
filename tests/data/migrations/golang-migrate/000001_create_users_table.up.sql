CREATE TABLE IF NOT EXISTS users (
   user_id serial PRIMARY KEY
);
