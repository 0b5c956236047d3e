from django.db import models


class Order(models.Model):
    """Something that somebody buys."""

    number = models.IntegerField(unique=True)
    state = models.CharField(max_length=20, default="new")
    packed = models.IntegerField(default=0)

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return f"order {self.number}"
