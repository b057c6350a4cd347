"""`python -m provisioning.clickhouse [embedded|server]`: print the statements of the schema."""

import sys

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders


def main(variant: str = Variant.EMBEDDED) -> None:
    """Print every migration's statements, for database `seamark`."""
    values = placeholders(Variant(variant), database="seamark")
    for migration in read_migrations():
        sys.stdout.write(f"-- {migration.file_name} {migration.checksum}\n")
        for statement in statements(migration.text, values):
            sys.stdout.write(f"\n{statement};\n")


if __name__ == "__main__":
    main(*sys.argv[1:2])
