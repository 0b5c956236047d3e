from pgq.schema import migrate

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrate.run_revision(__file__)


def downgrade() -> None:
    migrate.refuse_downgrade()
