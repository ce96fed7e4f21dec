-- A shop that lends films, in the kinds of objects that MariaDB has.
CREATE TABLE actor (id SMALLINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(45) NOT NULL,
    changed TIMESTAMP NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
    KEY by_name (name(10))) COMMENT 'who ''plays'' 100%';
CREATE TABLE film (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(128) NOT NULL, about TEXT,
    made YEAR, rating ENUM('G', 'it''s') DEFAULT 'G', extras SET('trailer', 'cuts'),
    rate DECIMAL(4, 2) NOT NULL DEFAULT 4.99, CONSTRAINT fair CHECK (rate >= 0),
    double_rate DECIMAL(5, 2) AS (rate * 2) STORED, FULLTEXT KEY words (title, about));
CREATE TABLE film_actor (actor SMALLINT UNSIGNED NOT NULL, film INT NOT NULL, PRIMARY KEY (actor, film),
    CONSTRAINT plays FOREIGN KEY (actor) REFERENCES actor (id) ON UPDATE CASCADE,
    CONSTRAINT is_in FOREIGN KEY (film) REFERENCES film (id) ON DELETE CASCADE);
CREATE TABLE address (id INT PRIMARY KEY, place POINT NOT NULL, picture BLOB, SPATIAL KEY at (place));
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, line TEXT);
CREATE VIEW cast_list AS SELECT title, name FROM film JOIN film_actor ON film.id = film
    JOIN actor ON actor.id = actor;
DELIMITER //
CREATE TRIGGER noted AFTER UPDATE ON film FOR EACH ROW BEGIN INSERT INTO log (line) VALUES ('now; %s'); END//
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC BEGIN RETURN 2 * x; END//
CREATE PROCEDURE tidy(IN least INT) BEGIN DELETE FROM log WHERE id < least; END//
DELIMITER ;
INSERT INTO actor (name) VALUES ('Ada'), ('Grace');
INSERT INTO film (title, made, extras) VALUES ('One', 2001, 'trailer,cuts');
INSERT INTO film_actor VALUES (1, 1), (2, 1);
INSERT INTO address VALUES (1, ST_GeomFromText('POINT(1 2)'), x'00ff');
INSERT INTO log (line) VALUES ('first');
