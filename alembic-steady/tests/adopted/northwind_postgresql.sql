-- A trader of food, in the shape of Northwind on PostgreSQL.
CREATE TABLE categories (category_id smallint NOT NULL PRIMARY KEY, category_name character varying(15) NOT NULL,
    description text, picture bytea);
CREATE TABLE customer_demographics (customer_type_id bpchar NOT NULL PRIMARY KEY, customer_desc text);
CREATE TABLE customers (customer_id bpchar NOT NULL PRIMARY KEY, company_name character varying(40) NOT NULL,
    contact_name character varying(30), city character varying(15), country character varying(15));
CREATE TABLE customer_customer_demo (customer_id bpchar NOT NULL, customer_type_id bpchar NOT NULL,
    PRIMARY KEY (customer_id, customer_type_id), FOREIGN KEY (customer_type_id) REFERENCES customer_demographics,
    FOREIGN KEY (customer_id) REFERENCES customers);
CREATE TABLE employees (employee_id smallint NOT NULL PRIMARY KEY, last_name character varying(20) NOT NULL,
    first_name character varying(10) NOT NULL, birth_date date, photo bytea, notes text, reports_to smallint,
    photo_path character varying(255), FOREIGN KEY (reports_to) REFERENCES employees);
CREATE TABLE suppliers (supplier_id smallint NOT NULL PRIMARY KEY, company_name character varying(40) NOT NULL,
    homepage text);
CREATE TABLE products (product_id smallint NOT NULL PRIMARY KEY, product_name character varying(40) NOT NULL,
    supplier_id smallint, category_id smallint, quantity_per_unit character varying(20), unit_price real,
    units_in_stock smallint, discontinued integer NOT NULL, FOREIGN KEY (category_id) REFERENCES categories,
    FOREIGN KEY (supplier_id) REFERENCES suppliers);
CREATE TABLE region (region_id smallint NOT NULL PRIMARY KEY, region_description bpchar NOT NULL);
CREATE TABLE shippers (shipper_id smallint NOT NULL PRIMARY KEY, company_name character varying(40) NOT NULL,
    phone character varying(24));
CREATE TABLE orders (order_id smallint NOT NULL PRIMARY KEY, customer_id bpchar, employee_id smallint,
    order_date date, ship_via smallint, freight real, ship_name character varying(40),
    FOREIGN KEY (customer_id) REFERENCES customers, FOREIGN KEY (employee_id) REFERENCES employees,
    FOREIGN KEY (ship_via) REFERENCES shippers);
CREATE TABLE territories (territory_id character varying(20) NOT NULL PRIMARY KEY,
    territory_description bpchar NOT NULL, region_id smallint NOT NULL, FOREIGN KEY (region_id) REFERENCES region);
CREATE TABLE employee_territories (employee_id smallint NOT NULL, territory_id character varying(20) NOT NULL,
    PRIMARY KEY (employee_id, territory_id), FOREIGN KEY (territory_id) REFERENCES territories,
    FOREIGN KEY (employee_id) REFERENCES employees);
CREATE TABLE order_details (order_id smallint NOT NULL, product_id smallint NOT NULL, unit_price real NOT NULL,
    quantity smallint NOT NULL, discount real NOT NULL, PRIMARY KEY (order_id, product_id),
    FOREIGN KEY (product_id) REFERENCES products, FOREIGN KEY (order_id) REFERENCES orders);
CREATE TABLE us_states (state_id smallint NOT NULL PRIMARY KEY, state_name character varying(100),
    state_abbr character varying(2));
INSERT INTO categories VALUES (1, 'Beverages', 'Soft; and ''hard''', '\x00ff');
INSERT INTO customer_demographics VALUES ('big', 'many');
INSERT INTO customers VALUES ('ALFKI', 'Futterkiste', NULL, 'Berlin', 'Germany');
INSERT INTO customer_customer_demo VALUES ('ALFKI', 'big');
INSERT INTO employees VALUES (2, 'F', 'Andrew', '1952-02-19', '\x', 'Boss', NULL, 'http://x/y');
INSERT INTO employees VALUES (1, 'D', 'Nancy', '1948-12-08', '\x01', NULL, 2, NULL);
INSERT INTO suppliers VALUES (1, 'Liquids', NULL);
INSERT INTO products VALUES (1, 'Chai', 1, 1, '10 boxes x 30 bags', 18.5, 39, 0);
INSERT INTO region VALUES (1, 'Eastern');
INSERT INTO shippers VALUES (1, 'Speedy', NULL);
INSERT INTO orders VALUES (10248, 'ALFKI', 1, '1996-07-04', 1, 32.3800011, 'Vins');
INSERT INTO territories VALUES ('01581', 'Westboro', 1);
INSERT INTO employee_territories VALUES (1, '01581');
INSERT INTO order_details VALUES (10248, 1, 14, 12, 0.05);
INSERT INTO us_states VALUES (1, 'Alabama', 'AL');
