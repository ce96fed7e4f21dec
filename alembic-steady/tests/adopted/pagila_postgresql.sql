-- A shop that lends films, in the shape of Pagila on PostgreSQL.
CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN year AS integer CONSTRAINT year_check CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE FUNCTION _group_concat(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $_$
SELECT CASE WHEN $2 IS NULL THEN $1 WHEN $1 IS NULL THEN $2 ELSE $1 || ', ' || $2 END
$_$;
CREATE AGGREGATE group_concat(text) (SFUNC = _group_concat, STYPE = text);
CREATE FUNCTION last_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last_update = CURRENT_TIMESTAMP;
    RETURN NEW;
END $$;
CREATE SEQUENCE actor_actor_id_seq;
CREATE TABLE actor (actor_id integer DEFAULT nextval('actor_actor_id_seq') NOT NULL, first_name text NOT NULL,
    last_name text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE country (country_id serial PRIMARY KEY, country text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE city (city_id serial PRIMARY KEY, city text NOT NULL,
    country_id integer NOT NULL REFERENCES country ON UPDATE CASCADE ON DELETE RESTRICT);
CREATE TABLE address (address_id serial PRIMARY KEY, address text NOT NULL, address2 text, phone text NOT NULL,
    city_id integer NOT NULL REFERENCES city ON UPDATE CASCADE ON DELETE RESTRICT);
CREATE TABLE category (category_id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE language (language_id serial PRIMARY KEY, name character(20) NOT NULL);
CREATE TABLE film (film_id serial PRIMARY KEY, title text NOT NULL, description text, release_year year,
    language_id integer NOT NULL REFERENCES language ON UPDATE CASCADE ON DELETE RESTRICT,
    original_language_id integer REFERENCES language ON UPDATE CASCADE ON DELETE RESTRICT,
    rental_duration smallint DEFAULT 3 NOT NULL, rental_rate numeric(4,2) DEFAULT 4.99 NOT NULL, length smallint,
    replacement_cost numeric(5,2) DEFAULT 19.99 NOT NULL, rating mpaa_rating DEFAULT 'G'::mpaa_rating,
    last_update timestamptz DEFAULT now() NOT NULL, special_features text[], fulltext tsvector NOT NULL);
CREATE TABLE film_actor (actor_id integer NOT NULL, film_id integer NOT NULL, PRIMARY KEY (actor_id, film_id));
CREATE TABLE film_category (film_id integer NOT NULL REFERENCES film, category_id integer NOT NULL REFERENCES category,
    PRIMARY KEY (film_id, category_id));
CREATE TABLE store (store_id serial PRIMARY KEY, manager_staff_id integer NOT NULL,
    address_id integer NOT NULL REFERENCES address ON UPDATE CASCADE ON DELETE RESTRICT);
CREATE TABLE staff (staff_id serial PRIMARY KEY, first_name text NOT NULL, store_id integer NOT NULL REFERENCES store,
    active boolean DEFAULT true NOT NULL, username text NOT NULL, picture bytea);
ALTER TABLE store ADD FOREIGN KEY (manager_staff_id) REFERENCES staff ON UPDATE CASCADE ON DELETE RESTRICT
    DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE customer (customer_id serial PRIMARY KEY, store_id integer NOT NULL REFERENCES store, first_name text NOT NULL,
    last_name text NOT NULL, address_id integer NOT NULL REFERENCES address, activebool boolean DEFAULT true NOT NULL,
    create_date date DEFAULT CURRENT_DATE NOT NULL, active integer);
CREATE TABLE inventory (inventory_id serial PRIMARY KEY, film_id integer NOT NULL REFERENCES film,
    store_id integer NOT NULL REFERENCES store);
CREATE TABLE rental (rental_id serial PRIMARY KEY, rental_date timestamptz NOT NULL,
    inventory_id integer NOT NULL REFERENCES inventory, customer_id integer NOT NULL REFERENCES customer,
    return_date timestamptz, staff_id integer NOT NULL REFERENCES staff);
CREATE SEQUENCE payment_payment_id_seq;
CREATE TABLE payment (payment_id integer DEFAULT nextval('payment_payment_id_seq') NOT NULL, customer_id integer NOT NULL,
    staff_id integer NOT NULL, rental_id integer NOT NULL, amount numeric(5,2) NOT NULL, payment_date timestamptz NOT NULL,
    PRIMARY KEY (payment_date, payment_id)) PARTITION BY RANGE (payment_date);
CREATE TABLE payment_p2022_01 PARTITION OF payment FOR VALUES FROM ('2022-01-01 00:00:00+00') TO ('2022-02-01 00:00:00+00');
CREATE TABLE payment_p2022_02 (payment_id integer DEFAULT nextval('payment_payment_id_seq') NOT NULL,
    customer_id integer NOT NULL REFERENCES customer, staff_id integer NOT NULL REFERENCES staff,
    rental_id integer NOT NULL REFERENCES rental, amount numeric(5,2) NOT NULL, payment_date timestamptz NOT NULL);
ALTER TABLE payment ATTACH PARTITION payment_p2022_02
    FOR VALUES FROM ('2022-02-01 00:00:00+00') TO ('2022-03-01 00:00:00+00');
ALTER TABLE actor ADD PRIMARY KEY (actor_id);
ALTER TABLE film_actor ADD FOREIGN KEY (actor_id) REFERENCES actor ON UPDATE CASCADE ON DELETE RESTRICT,
    ADD FOREIGN KEY (film_id) REFERENCES film ON UPDATE CASCADE ON DELETE RESTRICT;
ALTER SEQUENCE actor_actor_id_seq OWNED BY actor.actor_id;
CREATE INDEX film_fulltext_idx ON film USING gist (fulltext);
CREATE INDEX idx_actor_last_name ON actor (last_name);
CREATE INDEX idx_payment_customer ON payment (customer_id);
CREATE UNIQUE INDEX idx_unq_rental ON rental (rental_date, inventory_id, customer_id);
CREATE TRIGGER film_fulltext_trigger BEFORE INSERT OR UPDATE ON film FOR EACH ROW
    EXECUTE FUNCTION tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description');
CREATE TRIGGER last_updated BEFORE UPDATE ON actor FOR EACH ROW EXECUTE FUNCTION last_updated();
CREATE TRIGGER last_updated BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION last_updated();
CREATE VIEW actor_info AS SELECT a.actor_id, a.last_name, group_concat(DISTINCT c.name || ': ' || (SELECT group_concat(f.title)
    FROM film f JOIN film_actor fa USING (film_id) WHERE fa.actor_id = a.actor_id)) AS film_info
    FROM actor a LEFT JOIN film_actor fa USING (actor_id) LEFT JOIN film_category fc USING (film_id)
    LEFT JOIN category c USING (category_id) GROUP BY a.actor_id, a.last_name;
CREATE VIEW customer_list AS SELECT cu.customer_id AS id, cu.first_name || ' ' || cu.last_name AS name, a.phone,
    CASE WHEN cu.activebool THEN 'active' ELSE '' END AS notes FROM customer cu JOIN address a USING (address_id);
CREATE MATERIALIZED VIEW rental_by_category AS SELECT c.name AS category, sum(p.amount) AS total_sales
    FROM payment p JOIN rental r USING (rental_id) JOIN inventory USING (inventory_id) JOIN film_category USING (film_id)
    JOIN category c USING (category_id) GROUP BY c.name ORDER BY sum(p.amount) DESC WITH NO DATA;
CREATE UNIQUE INDEX rental_category ON rental_by_category (category);
CREATE FUNCTION film_in_stock(p_film_id integer, p_store_id integer, OUT p_film_count integer) RETURNS SETOF integer
    LANGUAGE sql AS $_$ SELECT inventory_id FROM inventory WHERE film_id = $1 AND store_id = $2; $_$;
CREATE FUNCTION last_day(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $_$
    SELECT (date_trunc('month', $1 AT TIME ZONE 'UTC') + interval '1 month - 1 day')::date $_$;
CREATE FUNCTION rewards_report(min_payments integer) RETURNS SETOF customer LANGUAGE plpgsql SECURITY DEFINER AS $_$
DECLARE rr RECORD;
BEGIN
    FOR rr IN EXECUTE 'SELECT c.* FROM customer AS c WHERE customer_id >= $1' USING min_payments LOOP
        RETURN NEXT rr;
    END LOOP;
END $_$;
INSERT INTO actor (first_name, last_name) VALUES ('Ada', 'L');
INSERT INTO country (country) VALUES ('Chile');
INSERT INTO city (city, country_id) VALUES ('Arica', 1);
INSERT INTO address (address, phone, city_id) VALUES ('Road 1', '1', 1);
INSERT INTO category (name) VALUES ('Action');
INSERT INTO language (name) VALUES ('English');
INSERT INTO film (title, release_year, language_id, special_features) VALUES ('One', 2006, 1, '{Trailers,"Deleted Scenes"}');
INSERT INTO film_actor VALUES (1, 1);
INSERT INTO film_category VALUES (1, 1);
BEGIN;
INSERT INTO store (manager_staff_id, address_id) VALUES (1, 1);
INSERT INTO staff (first_name, store_id, username, picture) VALUES ('Mike', 1, 'mike', '\x89504e47');
COMMIT;
INSERT INTO customer (store_id, first_name, last_name, address_id) VALUES (1, 'Mary', 'S', 1);
INSERT INTO inventory (film_id, store_id) VALUES (1, 1);
INSERT INTO rental (rental_date, inventory_id, customer_id, staff_id) VALUES ('2022-01-24 21:53:30+00', 1, 1, 1);
INSERT INTO payment (customer_id, staff_id, rental_id, amount, payment_date) VALUES
    (1, 1, 1, 2.99, '2022-01-25 00:00:00+00'), (1, 1, 1, 0.99, '2022-02-15 00:00:00+00');
