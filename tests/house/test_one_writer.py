"""Business rows are written by operations alone; everything else asks them."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FLOORS = ("core", "customers", "invoices", "risk", "dunning", "config")
WRITES = {
    "create",
    "bulk_create",
    "bulk_update",
    "update",
    "update_or_create",
    "get_or_create",
    "save",
    "delete",
}
SQL_WRITE = re.compile(r"^\s*(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|COPY\s+\w+)", re.IGNORECASE)
# Places that write, each with its reason.
WRITERS = {
    "operations": "the operations themselves",
    "planning": "the SQL that plan_run runs, inside its transaction",
    "migrations": "changes of the schema",
    "config/demo/": "builds a whole portfolio in an empty database",
    "core/jobs.py": "the rows of job runs",
    "core/audit.py": "the audit trail",
    "core/files.py": "stored files, asked for by operations",
    "core/models/users.py": "Django's manager of accounts",
    "core/api/authentication.py": "when a key was last used",
    "core/api/idempotency.py": "answers kept for repeated requests",
    "invoices/staging/": "the SQL and COPY that the operations on batches run",
    "invoices/drop_storage.py": "files of the watched folders, moved by the sweep",
    "dunning/post/exchange.py": "files of the folder shared with the printer",
    "invoices/imports.py": "the SQL that the import operations run",
}
# Names whose `update` or `create` is no database write.
HARMLESS = {
    "digest",
    "hashlib",
    "sha",
    "hasher",
    "counts",
    "excluded",
    "query",
    "params",
    "table",
    "kwargs",
    "context",
    "epc_qr",
}


def source_files() -> list[Path]:
    return [path for floor in FLOORS for path in sorted((REPOSITORY / floor).rglob("*.py"))]


def is_writer(path: Path) -> bool:
    name = path.relative_to(REPOSITORY).as_posix()
    return any(part in (*path.parts, path.stem) or name.startswith(part) for part in WRITERS)


def writes_in(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            owner = ast.unparse(node.func.value)
            queryset = "objects" in owner or node.func.attr in {"save", "delete", "bulk_create"}
            if queryset and owner.split(".")[-1].split("(")[0] not in HARMLESS:
                found.append(f"line {node.lineno}: {ast.unparse(node.func)}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_WRITE.match(node.value):
            table = node.value.split(maxsplit=4)
            if not any(word.startswith(("plan_", "pg_temp")) for word in table):
                found.append(f"line {node.lineno}: {' '.join(table[:3])}")
    return found


@pytest.mark.parametrize("path", source_files(), ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_only_operations_write(path: Path) -> None:
    if is_writer(path):
        return
    found = writes_in(ast.parse(path.read_text(encoding="utf-8")))
    assert not found, f"{path.relative_to(REPOSITORY)} writes: {found}"


def test_the_scan_sees_a_write() -> None:
    seen = writes_in(
        ast.parse("Notice.objects.filter(pk=1).update(status='SENT')\ncursor.execute('UPDATE x SET y = 1')")
    )
    assert len(seen) == 2
