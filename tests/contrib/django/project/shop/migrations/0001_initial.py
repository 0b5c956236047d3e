from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField(unique=True)),
                ("state", models.CharField(default="new", max_length=20)),
                ("packed", models.IntegerField(default=0)),
            ],
            options={"ordering": ("number",)},
        ),
    )  # fmt: skip
