from pgq.schema import migrate

revision = ${repr(up_revision).replace("'", '"')}
down_revision = ${repr(down_revision).replace("'", '"')}


def upgrade() -> None:
    migrate.run_revision(__file__)


def downgrade() -> None:
    migrate.refuse_downgrade()
