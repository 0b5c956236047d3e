from django.contrib import admin
from django.urls import include, path
from shop.views import buy

urlpatterns = [
    path("admin/", admin.site.urls),
    path("pgq/", include("pgq.contrib.django.urls")),
    path("buy/<int:number>", buy),
]
