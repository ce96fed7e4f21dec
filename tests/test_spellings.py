"""Connection strings as hosting platforms and other tools hand them out."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from cookiecutter_alembic import databases
from cookiecutter_alembic.databases import parse
from cookiecutter_alembic.spellings import InvalidUrl

PG, MY = "postgresql+psycopg://", "mysql+pymysql://"
NEON = "ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech"

# Whose it is, what they write, and the URL that comes out of it.
TRANSLATED = {
    "Heroku": ("postgres://u:secret@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1", ""),
    "Heroku, JawsDB": ("mysql://u:secret@x.rds.amazonaws.com:3306/d", ""),
    "Heroku, ClearDB": (
        "mysql://u:secret@us-cdbr-east-05.cleardb.net/heroku_1?reconnect=true",
        f"{MY}u:secret@us-cdbr-east-05.cleardb.net/heroku_1",
    ),
    "Render, internal": ("postgresql://u:secret@dpg-1-a/orders", ""),
    "Render, external": (
        "postgresql://u:secret@dpg-1-a.oregon-postgres.render.com/orders",
        "",
    ),
    "Railway": (
        "postgresql://postgres:secret@monorail.proxy.rlwy.net:12345/railway",
        "",
    ),
    "Railway, MySQL": ("mysql://root:secret@mysql.railway.internal:3306/railway", ""),
    "Fly": ("postgres://app:secret@app-db.flycast:5432/app?sslmode=disable", ""),
    "Neon": (
        f"psql 'postgresql://u:secret@{NEON}/d?sslmode=require&channel_binding=require'",
        f"{PG}u:secret@{NEON}/d?sslmode=require&channel_binding=require",
    ),
    "Neon, old clients": (
        f"postgres://u:secret@{NEON}/d?options=endpoint%3Dep-cool&sslmode=require",
        "",
    ),
    "Vercel": (
        (
            f'POSTGRES_PRISMA_URL="postgres://u:secret@{NEON}/d?sslmode=require&pgbouncer=true'
            '&connect_timeout=15"'
        ),
        f"{PG}u:secret@{NEON}/d?sslmode=require&connect_timeout=15",
    ),
    "Vercel, Supabase": (
        (
            "postgres://postgres.ref:secret@aws-0-eu.pooler.supabase.com:6543/postgres"
            "?sslmode=require&supa=base-pooler.x"
        ),
        f"{PG}postgres.ref:secret@aws-0-eu.pooler.supabase.com:6543/postgres?sslmode=require",
    ),
    "Supabase": ("postgresql://postgres:secret@db.abc.supabase.co:5432/postgres", ""),
    "Supabase, Prisma": (
        (
            'DATABASE_URL="postgresql://postgres.ref:secret@aws-0-eu.pooler.supabase.com:6543'
            '/postgres?pgbouncer=true"'
        ),
        f"{PG}postgres.ref:secret@aws-0-eu.pooler.supabase.com:6543/postgres",
    ),
    "Aiven": (
        "postgres://avnadmin:secret@pg-1.d.aivencloud.com:12691/defaultdb?sslmode=require",
        "",
    ),
    "Aiven, MySQL": (
        "mysql://avnadmin:secret@my-1.d.aivencloud.com:12691/defaultdb?ssl-mode=REQUIRED",
        f"{MY}avnadmin:secret@my-1.d.aivencloud.com:12691/defaultdb?ssl_mode=REQUIRED",
    ),
    "DigitalOcean": (
        "postgresql://doadmin:secret@db-1.b.db.ondigitalocean.com:25060/d?sslmode=require",
        "",
    ),
    "DigitalOcean, MySQL": (
        "mysql://doadmin:secret@db-1.b.db.ondigitalocean.com:25060/d?ssl-mode=REQUIRED",
        f"{MY}doadmin:secret@db-1.b.db.ondigitalocean.com:25060/d?ssl_mode=REQUIRED",
    ),
    "PlanetScale, Django": (
        (
            "mysql://u:secret@aws.connect.psdb.cloud/d?ssl_mode=VERIFY_IDENTITY"
            "&ssl_ca=/etc/ssl/cert.pem"
        ),
        (
            f"{MY}u:secret@aws.connect.psdb.cloud/d?ssl_ca=/etc/ssl/cert.pem"
            "&ssl_mode=VERIFY_IDENTITY"
        ),
    ),
    "PlanetScale, Rails": (
        (
            "mysql2://u:secret@aws.connect.psdb.cloud/d?ssl_mode=verify_identity"
            "&sslca=/etc/ssl/cert.pem"
        ),
        (
            f"{MY}u:secret@aws.connect.psdb.cloud/d?ssl_ca=/etc/ssl/cert.pem"
            "&ssl_mode=VERIFY_IDENTITY"
        ),
    ),
    "PlanetScale, PostgreSQL": (
        (
            "postgresql://u:secret@eu.pg.psdb.cloud:6432/d?sslmode=verify-full"
            "&sslrootcert=system"
        ),
        "",
    ),
    "AWS RDS": (
        (
            "postgresql://u:secret@d.abc.eu-west-1.rds.amazonaws.com:5432/d"
            "?sslmode=verify-full&sslrootcert=global-bundle.pem"
        ),
        "",
    ),
    "AWS RDS, PyMySQL": (
        (
            "mysql+pymysql://u:secret@d.abc.rds.amazonaws.com/d?ssl_ca=global-bundle.pem"
            "&ssl_verify_cert=true"
        ),
        f"{MY}u:secret@d.abc.rds.amazonaws.com/d?ssl_ca=global-bundle.pem&ssl_mode=VERIFY_CA",
    ),
    "AWS RDS, JDBC": (
        "jdbc:postgresql://d.abc.rds.amazonaws.com:5432/d?user=u&password=secret",
        f"{PG}u:secret@d.abc.rds.amazonaws.com:5432/d",
    ),
    "Azure, JDBC": (
        (
            "jdbc:postgresql://s.postgres.database.azure.com:5432/d?user=u@s&password=secret"
            "&sslmode=require"
        ),
        f"{PG}u%40s:secret@s.postgres.database.azure.com:5432/d?sslmode=require",
    ),
    "Azure, older JDBC": (
        (
            "jdbc:postgresql://s.postgres.database.azure.com:5432/d?user=u&password=secret"
            "&ssl=true"
        ),
        f"{PG}u:secret@s.postgres.database.azure.com:5432/d?sslmode=require",
    ),
    "Google Cloud SQL": (
        "postgresql+psycopg2://u:secret@/d?host=/cloudsql/project:region:instance",
        "postgresql+psycopg2://u:secret@/d?host=/cloudsql/project:region:instance",
    ),
    "Google Cloud SQL, MySQL": (
        "mysql+pymysql://u:secret@/d?unix_socket=/cloudsql/project:region:instance",
        f"{MY}u:secret@/d?unix_socket=/cloudsql/project:region:instance",
    ),
    "Google Cloud SQL, Prisma": (
        "postgresql://u:secret@localhost/d?host=/cloudsql/project:region:instance",
        f"{PG}u:secret@localhost/d?host=/cloudsql/project:region:instance",
    ),
    "Scalingo": (
        "postgresql://u:secret@o.postgresql.dbs.scalingo.com:3/d?sslmode=prefer",
        "",
    ),
    "Scalingo, MySQL": (
        (
            "mysql://u:secret@o.mysql.dbs.scalingo.com:3/d?useSSL=true"
            "&verifyServerCertificate=false"
        ),
        f"{MY}u:secret@o.mysql.dbs.scalingo.com:3/d?ssl_mode=REQUIRED",
    ),
    "TiDB": (
        (
            "mysql+pymysql://1.root:secret@gateway01.aws.tidbcloud.com:4000/test"
            "?ssl_ca=/etc/ssl/cert.pem&ssl_verify_cert=true&ssl_verify_identity=true"
        ),
        (
            f"{MY}1.root:secret@gateway01.aws.tidbcloud.com:4000/test"
            "?ssl_ca=/etc/ssl/cert.pem&ssl_mode=VERIFY_IDENTITY"
        ),
    ),
    "Timescale": (
        "postgres://tsdbadmin:secret@a.b.tsdb.cloud.timescale.com:33333/tsdb?sslmode=require",
        "",
    ),
    "Yugabyte": (
        (
            "postgresql://admin:secret@eu-1.aws.ybdb.io:5433/yugabyte?ssl=true"
            "&sslmode=verify-full&sslrootcert=root.crt"
        ),
        (
            f"{PG}admin:secret@eu-1.aws.ybdb.io:5433/yugabyte"
            "?sslmode=verify-full&sslrootcert=root.crt"
        ),
    ),
    "Prisma": (
        "postgresql://u:secret@h:5432/d?schema=public",
        f"{PG}u:secret@h:5432/d",
    ),
    "Prisma, a schema": (
        "postgresql://u:secret@h:5432/d?schema=my_app",
        f"{PG}u:secret@h:5432/d?options=-csearch_path%3Dmy_app",
    ),
    "Prisma, MySQL by a socket": (
        "mysql://u:secret@localhost/d?socket=/run/mysqld/mysqld.sock",
        f"{MY}u:secret@localhost/d?unix_socket=/run/mysqld/mysqld.sock",
    ),
    "Prisma, a certificate of its own": (
        "mysql://u:secret@h/d?sslaccept=accept_invalid_certs",
        f"{MY}u:secret@h/d?ssl_mode=REQUIRED",
    ),
    "node-postgres": (
        "postgres://u:secret@h/d?sslmode=no-verify",
        f"{PG}u:secret@h/d?sslmode=require",
    ),
    "node-postgres, as libpq": (
        "postgres://u:secret@h/d?uselibpqcompat=true&sslmode=require",
        f"{PG}u:secret@h/d?sslmode=require",
    ),
    "node's mysql2": (
        'mysql://u:secret@h/d?ssl={"rejectUnauthorized":false}',
        f"{MY}u:secret@h/d?ssl_mode=REQUIRED",
    ),
    "Rails": ("postgis://u:secret@h/d?encoding=unicode", f"{PG}u:secret@h/d"),
    "Rails, Trilogy": ("trilogy://u:secret@h/d?encoding=utf8mb4", f"{MY}u:secret@h/d"),
    "Laravel": ("pgsql://u:secret@h:5432/d", f"{PG}u:secret@h:5432/d"),
    "Symfony": (
        'DATABASE_URL="mysql://u:secret@h:3306/d?serverVersion=8.0.32&charset=utf8mb4"',
        f"{MY}u:secret@h:3306/d?charset=utf8mb4",
    ),
    "Django": ("sqlite:///db.sqlite3", "sqlite:///db.sqlite3"),
    "django-environ": ("psql://u:secret@h/d", f"{PG}u:secret@h/d"),
    "JDBC, MySQL": (
        (
            "jdbc:mysql://h:3306/d?user=u&password=secret&useSSL=false"
            "&allowPublicKeyRetrieval=true&serverTimezone=UTC"
        ),
        f"{MY}u:secret@h:3306/d?ssl_mode=DISABLED",
    ),
    "JDBC, MariaDB": (
        "jdbc:mariadb://h:3306/d?user=u&password=secret&sslMode=trust",
        "mariadb+pymysql://u:secret@h:3306/d?ssl_mode=REQUIRED",
    ),
    "JDBC, no host": (
        "jdbc:postgresql:d?user=u&password=secret&currentSchema=a,public",
        f"{PG}u:secret@localhost/d?options=-csearch_path%3Da,public",
    ),
    "JDBC, SQLite": ("jdbc:sqlite:data/x.db", "sqlite:///data/x.db"),
    "Go": (
        "postgres://u:secret@h/d?sslmode=disable&search_path=app",
        f"{PG}u:secret@h/d?sslmode=disable&options=-csearch_path%3Dapp",
    ),
    "Go, MySQL": (
        "mysql://u:secret@h/d?parseTime=true&tls=skip-verify",
        f"{MY}u:secret@h/d?ssl_mode=REQUIRED",
    ),
    "asyncpg on Neon": (
        f"postgresql+asyncpg://u:secret@{NEON}/d?ssl=require",
        f"postgresql+asyncpg://u:secret@{NEON}/d?ssl=require",
    ),
    "asyncpg with an authority": (
        "postgresql+asyncpg://u:secret@h/d?sslmode=verify-full&sslrootcert=ca.pem",
        "postgresql+asyncpg://u:secret@h/d?sslmode=verify-full&sslrootcert=ca.pem",
    ),
    "a shell": ("export DATABASE_URL='postgres://u:secret@h/d';", f"{PG}u:secret@h/d"),
    "YAML": ("DATABASE_URL: postgres://u:secret@h/d", f"{PG}u:secret@h/d"),
    "PowerShell": ('$env:DATABASE_URL="postgres://u:secret@h/d"', f"{PG}u:secret@h/d"),
    "Heroku's command": (
        "heroku config:set DATABASE_URL=postgres://u:secret@h/d",
        f"{PG}u:secret@h/d",
    ),
    "JSON": ('"postgres://u:secret@h/d",', f"{PG}u:secret@h/d"),
    "a word processor": ("“postgres://u:secret@h/d”", f"{PG}u:secret@h/d"),
    "a page": ("<mysql://u:secret@h/d>", f"{MY}u:secret@h/d"),
}


def spelled_out(url: str) -> str:
    """Return a URL that is right already, with the driver."""
    scheme, _, rest = url.partition("://")
    return f"{databases.ALIASES[scheme]}://{rest}"


@pytest.mark.parametrize("whose", TRANSLATED)
def test_what_certainly_means_the_same_is_translated(whose: str) -> None:
    text, url = TRANSLATED[whose]
    accepted = parse(text)
    written = sa.make_url(accepted.url_with_password)
    assert written == sa.make_url(url or spelled_out(text))
    assert "secret" not in accepted.url
    assert "secret" not in accepted.example_url
    # Stored answers are read again.
    assert parse(accepted.url).url == accepted.url


STRICT = "?ssl_mode=VERIFY_IDENTITY&ssl_ca=/etc/ssl/certs/ca-certificates.crt"
PLAIN = "Use plain Alembic: pip install alembic "
REFUSED = {
    "Render's psql": (
        "PGPASSWORD=secret psql -h dpg-1-a.oregon-postgres.render.com -U u d",
        "is a list of keywords and not a URL; write postgresql://user:password@host:5432/",
    ),
    "Supabase, not filled in": (
        "postgresql://postgres:[YOUR-PASSWORD]@db.abc.supabase.co:5432/postgres",
        "write the password in place of [YOUR-PASSWORD]",
    ),
    "Supabase, Prisma's pool": (
        "postgres://u:secret@h:6543/d?pgbouncer=true&connection_limit=1",
        "leave out connection_limit, which is for a pool",
    ),
    "PlanetScale, Prisma": (
        "mysql://u:secret@aws.connect.psdb.cloud/d?sslaccept=strict",
        f"add the file of its authority, such as {STRICT[1:]}",
    ),
    "PlanetScale, node": (
        'mysql://u:secret@aws.connect.psdb.cloud/d?ssl={"rejectUnauthorized":true}',
        f"add the file of its authority, such as {STRICT[1:]}",
    ),
    "node's mysql2, a profile": (
        "mysql://u:secret@h/d?ssl=Amazon%20RDS",
        "write ssl_mode=REQUIRED for TLS, or ssl_mode=VERIFY_IDENTITY&ssl_ca=…",
    ),
    "contradictions": (
        "mysql://u:secret@h/d?useSSL=false&ssl_mode=REQUIRED",
        "asks for TLS and against it",
    ),
    "a mode that is none": (
        "mysql://u:secret@h/d?ssl_mode=ON",
        "ssl_mode is one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY",
    ),
    "PyMySQL's password of a key": (
        "mysql://u:secret@h/d?ssl_key=k&ssl_cert=c&ssl_key_password=secret",
        "use a key without a password",
    ),
    "Prisma, PostgreSQL": (
        "postgresql://u:secret@h/d?sslaccept=strict",
        "write sslmode=verify-full and sslrootcert=…, the file of the authority",
    ),
    "Neon for asyncpg": (
        f"postgresql+asyncpg://u:secret@{NEON}/d?ssl=require&channel_binding=require",
        "leave out channel_binding, or write postgresql+psycopg_async://",
    ),
    "system's authorities for asyncpg": (
        "postgresql+asyncpg://u:secret@h/d?sslmode=verify-full&sslrootcert=system",
        "such as sslrootcert=/etc/ssl/certs/ca-certificates.crt",
    ),
    "JDBC's own parameters": (
        "jdbc:postgresql://h/d?user=u&password=secret&binaryTransfer=true",
        'does not accept "binaryTransfer" after the ?, which libpq does not know',
    ),
    "libpq's keywords": (
        "host=h port=5432 dbname=d user=u password=secret sslmode=require",
        "is a list of keywords and not a URL; write postgresql://user:password@host:5432/",
    ),
    "Azure's psql": (
        'psql "host=s.postgres.database.azure.com dbname=d user=u password=secret"',
        "is a list of keywords and not a URL",
    ),
    "ADO.NET": (
        "Server=s.mysql.database.azure.com;Port=3306;User Id=u;Password=secret;",
        "is a list of keywords and not a URL",
    ),
    "Go's own": (
        "u:secret@tcp(127.0.0.1:3306)/d",
        "is not a URL; write mysql://user:password@host:3306/database",
    ),
    "Rails, SQLite": (
        "sqlite3:db/development.sqlite3",
        "write three slashes, sqlite:///",
    ),
    "Prisma, SQLite": ("file:./dev.db", "write three slashes, sqlite:///name.db"),
    "sqlx": ("sqlite://todos.db", "three slashes, sqlite:///name.db"),
    "SQL Server": (
        "mssql+pyodbc://u:secret@h/d?driver=ODBC+Driver+18+for+SQL+Server",
        (
            f'"mssql+pyodbc" is Microsoft SQL Server; this template is for SQLite, PostgreSQL, '
            f"MySQL and MariaDB. {PLAIN}pyodbc; alembic init migrations"
        ),
    ),
    "SQL Server, JDBC": (
        "jdbc:sqlserver://h:1433;databaseName=d;user=u;password=secret",
        (
            f'"sqlserver" is Microsoft SQL Server; this template is for SQLite, PostgreSQL, '
            f"MySQL and MariaDB. {PLAIN}pyodbc"
        ),
    ),
    "Oracle": ("oracle+oracledb://u:secret@h:1521/?service_name=d", f"{PLAIN}oracledb"),
    "Oracle, JDBC": ("jdbc:oracle:thin:u/secret@h:1521:d", '"oracle" is Oracle; '),
    "CockroachDB": (
        "cockroachdb://u:secret@h:26257/d",
        f'{PLAIN}"sqlalchemy<2.1" psycopg2-binary sqlalchemy-cockroachdb',
    ),
    "CockroachDB Cloud": (
        "postgresql://u:secret@free-tier.gcp.cockroachlabs.cloud:26257/d?sslmode=verify-full",
        "the host runs CockroachDB; this template is for ",
    ),
    "Turso": (
        "libsql://orders-org.turso.io?authToken=secret",
        f"{PLAIN}sqlalchemy-libsql; alembic init migrations; for a local file, write sqlite",
    ),
    "Turso, SQLAlchemy": ("sqlite+libsql://h?authToken=secret", "is libSQL, a server"),
    "Prisma Accelerate": (
        "prisma+postgres://accelerate.prisma-data.net/?api_key=secret",
        "write the database's direct connection string, postgresql://…",
    ),
    "MongoDB": ("mongodb+srv://u:secret@h/d", '"mongodb+srv" is not supported, only'),
    "another driver": ("mysql+mysqlconnector://u:secret@h/d", "did you mean mysql"),
    "Google's pg8000": (
        "postgresql+pg8000://u:secret@/d?unix_sock=/cloudsql/p:r:i/.s.PGSQL.5432",
        "did you mean postgresql+psycopg",
    ),
}


@pytest.mark.parametrize("whose", REFUSED)
def test_anything_else_is_refused_with_what_to_write(whose: str) -> None:
    text, told = REFUSED[whose]
    with pytest.raises(InvalidUrl) as refusal:
        parse(text)
    message = str(refusal.value)
    assert told in message
    assert "secret" not in message and "\n" not in message and len(message) <= 450


def test_all_parameters_of_libpq_are_known() -> None:
    """Of that in psycopg's wheel."""
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    assert known <= databases.LIBPQ_PARAMETERS | {"authtype"}


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:[YOUR-PASSWORD@h/d",
        "postgresql://u:${p@h/d",
        "postgresql://u:DATABASE_URL=x@h/d",
        "postgresql://u:psql%20x@h/d",
        'postgresql://u:"p"@h/d',
        "mysql://u:jdbc:p@h/d",
        "postgresql://h=/d",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert sa.make_url(parse(text).url_with_password) == sa.make_url(spelled_out(text))
