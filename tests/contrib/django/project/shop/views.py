from typing import Any

from django.db import transaction
from django.http import HttpRequest, JsonResponse

from shop import tasks
from shop.models import Order


def buy(request: HttpRequest, number: int) -> JsonResponse:
    """Make an order and the job that packs it: both, or with `?fail` neither."""
    try:
        with transaction.atomic():
            Order.objects.create(number=number)
            result: Any = tasks.pack.enqueue(number)
            if "fail" in request.GET:
                raise RuntimeError("no money")
    except RuntimeError as error:
        return JsonResponse({"error": str(error)}, status=402)
    return JsonResponse({"job": result.id})
