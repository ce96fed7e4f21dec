-- What PostgreSQL's own tests try and databases of services seldom have.
CREATE SCHEMA "Sales 2";
CREATE FUNCTION is_even(i int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 0';
CREATE FUNCTION labelled(i int, word text DEFAULT 'no. ') RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $2 || $1::text';
CREATE DOMAIN even AS int DEFAULT 2 CHECK (is_even(VALUE));
CREATE DOMAIN evens AS int[] CHECK (array_length(VALUE, 1) < 9);
CREATE TYPE level AS ENUM ('low', 'high');
CREATE TYPE "Sales 2".level AS ENUM ('one', 'two');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE measured AS RANGE (subtype = numeric, multirange_type_name = measures);
CREATE COLLATION "no case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE SEQUENCE "Sales 2".small AS smallint INCREMENT BY -1 MINVALUE -100 MAXVALUE -1 CACHE 5 CYCLE;
CREATE FUNCTION less(a pair, b pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(($1).a, 0) - coalesce(($2).a, 0)';
CREATE OPERATOR CLASS by_hash FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int);
CREATE TABLE typed OF pair (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'x');
CREATE TABLE nothing ();
CREATE TABLE "user" (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME "users of it" INCREMENT BY 10) PRIMARY KEY,
    gone int, "all" text COLLATE "no case" UNIQUE, label text GENERATED ALWAYS AS (labelled(3)) STORED, pair pair,
    level level[] DEFAULT '{low}', other "Sales 2".level DEFAULT 'two', e even, es evens, m measures, span measured,
    boss int REFERENCES "user" ON DELETE SET NULL, spent interval DAY TO SECOND (3), b bit(3) DEFAULT B'101',
    small smallint DEFAULT nextval('"Sales 2".small'), doc jsonb, words text[][], x xml, money money, ip inet, oid oid);
ALTER TABLE "user" DROP COLUMN gone;
CREATE INDEX ON "user" USING gin (doc jsonb_path_ops);
CREATE INDEX ON "user" USING hash (small int2_ops);
CREATE INDEX by_own ON "user" USING hash (id by_hash);
CREATE INDEX ON "user" ((doc ->> 'a'), ("all" || label) COLLATE "C" DESC);
CREATE UNIQUE INDEX ON "user" (boss, other) NULLS NOT DISTINCT WHERE small IS NOT NULL;
CREATE TABLE booked (room int, during tstzrange, who int, paid boolean,
    CONSTRAINT by_room UNIQUE (room, who) INCLUDE (paid) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT together UNIQUE NULLS NOT DISTINCT (who, paid),
    CONSTRAINT only_parent CHECK (room > 0) NO INHERIT,
    EXCLUDE USING gist (during WITH &&) WHERE (paid));
ALTER TABLE booked ADD CONSTRAINT who_is FOREIGN KEY (who) REFERENCES "user" MATCH FULL ON UPDATE CASCADE NOT VALID;
CREATE TABLE more (room2 int) INHERITS (booked);
CREATE TABLE "Sales 2"."user" (id serial, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE "Sales 2".one PARTITION OF "Sales 2"."user" FOR VALUES IN (1) PARTITION BY HASH (id);
CREATE TABLE "Sales 2".one_all PARTITION OF "Sales 2".one FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE "Sales 2".rest PARTITION OF "Sales 2"."user" DEFAULT;
CREATE TABLE "Sales 2".refers (id int, part int, ref int, FOREIGN KEY (id, part) REFERENCES "Sales 2"."user");
CREATE INDEX by_part ON ONLY "Sales 2"."user" (part);
CREATE INDEX by_part_rest ON "Sales 2".rest (part);
ALTER INDEX "Sales 2".by_part ATTACH PARTITION "Sales 2".by_part_rest;
CREATE TABLE a (id int PRIMARY KEY, b int, "per%cent" int DEFAULT 7 % 4, "co:lon" text DEFAULT 'a:b', "it's" text);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a, b int, UNIQUE (id, b), FOREIGN KEY (a, b) REFERENCES b (id, b));
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
CREATE TABLE quick (LIKE a INCLUDING ALL) WITH (fillfactor = 50, autovacuum_enabled = false);
ALTER TABLE quick SET UNLOGGED, ALTER "co:lon" SET STORAGE EXTERNAL, ALTER b SET STATISTICS 200;
CREATE VIEW both_ AS SELECT a.id, b.a FROM a JOIN b ON a.id = b.a;
CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO a (id) VALUES (NEW.id); RETURN NEW; END $f$;
CREATE TRIGGER put INSTEAD OF INSERT ON both_ FOR EACH ROW EXECUTE FUNCTION put();
CREATE RULE noted AS ON UPDATE TO both_ DO INSTEAD UPDATE a SET b = NEW.a WHERE id = OLD.id;
CREATE RECURSIVE VIEW upto (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM upto WHERE n < 5;
CREATE FUNCTION users_of(VARIADIC ids int[]) RETURNS TABLE (id int, "all" text) LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT u.id, u."all" FROM "user" u WHERE u.id = ANY (ids); END;
CREATE VIEW first_users AS SELECT * FROM users_of(1, 2);
CREATE MATERIALIZED VIEW summed AS SELECT sum(id) AS s FROM first_users WITH NO DATA;
CREATE STATISTICS "Sales 2".st (ndistinct, mcv) ON id, b, (id % 2) FROM a;
CREATE PUBLICATION changes FOR TABLE a, b WITH (publish = 'insert');
CREATE CAST (pair AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON SCHEMA "Sales 2" IS 'it''s 100%';
COMMENT ON DOMAIN even IS '2, 4, …';
COMMENT ON COLUMN "user"."all" IS E'two\nlines: :x %s "quoted" \\';
COMMENT ON VIEW both_ IS 'both';
COMMENT ON TRIGGER put ON both_ IS 'instead';
INSERT INTO typed VALUES (1);
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO "user" ("all", e, es, m, span, spent, doc, words, money, ip, pair)
    VALUES ('Ada', 4, '{2,4}', '{[1,2)}', '[1,2)', '1 day 2:03:04.5', '{"a": [1]}', '{{a,b},{c,d}}', 1.5, '10.0.0.1', (1, 'x'));
INSERT INTO booked VALUES (1, '[2026-01-01,2026-01-02)', 1, true);
INSERT INTO more VALUES (2, NULL, NULL, false, 1);
INSERT INTO "Sales 2"."user" (part) VALUES (1), (2);
INSERT INTO "Sales 2".refers VALUES (1, 1, 1);
INSERT INTO a (id) VALUES (1);
INSERT INTO b (id, a) VALUES (1, 1);
INSERT INTO quick (id) VALUES (1);
