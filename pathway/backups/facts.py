"""What a database holds, in a form in which two can be compared: rows, digests of them, and all that guards them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql

from pathway.backups.manifest import Table

# Rows and definitions are digested as text, which must not depend on who asks.
PLAIN = """
SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET statement_timeout = 0; SET jit = off
"""
# Schemas that are not the server's own.
OURS = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"

TABLES = f"""
SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {OURS} ORDER BY 3
"""
COUNT = """
SELECT count(*), coalesce(sum(('x' || encode(substr(sha256(convert_to(whole_row::text, 'UTF8')), 1, 8), 'hex'))
                              ::bit(64)::bigint::numeric), 0)::text
FROM ONLY {} AS whole_row
"""
# Tables of which a role without BYPASSRLS would be shown a part, or nothing, without a word.
HIDDEN = f"""
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND {OURS} AND (
    NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
                AND pg_get_expr(p.polqual, p.polrelid) = 'true'
                AND EXISTS (SELECT FROM unnest(p.polroles) r
                            WHERE r = 0 OR pg_has_role(current_user, r, 'USAGE')))
    OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd IN ('r', '*')))
ORDER BY 1
"""
_ROLES = """(SELECT string_agg(coalesce(r.rolname, 'public'), ' ' ORDER BY r.rolname)
             FROM unnest({}) m LEFT JOIN pg_roles r ON r.oid = m)"""
_RIGHTS = """(SELECT string_agg(coalesce(r.rolname, 'public') || '=' || a.privilege_type || a.is_grantable, ' '
                                ORDER BY r.rolname, a.privilege_type, a.is_grantable)
              FROM aclexplode({}) a LEFT JOIN pg_roles r ON r.oid = a.grantee)"""
_RELATION_RIGHTS = """coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", relowner))"""
OBJECTS = f"""
WITH relation AS (
    SELECT c.*, format('%I.%I', n.nspname, c.relname) AS whole
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND c.relpersistence <> 't'
), routine AS (
    SELECT p.*, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS whole
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS} AND p.prokind IN ('f', 'p')
)
SELECT 'trigger ' || tgname || ' of ' || whole, tgenabled::text || pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN relation c ON c.oid = t.tgrelid WHERE NOT tgisinternal AND tgparentid = 0
UNION ALL
SELECT 'policy ' || polname || ' of ' || whole, concat_ws(' / ', polcmd, polpermissive, {_ROLES.format("polroles")},
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
FROM pg_policy p JOIN relation c ON c.oid = p.polrelid
UNION ALL
SELECT 'row-level security of ' || whole, relrowsecurity || '/' || relforcerowsecurity FROM relation
WHERE relkind IN ('r', 'p')
UNION ALL
SELECT 'function ' || whole, concat_ws(' / ', pg_get_userbyid(proowner), prosecdef, pg_get_functiondef(oid))
FROM routine
UNION ALL
SELECT 'rights on ' || whole, {_RIGHTS.format("coalesce(proacl, acldefault('f', proowner))")} FROM routine
UNION ALL
SELECT 'rights on ' || whole, pg_get_userbyid(relowner) || ': '
    || {_RIGHTS.format(_RELATION_RIGHTS)}
FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL
SELECT 'rights on column ' || attname || ' of ' || whole, {_RIGHTS.format("attacl")}
FROM pg_attribute a JOIN relation c ON c.oid = a.attrelid WHERE attacl IS NOT NULL AND NOT attisdropped
UNION ALL
SELECT 'constraint ' || conname || ' of ' || whole, convalidated || pg_get_constraintdef(o.oid)
FROM pg_constraint o JOIN relation c ON c.oid = o.conrelid
WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND conparentid = 0
UNION ALL
SELECT 'index ' || whole, pg_get_indexdef(oid) FROM relation WHERE relkind IN ('i', 'I')
UNION ALL
SELECT 'view ' || whole, concat_ws(' / ', reloptions::text, pg_get_viewdef(oid))
FROM relation WHERE relkind IN ('v', 'm')
"""
# PostgreSQL reads its own words back with casts and parentheses in other places; functions it keeps as they are.
_SAME = r"""CASE WHEN name LIKE 'function %' THEN what
    ELSE regexp_replace(what, '::(character varying|text)(\[\])?|[()\s]', '', 'g') END"""
DIGESTED = f"""
SELECT name, left(encode(sha256(convert_to(coalesce({_SAME}, ''), 'UTF8')), 'hex'), 16)
FROM ({OBJECTS}) AS object(name, what) ORDER BY 1
"""
# Whoever owns something, is granted something or is named by a policy has to be there before it can be restored.
ROLES = f"""
SELECT DISTINCT r.rolname FROM pg_roles r WHERE r.rolname <> %s AND r.rolname !~ '^pg_' AND r.oid IN (
    SELECT proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS}
    UNION SELECT relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}
    UNION SELECT unnest(polroles) FROM pg_policy
    UNION SELECT a.grantee FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        aclexplode(c.relacl) a WHERE {OURS}
    UNION SELECT a.grantee FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(t.attacl) a WHERE {OURS}
    UNION SELECT a.grantee FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
        aclexplode(p.proacl) a WHERE {OURS}
    UNION SELECT a.grantee FROM pg_namespace n, aclexplode(n.nspacl) a WHERE {OURS}
    UNION SELECT a.grantee FROM pg_default_acl d, aclexplode(d.defaclacl) a)
ORDER BY 1
"""
# To be given something in a schema, a role has to be allowed to make something there.
OWNERS = f"""
SELECT DISTINCT pg_get_userbyid(o.owner) FROM (
    SELECT proowner AS owner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS}
    UNION SELECT relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}) o
WHERE pg_get_userbyid(o.owner) <> %s ORDER BY 1
"""
# What a dump grants on a function of somebody else's is refused with a warning only, unless that role grants it.
GRANTS = f"""
SELECT format('SET LOCAL ROLE %I; REVOKE ALL ON FUNCTION %s FROM PUBLIC; '
        'GRANT EXECUTE ON FUNCTION %s TO %s; RESET ROLE;', owner, whole, whole, string_agg(
    CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, ', '
    ORDER BY grantee <> 0, pg_get_userbyid(grantee)))
FROM (
    SELECT pg_get_userbyid(p.proowner) AS owner, a.grantee,
        format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS whole
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) a WHERE {OURS}
) granted WHERE owner <> {{}} GROUP BY owner, whole ORDER BY 1
"""
# Columns that a sequence numbers, whichever way the sequence is tied to them.
NUMBERED = f"""
SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname, a.attname,
    s.oid::regclass::text AS sequence, q.seqtypid = 'bigint'::regtype AS is_big
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND {OURS}
ORDER BY 1"""

Link = psycopg.Connection[Any]


def make_plain(link: Link) -> None:
    """Settings of the session under which everything here has one form."""
    for statement in PLAIN.split(";"):
        link.execute(statement.strip().encode())


def tables(link: Link) -> dict[str, Table]:
    """Every table with its rows, seen as this role in this transaction."""
    found = {}
    for schema, name, whole in link.execute(TABLES).fetchall():
        row = link.execute(sql.SQL(COUNT).format(sql.Identifier(schema, name))).fetchone()
        found[whole] = Table(*row) if row else Table(0, "0")
    return found


def objects(link: Link) -> dict[str, str]:
    return dict(link.execute(DIGESTED.encode()).fetchall())


def roles(link: Link, owner: str) -> tuple[str, ...]:
    """The roles that the database names, but its owner."""
    return tuple(name for (name,) in link.execute(ROLES.encode(), [owner]).fetchall())


def owners(link: Link, owner: str) -> tuple[str, ...]:
    """Those of them that own something."""
    return tuple(name for (name,) in link.execute(OWNERS.encode(), [owner]).fetchall())


def grants(link: Link, owner: str) -> tuple[str, ...]:
    """What those who own a function have let others do with it, as statements for a transaction."""
    question = sql.SQL(GRANTS).format(sql.Literal(owner))
    return tuple(statement for (statement,) in link.execute(question).fetchall())


def hidden(link: Link) -> list[str]:
    """Tables that this role is not shown as a whole; nothing for one that row-level security does not concern."""
    return [] if passes_walls(link) else [name for (name,) in link.execute(HIDDEN.encode()).fetchall()]


def passes_walls(link: Link) -> bool:
    found = link.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(found and found[0])


def sequences_behind(link: Link) -> Iterator[str]:
    """Sequences that would give a number again."""
    for whole, schema, name, column, sequence, _big in link.execute(NUMBERED.encode()).fetchall():
        question = sql.SQL("SELECT s.last_value < t.largest FROM {} s, (SELECT max({}) AS largest FROM {}) t").format(
            sql.SQL(sequence), sql.Identifier(column), sql.Identifier(schema, name)
        )
        row = link.execute(question).fetchone()
        if row and row[0]:
            yield f"the sequence of {whole}.{column} is behind its rows"


def differences(
    wanted: Mapping[str, Table], found: Mapping[str, Table], *, but: frozenset[str] = frozenset()
) -> Iterator[str]:
    """In which tables the rows are not those that the backup took."""
    for name in sorted((wanted.keys() | found.keys()) - but):
        there, here = wanted.get(name), found.get(name)
        if there is None:
            yield f"the table {name} is not in the backup"
        elif here is None:
            yield f"the table {name} is missing"
        elif there.rows != here.rows:
            yield f"the table {name} has {here.rows} rows, and the backup {there.rows}"
        elif there.digest != here.digest:
            yield f"the table {name} has other rows than the backup"


def changed_objects(wanted: Mapping[str, str], found: Mapping[str, str], *, same_version: bool) -> Iterator[str]:
    """Which triggers, policies, rights and so on are missing, new or other. Another major version words them anew."""
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield f"missing: {name}"
        elif name not in wanted:
            yield f"not in the backup: {name}"
        elif same_version and wanted[name] != found[name]:
            yield f"not as in the backup: {name}"
