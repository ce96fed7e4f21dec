-- A shop that sells music, in the kinds of objects that SQLite has.
CREATE TABLE artist (id INTEGER PRIMARY KEY AUTOINCREMENT, name NVARCHAR(120) COLLATE NOCASE UNIQUE);
CREATE TABLE album (id INTEGER NOT NULL, title TEXT NOT NULL, artist INT REFERENCES artist ON DELETE CASCADE,
    price NUMERIC(10, 2) DEFAULT 0.99 CHECK (price >= 0), twice GENERATED ALWAYS AS (price * 2), PRIMARY KEY (id));
CREATE TABLE tag (album INT, word TEXT, PRIMARY KEY (album, word)) WITHOUT ROWID;
CREATE TABLE log (line TEXT);
CREATE INDEX cheap ON album (lower(title)) WHERE price < 5;
CREATE VIEW titles AS SELECT title, name FROM album JOIN artist ON artist.id = artist;
CREATE TRIGGER noted AFTER DELETE ON album BEGIN INSERT INTO log VALUES ('gone; ' || old.id); END;
INSERT INTO artist (name) VALUES ('Ada');
INSERT INTO album (title, artist) VALUES ('One', 1);
INSERT INTO tag VALUES (1, 'loud');
INSERT INTO log VALUES ('first');
